//! Stream of events to stream of chunks, for the body of a response.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use futures_core::Stream;

use crate::{EventBuilder, HeartbeatError, KeepAlive, Timer};

/// The size from which a chunk is sent although more events are ready.
const BATCH: usize = 64 << 10;

/// Turns a stream of events into the chunks of a response body, without the types of HTTP.
///
/// Events that are ready together become one chunk, of about 64 KiB at most; a single event is not
/// copied. After [15 s](KeepAlive::INTERVAL) without an event a comment is sent;
/// [`keep_alive`](Self::keep_alive) changes that time. The chunks end when the stream ends. An
/// error of the stream is the last item, after the events before it.
///
/// # Example
///
/// ```
/// use core::convert::Infallible;
/// use core::future::{Pending, pending, poll_fn};
///
/// use futures_executor::block_on;
/// use futures_util::stream;
/// use sse_proto::{Chunks, EventBuilder, Instant, Timer};
///
/// struct Stopped;
///
/// impl Timer for Stopped {
///     type Sleep = Pending<()>;
///
///     fn sleep_until(&self, _: Instant) -> Pending<()> {
///         pending()
///     }
///
///     fn now(&self) -> Instant {
///         Instant::ZERO
///     }
/// }
///
/// let events = stream::iter(["a", "b"].map(Ok::<_, Infallible>));
/// let mut chunks = Chunks::new(events, Stopped);
/// let encode = |data| EventBuilder::new().data(data).encode().into_bytes();
/// let chunk = block_on(poll_fn(|cx| chunks.poll_chunk(cx, encode)));
/// assert_eq!(chunk, Some(Ok(b"data: a\n\ndata: b\n\n".to_vec())));
/// ```
pub struct Chunks<S, E, T: Timer> {
    /// The stream of events; `None` after its end.
    events: Option<Pin<Box<S>>>,
    /// The error that ended the stream, held until the events before it are sent.
    error: Option<E>,
    /// Whether a chunk was returned that the server may not have written yet.
    fresh: bool,
    timer: T,
    keep_alive: KeepAlive,
    /// The encoded event that is sent instead of a comment.
    heartbeat: Option<String>,
    /// The timer of the next comment. It is reset only when it fires, not with each event, so it
    /// may be early but never late.
    alarm: Option<T::Sleep>,
    until: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    farewell: Duration,
}

// Nothing is pinned in it but what is boxed.
impl<S, E, T: Timer> Unpin for Chunks<S, E, T> {}

impl<S, E, T: Timer> Chunks<S, E, T> {
    /// Creates the chunks for the items of `events`.
    pub fn new(events: S, timer: T) -> Self {
        Self {
            events: Some(Box::pin(events)),
            error: None,
            fresh: false,
            keep_alive: KeepAlive::new(KeepAlive::INTERVAL, timer.now()),
            heartbeat: None,
            timer,
            alarm: None,
            until: None,
            farewell: Duration::ZERO,
        }
    }

    /// Sends a comment after `interval` without an event; `Duration::MAX` means never.
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.keep_alive = KeepAlive::new(interval, self.timer.now());
        self
    }

    /// Sends an event of this type instead of the keep-alive comment: see
    /// [`EventBuilder::heartbeat`].
    ///
    /// # Errors
    ///
    /// Those of [`EventBuilder::heartbeat`].
    pub fn heartbeat(mut self, event_type: &str) -> Result<Self, HeartbeatError> {
        self.heartbeat = Some(EventBuilder::heartbeat(event_type)?.encode());
        Ok(self)
    }

    /// Ends the chunks between two events as soon as `signal` completes, and asks the client to
    /// reconnect after `retry`.
    ///
    /// One more chunk is sent then. It begins with the events that are ready, up to the event that
    /// brings it to 64 KiB; a client gets the events after them when it resumes.
    pub fn until(mut self, signal: impl Future<Output = ()> + Send + 'static, retry: Duration) -> Self {
        self.until = Some(Box::pin(signal));
        self.farewell = retry;
        self
    }

    /// Whether the chunks have ended.
    pub fn is_done(&self) -> bool {
        self.events.is_none() && self.error.is_none()
    }

    /// Polls for the next chunk. `encode` turns an item into its bytes.
    ///
    /// # Errors
    ///
    /// The error of the stream of events, once. Nothing follows.
    pub fn poll_chunk<I, C>(
        &mut self,
        cx: &mut Context<'_>,
        encode: impl Fn(I) -> C,
    ) -> Poll<Option<Result<C, E>>>
    where
        S: Stream<Item = Result<I, E>>,
        C: AsRef<[u8]> + From<Vec<u8>>,
    {
        let closing = self.events.is_some()
            && self.until.as_mut().is_some_and(|signal| signal.as_mut().poll(cx).is_ready());
        let mut batch = Batch::Empty;
        while batch.len() < BATCH
            && let Some(events) = &mut self.events
            && let Poll::Ready(item) = events.as_mut().poll_next(cx)
        {
            match item {
                Some(Ok(event)) => batch = batch.with(encode(event)),
                Some(Err(error)) => {
                    self.error = Some(error);
                    self.events = None;
                }
                None => self.events = None,
            }
        }
        if closing {
            self.until = None;
            self.events = None;
            batch = batch.with(EventBuilder::new().retry(self.farewell).encode().into_bytes().into());
        }
        if let Some(chunk) = batch.join() {
            self.keep_alive.handle_event(self.timer.now());
            self.fresh = true;
            return Poll::Ready(Some(Ok(chunk)));
        }
        if self.events.is_none() {
            if self.error.is_some() && core::mem::take(&mut self.fresh) {
                // If the error came at once, hyper would discard the previous chunk, which it has
                // not written yet.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(self.error.take().map(Err));
        }
        loop {
            let Some(deadline) = self.keep_alive.deadline() else { return Poll::Pending };
            let alarm = self.alarm.get_or_insert_with(|| self.timer.sleep_until(deadline));
            ready!(Pin::new(alarm).poll(cx));
            self.alarm = None;
            if self.keep_alive.poll(self.timer.now()) {
                let text = self.heartbeat.clone().unwrap_or_else(|| EventBuilder::new().comment("").encode());
                return Poll::Ready(Some(Ok(text.into_bytes().into())));
            }
        }
    }
}

impl<S, E, T: Timer> fmt::Debug for Chunks<S, E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("keep_alive", &self.keep_alive).finish_non_exhaustive()
    }
}

/// Events collected for one chunk; a single event is not copied.
enum Batch<C> {
    Empty,
    One(C),
    Many(Vec<u8>),
}

impl<C: AsRef<[u8]> + From<Vec<u8>>> Batch<C> {
    fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::One(event) => event.as_ref().len(),
            Self::Many(events) => events.len(),
        }
    }

    fn with(self, event: C) -> Self {
        match self {
            _ if event.as_ref().is_empty() => self,
            Self::Empty => Self::One(event),
            Self::One(first) => Self::Many([first.as_ref(), event.as_ref()].concat()),
            Self::Many(mut events) => {
                events.extend_from_slice(event.as_ref());
                Self::Many(events)
            }
        }
    }

    fn join(self) -> Option<C> {
        match self {
            Self::Empty => None,
            Self::One(event) => Some(event),
            Self::Many(events) => Some(events.into()),
        }
    }
}
