//! Log lines of `sse serve`: one for each request, at its end. Secrets never are in one: no query,
//! no header of a request.

use std::io::IsTerminal as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use clap::ValueEnum;
use http::{Method, Request, Response};
use http_body::{Frame, SizeHint};
use percent_encoding::percent_decode_str;
use tokio::sync::watch;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::text::{Visible, excerpt};

/// How many topics of one request are in its log line, and how many characters of their names.
const TOPICS: usize = 32;
const TOPICS_BYTES: usize = 1000;

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

/// A request until its log line is written. A stream keeps it to its end, so it is small.
pub(super) struct Logged {
    started: Instant,
    method: Method,
    path: Box<str>,
    /// The topics that the query names, where the path does not.
    several: Option<Box<str>>,
    status: u16,
    reason: Option<Box<str>>,
}

impl Logged {
    pub(super) fn new<B>(request: &Request<B>) -> Self {
        let uri = request.uri();
        let several = (uri.path() == "/events").then(|| topics(uri.query().unwrap_or_default()));
        Self {
            started: Instant::now(),
            method: request.method().clone(),
            path: Visible(uri.path()).to_string().into(),
            several,
            status: 0,
            reason: None,
        }
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// Whether the path is that of one topic.
    pub(super) fn names_topic(&self) -> bool {
        self.segment().is_some()
    }

    /// The name of a topic in the path, as it was sent.
    fn segment(&self) -> Option<&str> {
        self.path.strip_prefix("/events/").filter(|name| !name.is_empty() && !name.contains('/'))
    }

    /// The topics of the request, with their percent-encoding decoded.
    fn topic(&self) -> String {
        let name = || Some(percent_decode_str(self.segment()?).decode_utf8_lossy());
        match &self.several {
            Some(topics) => topics.as_ref().to_owned(),
            None => name().map_or_else(String::new, |name| Visible(&name).to_string()),
        }
    }

    /// Notes the head of the response.
    pub(super) fn answered<B>(mut self, response: &Response<B>) -> Self {
        self.status = response.status().as_u16();
        let reason = response.extensions().get::<Reason>();
        self.reason = reason.map(|reason| Visible(&reason.text).to_string().into());
        self
    }

    /// The body of the response; the line is written when it ends or is dropped. `closing` is true
    /// once the server shuts down.
    pub(super) fn body(self, body: Body, closing: watch::Receiver<bool>) -> Counting {
        Counting { body, bytes: 0, ended: false, failed: false, closing, log: self }
    }
}

/// The topics that a query names (`topic=a&topic=b`): nothing else of the query may be in a log.
fn topics(query: &str) -> Box<str> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let names = pairs.filter(|(key, _)| key == "topic").take(TOPICS).map(|(_, name)| name);
    let names = names.collect::<Vec<_>>().join(",");
    Visible(&excerpt(&names, TOPICS_BYTES)).to_string().into()
}

/// A body that counts its bytes and logs its end.
pub(super) struct Counting {
    body: Body,
    bytes: u64,
    ended: bool,
    failed: bool,
    closing: watch::Receiver<bool>,
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

impl Counting {
    /// Why the response ended.
    fn end(&self) -> &'static str {
        let ended = self.ended || self.body.is_end_stream();
        let stream = self.size_hint().exact().is_none();
        match ended {
            _ if self.failed => "failed",
            true if stream && *self.closing.borrow() => "server stopped",
            true if stream => "stream ended",
            true => "complete",
            false => "client left",
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        let end = self.end();
        let topic = self.log.topic();
        let Logged { started, method, path, status, reason, .. } = &self.log;
        let duration_ms = started.elapsed().as_millis() as u64;
        let bytes = self.bytes;
        tracing::info!(%method, path, topic, status, bytes, duration_ms, end, reason = reason.as_deref(), "request");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(uri: &str) -> Logged {
        Logged::new(&Request::get(uri).body(()).expect("a URI"))
    }

    #[test]
    fn the_topic_is_readable_and_nothing_else_of_the_query_is_logged() {
        for (uri, topic) in [
            ("/events/a%20b?access_token=hunter2", "a b"),
            ("/events/a%1bb", "a\\u{1b}b"),
            ("/events/", ""),
            ("/events/a/b", ""),
            ("/events?topic=a&access_token=hunter2&topic=b+c", "a,b c"),
            ("/events?access_token=hunter2", ""),
            ("/metrics", ""),
        ] {
            assert_eq!(logged(uri).topic(), topic, "{uri}");
            assert!(!logged(uri).path.contains("hunter2"));
        }
        let many = format!("/events?{}", "topic=abc&".repeat(1000));
        assert!(logged(&many).topic().len() < 200);
    }
}
