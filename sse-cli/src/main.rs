//! `sse`: Server-Sent Events on the command line.
#![allow(
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags,
    reason = "doc comments of options are their help on a terminal"
)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its terminal")]

mod bench;
mod check;
mod cookies;
mod demo;
mod failure;
mod healthcheck;
mod input;
mod limits;
mod manual;
mod output;
mod parse;
mod recording;
mod replay;
mod request;
mod serve;
mod signals;
mod tail;
mod terminal;
mod text;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches as _, Parser, Subcommand};

use failure::{FAILED, Failure};

/// Server-Sent Events on the command line.
#[derive(Parser)]
#[command(name = "sse", version, arg_required_else_help = true, after_help = manual::exit_codes())]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Tail(Box<tail::Arguments>),
    Parse(parse::Arguments),
    Replay(replay::Arguments),
    Serve(Box<serve::Arguments>),
    Check(Box<check::Arguments>),
    Bench(Box<bench::Arguments>),
    Healthcheck(healthcheck::Arguments),
    Completions(manual::Completions),
    Man(manual::Man),
}

fn main() -> ExitCode {
    let (arguments, settings) = arguments();
    let result = match arguments.command {
        Command::Demo(arguments) => run(demo::run(&arguments)),
        Command::Tail(arguments) => run(tail::run(&arguments)),
        Command::Check(arguments) => run(check::run(&arguments)),
        Command::Replay(arguments) => run(replay::run(&arguments)),
        Command::Healthcheck(arguments) => run(healthcheck::run(&arguments)),
        Command::Parse(arguments) => parse::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Serve(arguments) => return serve::run(*arguments, &settings),
        Command::Completions(arguments) => manual::completions(&arguments, &mut Arguments::command()),
        Command::Man(arguments) => manual::man(&arguments, serve::with_environment(Arguments::command())),
    };
    result.unwrap_or_else(Failure::report)
}

/// Parses the command line, including settings from the environment and from a file; also returns
/// what the log of `serve` says about them.
fn arguments() -> (Arguments, serve::Shown) {
    let command = Arguments::command();
    let parsed = serve::parse(&command, std::env::args_os().collect()).unwrap_or_else(|error| error.exit());
    let arguments = Arguments::from_arg_matches(&parsed.matches).unwrap_or_else(|error| error.exit());
    (arguments, serve::shown(&command, parsed))
}

/// Runs a command's future on this thread, with a second thread for work that must not wait for the
/// output.
fn run(command: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(FAILED, "cannot start the runtime", &error))?;
    let result = runtime.block_on(command);
    // A normal shutdown would wait for a connection that a server floods.
    runtime.shutdown_background();
    result
}
