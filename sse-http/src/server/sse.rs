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
use proto::{Chunks, HeartbeatError, Timer};

use super::EncodedEvent;

/// Response body that sends the events of a `Stream`.
///
/// Events that are ready together go out in one frame. After 15 s without an event, a comment keeps
/// the connection open; [`keep_alive`](Self::keep_alive) changes that time. The body ends when the
/// stream ends; clients then reconnect, unless the next response has status 204 (9.2.3).
///
/// `T` is the timer of a runtime; an adapter sets it, as `sse_tokio::server::Sse` does.
pub struct Sse<S, T: Timer, E = Infallible>(Chunks<S, E, T>);

impl<S, T: Timer + Default> Sse<Unfailing<S>, T> {
    /// Sends the items of `stream`, which are [`EncodedEvent`]s or convert into them.
    pub fn new(stream: S) -> Self
    where
        S: Stream,
        S::Item: Into<EncodedEvent>,
    {
        Self::try_new(Unfailing { stream })
    }
}

impl<S, T: Timer + Default, E> Sse<S, T, E> {
    /// Sends the items of a stream that may fail.
    ///
    /// An error breaks the connection after the events before it were sent, and the client
    /// reconnects.
    pub fn try_new<I>(stream: S) -> Self
    where
        S: Stream<Item = Result<I, E>>,
        I: Into<EncodedEvent>,
    {
        Self::with_timer(stream, T::default())
    }
}

impl<S, T: Timer, E> Sse<S, T, E> {
    /// [`try_new`](Self::try_new) with a timer that has no default value.
    pub fn with_timer<I>(stream: S, timer: T) -> Self
    where
        S: Stream<Item = Result<I, E>>,
        I: Into<EncodedEvent>,
    {
        Self(Chunks::new(stream, timer))
    }

    /// Sends a comment after `interval` without an event; `Duration::MAX` means never.
    pub fn keep_alive(self, interval: Duration) -> Self {
        Self(self.0.keep_alive(interval))
    }

    /// Sends an event of this type, with empty data and without an ID, instead of the keep-alive
    /// comment.
    ///
    /// An `EventSource` dispatches the event to the listeners of its type, so a page can
    /// distinguish a silent stream from a dead connection; a comment never reaches a page (WHATWG
    /// HTML 9.2.6). The client's last event ID does not change.
    ///
    /// # Errors
    ///
    /// If the type contains CR or LF, or if a client has handlers for it that would get the
    /// heartbeat: it is empty, `message`, `open` or `error`.
    pub fn heartbeat(self, event_type: &str) -> Result<Self, HeartbeatError> {
        Ok(Self(self.0.heartbeat(event_type)?))
    }

    /// Ends the body between two events as soon as `signal` completes, and asks the client to
    /// reconnect after `retry`.
    ///
    /// Use it for a graceful shutdown, which would otherwise wait for endless responses. The
    /// events that are ready at that time are sent first, up to the event that brings them to 64
    /// KiB; a client gets the events after them when it resumes.
    pub fn until(self, signal: impl Future<Output = ()> + Send + 'static, retry: Duration) -> Self {
        Self(self.0.until(signal, retry))
    }
}

impl<S, I, T, E> Body for Sse<S, T, E>
where
    S: Stream<Item = Result<I, E>>,
    I: Into<EncodedEvent>,
    T: Timer,
{
    type Data = Bytes;
    type Error = E;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let chunk = self.0.poll_chunk(cx, |event: I| Bytes::from(event.into()));
        chunk.map(|chunk| Some(chunk?.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_done()
    }
}

impl<S, T: Timer, E> fmt::Debug for Sse<S, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sse").field(&self.0).finish()
    }
}

pin_project! {
    /// Adapter that gives a stream without errors an error type.
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
