//! A stream of events as the body of a response, for hyper servers on these runtimes.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_io::Timer;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http_body::{Body, Frame};
use proto::{Epoch, EventBuilder, Instant, KeepAlive};

/// After this many bytes a frame is sent although more events are ready.
const BATCH: usize = 64 << 10;

/// One encoded event or comment: what the stream behind a [`Sse`] yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent(Bytes);

impl From<EventBuilder<'_>> for EncodedEvent {
    fn from(event: EventBuilder<'_>) -> Self {
        Self(event.encode().into())
    }
}

/// The body that sends what a `Stream` of events yields.
///
/// Events that are ready together go out in one frame. When there is none for a while, a comment keeps the connection
/// open: after 15 s, or as [`keep_alive`](Self::keep_alive) says. The body ends when the stream does; clients then
/// reconnect, and only a response of status 204 keeps them from it. An error of the stream breaks the connection, after
/// the events before it were sent.
///
/// # Example
///
/// ```
/// use std::convert::Infallible;
///
/// use futures_util::stream;
/// use sse_async_std::{EventBuilder, Sse, response};
///
/// let events = stream::iter(["a", "b"].map(|data| Ok::<_, Infallible>(EventBuilder::new().data(data))));
/// let response = response(Sse::new(events));
/// assert_eq!(response.headers()["content-type"], "text/event-stream");
/// ```
pub struct Sse<S, E = Infallible> {
    /// `None` when it has ended.
    stream: Option<Pin<Box<S>>>,
    /// What it ended with, while the events before that are being sent.
    error: Option<E>,
    epoch: Epoch,
    keep_alive: KeepAlive,
    /// Set anew only when it goes off, not with each event: it is early, never late.
    alarm: Option<Timer>,
}

impl<S, E> Sse<S, E> {
    /// Sends the items of `stream`: [`EncodedEvent`]s, or what converts into them.
    pub fn new<T>(stream: S) -> Self
    where
        S: Stream<Item = Result<T, E>>,
        T: Into<EncodedEvent>,
    {
        let keep_alive = KeepAlive::new(KeepAlive::INTERVAL, Instant::ZERO);
        Self { stream: Some(Box::pin(stream)), error: None, epoch: Epoch::default(), keep_alive, alarm: None }
    }

    /// Sends a comment after `interval` without an event; `Duration::MAX` means never.
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.keep_alive = KeepAlive::new(interval, self.epoch.now());
        self
    }
}

impl<S, T, E> Body for Sse<S, E>
where
    S: Stream<Item = Result<T, E>>,
    T: Into<EncodedEvent>,
    E: Unpin,
{
    type Data = Bytes;
    type Error = E;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let this = &mut *self;
        let mut batch = BytesMut::new();
        while let Some(stream) = &mut this.stream
            && batch.len() < BATCH
            && let Poll::Ready(item) = stream.as_mut().poll_next(cx)
        {
            match item {
                Some(Ok(event)) => batch.extend_from_slice(&event.into().0),
                Some(Err(error)) => {
                    this.error = Some(error);
                    this.stream = None;
                }
                None => this.stream = None,
            }
        }
        if !batch.is_empty() {
            this.keep_alive.handle_event(this.epoch.now());
            return Poll::Ready(Some(Ok(Frame::data(batch.freeze()))));
        }
        if this.stream.is_none() {
            return Poll::Ready(this.error.take().map(Err));
        }
        loop {
            let deadline = this.keep_alive.deadline().and_then(|deadline| this.epoch.to_std(deadline));
            let Some(deadline) = deadline else { return Poll::Pending };
            let alarm = this.alarm.get_or_insert_with(|| Timer::at(deadline));
            ready!(Pin::new(&mut *alarm).poll(cx));
            this.alarm = None;
            if this.keep_alive.poll(this.epoch.now()) {
                return Poll::Ready(Some(Ok(Frame::data(EventBuilder::new().comment("").encode().into()))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_none() && self.error.is_none()
    }
}

impl<S, E> fmt::Debug for Sse<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sse").field("keep_alive", &self.keep_alive).finish_non_exhaustive()
    }
}

/// A 200 response that streams `body` as events, whatever stands between.
///
/// - `Content-Type: text/event-stream`;
/// - `Cache-Control: no-cache`, so that a reconnection is never answered from a cache;
/// - `X-Accel-Buffering: no`, without which nginx holds every event to the end of the response.
///
/// There is no `Content-Encoding`, and there should be none: a compressor holds events back until its block is full.
pub fn response<B>(body: B) -> Response<B> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
