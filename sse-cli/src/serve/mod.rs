//! `sse serve`: a hub as a command.

mod access;
mod arguments;
mod listen;
mod metrics;
mod publish;
mod rate;
mod routes;

use std::process::ExitCode;

pub(crate) use arguments::Arguments;

/// Serves until it is told to stop. Exit codes: 0 after a clean shutdown, 1 if it could not serve, 2 for
/// arguments that make no sense.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    if let Err(objection) = arguments.check() {
        eprintln!("sse serve: {objection}");
        return ExitCode::from(2);
    }
    match runtime.block_on(listen::serve(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(error: &str) -> ExitCode {
    eprintln!("sse serve: {error}");
    ExitCode::FAILURE
}
