//! Log lines of `sse serve`: one for each request, at its end. Secrets never are in one: no query, no header of a request.

use std::io::IsTerminal as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use clap::ValueEnum;
use http::{Method, Request, Response};
use http_body::{Frame, SizeHint};
use tracing_subscriber::EnvFilter;

use crate::text::Visible;

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
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // Standard error may be closed or full, and there is nowhere else to say so.
        .log_internal_errors(false);
    // A second server in one process, as tests have it, keeps the first one's.
    let _ = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}

/// Why a request was refused: an extension of the response, for the log.
#[derive(Clone, Debug)]
pub(super) struct Reason(pub(super) String);

/// A request, on its way to a log line.
pub(super) struct Logged {
    started: Instant,
    method: Method,
    path: String,
    status: u16,
    reason: Option<String>,
}

impl Logged {
    pub(super) fn new<B>(request: &Request<B>) -> Self {
        Self {
            started: Instant::now(),
            method: request.method().clone(),
            path: Visible(request.uri().path()).to_string(),
            status: 0,
            reason: None,
        }
    }

    /// Notes the head of the response.
    pub(super) fn answered<B>(mut self, response: &Response<B>) -> Self {
        self.status = response.status().as_u16();
        self.reason = response.extensions().get::<Reason>().map(|reason| Visible(&reason.0).to_string());
        self
    }

    /// The body of the response; the line is written when it ends or is dropped.
    pub(super) fn body(self, body: Body) -> Counting {
        Counting { body, bytes: 0, ended: false, failed: false, log: self }
    }
}

/// A body that counts its bytes and logs its end.
pub(super) struct Counting {
    body: Body,
    bytes: u64,
    ended: bool,
    failed: bool,
    log: Logged,
}

impl HttpBody for Counting {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64),
            Some(Err(_)) => self.failed = true,
            None => self.ended = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        let end = match (self.ended || self.body.is_end_stream(), self.failed) {
            (_, true) => "failed",
            (true, _) => "complete",
            (false, _) => "client left",
        };
        let Logged { started, method, path, status, reason } = &self.log;
        let topic = path.strip_prefix("/events/").unwrap_or_default();
        let duration_ms = started.elapsed().as_millis() as u64;
        let bytes = self.bytes;
        match reason {
            Some(reason) => {
                tracing::info!(%method, path, topic, status, bytes, duration_ms, end, reason, "request")
            }
            None => tracing::info!(%method, path, topic, status, bytes, duration_ms, end, "request"),
        }
    }
}
