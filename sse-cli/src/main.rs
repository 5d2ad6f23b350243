//! `sse`: Server-Sent Events on the command line.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its terminal")]

mod failure;
mod manual;
mod serve;
mod text;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use failure::Failure;

/// Server-Sent Events on the command line.
#[derive(Parser)]
#[command(name = "sse", version, arg_required_else_help = true, after_help = manual::EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<serve::Arguments>),
    Completions(manual::Completions),
    Man(manual::Man),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Serve(arguments) => return serve::run(*arguments),
        Command::Completions(arguments) => manual::completions(&arguments, &mut Arguments::command()),
        Command::Man(arguments) => manual::man(&arguments, Arguments::command()),
    };
    result.unwrap_or_else(Failure::report)
}
