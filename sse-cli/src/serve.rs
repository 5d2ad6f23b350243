//! `sse serve`: a hub as a command.

mod access;
mod arguments;
mod engine;
mod listen;
mod log;
mod metrics;
mod publish;
mod rate;
mod refusal;
mod routes;
mod secret;
mod settings;
mod stream;
mod topics;

use std::io::{self, Write as _};
use std::process::ExitCode;

pub(crate) use arguments::Arguments;
pub(crate) use settings::{Shown, parse, shown, with_environment};

use crate::failure::{FAILED, USAGE};

/// Serves until a signal stops it. Exit codes: 0 after a clean shutdown, 1 if it could not serve, 2
/// for invalid command-line arguments.
pub(crate) fn run(arguments: Arguments, settings: &Shown) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(FAILED, &error.to_string(), settings),
    };
    if let Err(objection) = arguments.check() {
        return failed(USAGE, &objection, settings);
    }
    match runtime.block_on(listen::serve(arguments, settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(FAILED, &error, settings),
    }
}

fn failed(code: u8, error: &str, settings: &Shown) -> ExitCode {
    // If standard error is closed, the exit code is the only report.
    let _ = writeln!(io::stderr(), "sse serve: {error}{}", settings.origins.of(error));
    code.into()
}
