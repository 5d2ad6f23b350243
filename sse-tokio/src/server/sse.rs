//! Any stream of events as the body of a response.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use proto::Chunks;

use super::EncodedEvent;
use crate::clock::Clock;

/// The body that sends what a `Stream` of events yields.
///
/// Events that are ready together go out in one frame. When there is none for a while, a comment keeps
/// the connection open: after 15 s, or as [`keep_alive`](Self::keep_alive) says. The body ends when the
/// stream does; clients then reconnect, and only a response of status 204 keeps them from it.
///
/// # Example
///
/// ```
/// use futures_util::stream;
/// use sse_tokio::server::{EventBuilder, Sse, response};
///
/// let body = Sse::new(stream::iter(["a", "b"].map(|data| EventBuilder::new().data(data))));
/// let response = response(body);
/// assert_eq!(response.headers()["content-type"], "text/event-stream");
/// ```
pub struct Sse<S, E = Infallible>(Chunks<S, E, Clock>);

impl<S> Sse<Unfailing<S>> {
    /// Sends the items of `stream`: [`EncodedEvent`]s, or what converts into them.
    pub fn new<T>(stream: S) -> Self
    where
        S: Stream<Item = T>,
        T: Into<EncodedEvent>,
    {
        Self::try_new(Unfailing { stream })
    }
}

impl<S, E> Sse<S, E> {
    /// Sends the items of a stream that may fail.
    ///
    /// An error breaks the connection, after the events before it were sent, and the client reconnects.
    pub fn try_new<T>(stream: S) -> Self
    where
        S: Stream<Item = Result<T, E>>,
        T: Into<EncodedEvent>,
    {
        Self(Chunks::new(stream, Clock::default()))
    }

    /// Sends a comment after `interval` without an event; `Duration::MAX` means never.
    pub fn keep_alive(self, interval: Duration) -> Self {
        Self(self.0.keep_alive(interval))
    }

    /// Ends the body between two events as soon as `signal` completes, and asks the client to reconnect after
    /// `retry`.
    ///
    /// The graceful shutdown of a server that would otherwise wait for its endless responses. A frame of
    /// events that are ready by then is sent before.
    pub fn until(self, signal: impl Future<Output = ()> + Send + 'static, retry: Duration) -> Self {
        Self(self.0.until(signal, retry))
    }
}

impl<S, T, E> Body for Sse<S, E>
where
    S: Stream<Item = Result<T, E>>,
    T: Into<EncodedEvent>,
{
    type Data = Bytes;
    type Error = E;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let chunk = self.0.poll_chunk(cx, |event: T| Bytes::from(event.into()));
        chunk.map(|chunk| Some(chunk?.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_done()
    }
}

impl<S, E> fmt::Debug for Sse<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sse").field(&self.0).finish()
    }
}

pin_project! {
    /// A stream whose items are never errors, seen as one whose items could be.
    pub struct Unfailing<S> {
        #[pin]
        stream: S,
    }
}

impl<S: Stream> Stream for Unfailing<S> {
    type Item = Result<S::Item, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.project().stream.poll_next(cx).map(|item| item.map(Ok))
    }
}
