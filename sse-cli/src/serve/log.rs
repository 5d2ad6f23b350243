//! Log lines of `sse serve`: one for each request, at its end. Secrets never are in one: no query,
//! no header of a request.

mod body;
mod request;

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub(super) use body::Counting;
pub(super) use request::Logged;

/// What log lines look like.
#[derive(Clone, Copy, Debug, Default, ValueEnum, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Writes log lines to standard error, as `RUST_LOG` says; level info unless it says otherwise.
pub(super) fn start(format: LogFormat) {
    let variable = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let filter = variable.and_then(|text| text.parse().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // Standard error may be closed or full; no other place remains for the message.
        .log_internal_errors(false);
    // A second server in one process, as tests have it, keeps the first one's.
    let _ = match format {
        LogFormat::Text => lines.finish().with(filter).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).finish().with(filter).try_init(),
    };
}

/// Why a request was refused: an extension of the response, for the log and the metrics.
#[derive(Clone, Debug)]
pub(super) struct Reason {
    /// The reason in a word, one of few.
    pub(super) label: &'static str,
    /// The reason as the client reads it.
    pub(super) text: String,
}
