//! Any stream of events as the body of a response.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use proto::{Epoch, EventBuilder, KeepAlive};
use tokio::time::{Instant, Sleep, sleep_until};

use super::EncodedEvent;

/// After this many bytes a frame is sent although more events are ready.
const BATCH: usize = 64 << 10;

pin_project! {
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
    pub struct Sse<S, E = Infallible> {
        // `None` when it has ended.
        #[pin]
        stream: Option<S>,
        // What it ended with, while the events before that are being sent.
        error: Option<E>,
        // Whether a frame was handed out in the poll before.
        fresh: bool,
        epoch: Epoch,
        keep_alive: KeepAlive,
        alarm: Option<Pin<Box<Sleep>>>,
        until: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
        farewell: Duration,
    }
}

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
        let epoch = Epoch::at(Instant::now().into_std());
        Self {
            stream: Some(stream),
            error: None,
            fresh: false,
            epoch,
            keep_alive: KeepAlive::new(KeepAlive::INTERVAL, proto::Instant::ZERO),
            alarm: None,
            until: None,
            farewell: Duration::ZERO,
        }
    }

    /// Sends a comment after `interval` without an event; `Duration::MAX` means never.
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.keep_alive = KeepAlive::new(interval, proto::Instant::ZERO);
        self
    }

    /// Ends the body between two events as soon as `signal` completes, and asks the client to reconnect after
    /// `retry`.
    ///
    /// The graceful shutdown of a server that would otherwise wait for its endless responses. A frame of
    /// events that are ready by then is sent before.
    pub fn until(mut self, signal: impl Future<Output = ()> + Send + 'static, retry: Duration) -> Self {
        self.until = Some(Box::pin(signal));
        self.farewell = retry;
        self
    }
}

impl<S, T, E> Body for Sse<S, E>
where
    S: Stream<Item = Result<T, E>>,
    T: Into<EncodedEvent>,
{
    type Data = Bytes;
    type Error = E;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let mut this = self.project();
        let closing = this.until.as_mut().is_some_and(|signal| signal.as_mut().poll(cx).is_ready());
        let mut batch = Batch::default();
        while let Some(stream) = this.stream.as_mut().as_pin_mut() {
            match stream.poll_next(cx) {
                Poll::Ready(Some(Ok(event))) => {
                    batch.push(event.into().into());
                    if batch.len() >= BATCH {
                        break;
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    *this.error = Some(error);
                    this.stream.set(None);
                }
                Poll::Ready(None) => this.stream.set(None),
                Poll::Pending => break,
            }
        }
        if closing {
            *this.until = None;
            this.stream.set(None);
            batch.push(EventBuilder::new().retry(*this.farewell).encode().into());
        }
        let now = || this.epoch.instant(Instant::now().into_std());
        if batch.len() > 0 {
            this.keep_alive.handle_event(now());
            *this.fresh = true;
            return Poll::Ready(Some(Ok(Frame::data(batch.join()))));
        }
        if this.stream.is_none() {
            if this.error.is_some() && std::mem::take(this.fresh) {
                // With an error at once, hyper would throw away the frame before it that it has not written
                // yet.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(this.error.take().map(Err));
        }
        loop {
            let deadline = this.keep_alive.deadline().and_then(|deadline| this.epoch.to_std(deadline));
            let Some(deadline) = deadline.map(Instant::from_std) else { return Poll::Pending };
            // Set anew only when it goes off, not with each event: it is early, never late.
            let alarm = this.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            ready!(alarm.as_mut().poll(cx));
            if this.keep_alive.poll(now()) {
                return Poll::Ready(Some(Ok(Frame::data(EventBuilder::new().comment("").encode().into()))));
            }
            alarm.as_mut().reset(deadline);
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_none() && self.error.is_none()
    }
}

/// Events for one frame; a single one is not copied.
#[derive(Default)]
struct Batch {
    first: Bytes,
    all: BytesMut,
}

impl Batch {
    fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    fn push(&mut self, event: Bytes) {
        if self.first.is_empty() {
            self.first = event;
        } else {
            if self.all.is_empty() {
                self.all.extend_from_slice(&self.first);
            }
            self.all.extend_from_slice(&event);
        }
    }

    fn join(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
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

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
