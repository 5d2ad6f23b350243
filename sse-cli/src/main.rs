//! `sse`: Server-Sent Events on the command line.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its terminal")]

mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Server-Sent Events on the command line.
#[derive(Parser)]
#[command(name = "sse", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Arguments),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(arguments),
    }
}
