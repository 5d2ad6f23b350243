//! The body of a response, which counts its bytes and writes the log line of its request.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};

use super::super::listen::connection::{Limits, Streaming};
use super::super::stream::Ending;
use super::Logged;

/// A body that counts its bytes; the log line is written when it is dropped.
///
/// hyper keeps room for one as long as a connection lasts, so it is small and needs no box.
pub(in crate::serve) struct Counting {
    body: Body,
    bytes: u64,
    finished: bool,
    failed: bool,
    log: Logged,
    limits: Arc<Limits>,
    /// Of a stream, which is under way to its end.
    stream: Option<(Streaming, Ending)>,
}

impl Counting {
    /// `stream` is there if the body is a stream of events.
    pub(in crate::serve) fn new(
        body: Body,
        log: Logged,
        limits: Arc<Limits>,
        stream: Option<(Streaming, Ending)>,
    ) -> Self {
        Self { body, bytes: 0, finished: false, failed: false, log, limits, stream }
    }

    /// Why the response ended.
    fn end(&self) -> &'static str {
        let finished = self.finished || self.body.is_end_stream();
        match &self.stream {
            _ if self.failed => "failed",
            None if finished => "complete",
            Some((_, ending)) if ending.text().is_some() => ending.text().unwrap_or_default(),
            // A stream that is still open after the grace time is cut off.
            Some(_) if *self.limits.closing.borrow() => "server stopped",
            _ => "client left",
        }
    }
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
            None => self.finished = true,
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
        let end = self.end();
        if self.stream.is_some() {
            self.limits.counters.ended(end);
        }
        self.log.write(self.bytes, end);
    }
}
