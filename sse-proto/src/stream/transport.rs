//! HTTP client of a runtime, as the driver needs it.

use alloc::sync::Arc;

use futures_core::Stream;

use crate::{ErrorKind, Instant, Request, ResponseHead, Timer, Verdict};

/// HTTP client that a [`Driver`](crate::Driver) runs on, together with the [`Timer`] of its
/// runtime.
///
/// The futures are kept in the driver and polled in place, so they have to be `Unpin`: box a future
/// that is not.
pub trait Transport: Timer {
    /// The head of a response, as the application gets it.
    type Head;
    /// The body of a response, a stream of chunks.
    type Body: Stream<Item = Result<Self::Chunk, Self::Error>> + Unpin;
    /// A piece of the body.
    type Chunk: AsRef<[u8]>;
    /// The reason why a request could not be sent, or why its response broke off.
    type Error;
    /// Sends the request and resolves when the response begins.
    type Connect: Future<Output = Result<(Self::Head, Self::Body), Self::Error>> + Unpin;

    /// Begins to send the request; dropping the future cancels the request.
    fn connect(&mut self, request: Request<'_>) -> Self::Connect;

    /// Returns the part of the head that decides whether the response is accepted.
    fn head(head: &Self::Head) -> ResponseHead<'_>;

    /// Confirms or replaces the decision about a response; `verdict` is the decision of
    /// [`Config::verdict`](crate::Config::verdict).
    fn on_response(&mut self, head: &Self::Head, verdict: Verdict) -> Verdict {
        let _ = head;
        verdict
    }

    /// Inspects a chunk of an open response before it is parsed, for example to count or record
    /// bytes.
    fn on_chunk(&mut self, chunk: &Self::Chunk) {
        let _ = chunk;
    }

    /// Whether another attempt may succeed after this error, and whether the request was sent.
    fn error_kind(error: &Self::Error) -> ErrorKind;

    /// A copy of the clock that any thread may read: it notes when bytes arrive while nothing polls
    /// the driver.
    fn clock(&self) -> Arc<dyn Fn() -> Instant + Send + Sync>;
}
