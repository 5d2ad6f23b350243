//! Driver of the client machine: takes a transport, a timer and a clock, and reports events.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use alloc::boxed::Box;
use alloc::sync::Arc;
use futures_core::Stream;

use super::arrival::Arrival;
use super::extend;
use crate::{
    ClientEvent, ClientEventRef, Closed, ErrorKind, EventSource, Frame, Instant, Loss, Output, Request,
    ResponseHead, Timer, Verdict,
};

/// HTTP client that a [`Driver`] runs on, together with the [`Timer`] of its runtime.
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

/// Runs an [`EventSource`] over a [`Transport`], on any executor: it spawns nothing and locks
/// nothing.
///
/// [`next`](Self::next) lends each event; [`poll_owned`](Self::poll_owned) returns events that own
/// their text, as the items of a stream must.
pub struct Driver<T: Transport> {
    transport: T,
    source: EventSource,
    connection: Connection<T>,
    chunk: Option<T::Chunk>,
    /// How many bytes of the chunk have been read.
    read: usize,
    timer: Option<(Instant, T::Sleep)>,
    /// The waker of the wait for bytes, if a deadline runs for them.
    arrival: Arrival,
    /// When the chunk arrived, until the machine has counted the wait for it.
    arrived: Option<Instant>,
    error: Option<T::Error>,
    done: bool,
}

enum Connection<T: Transport> {
    None,
    Connecting(T::Connect),
    /// The response began, and was given to the machine.
    Answered(T::Head, T::Body),
    Open(T::Body),
}

/// Report of a driver: an event with messages `M` and comments `C`, or the end.
type Next<T, M, C> = Option<
    Result<
        ClientEvent<<T as Transport>::Head, <T as Transport>::Error, M, C>,
        Box<Closed<<T as Transport>::Head, <T as Transport>::Body, <T as Transport>::Error>>,
    >,
>;

impl<T: Transport> Driver<T> {
    /// Creates a driver, which connects when it is first polled.
    pub fn new(source: EventSource, transport: T) -> Self {
        Self {
            transport,
            source,
            connection: Connection::None,
            chunk: None,
            read: 0,
            timer: None,
            arrival: Arrival::default(),
            arrived: None,
            error: None,
            done: false,
        }
    }

    /// Whether [`Closed`] was reported.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The machine, for example for its ready state or last event ID.
    pub fn source(&self) -> &EventSource {
        &self.source
    }

    /// Closes the source for good and drops the connection: only [`Closed`] is still delivered.
    pub fn close(&mut self) {
        self.source.close();
        self.hang_up();
    }

    /// Drops the connection, and makes no new one until [`resume`](Self::resume); see
    /// [`EventSource::suspend`].
    pub fn suspend(&mut self) {
        self.source.suspend();
        self.hang_up();
    }

    /// Ends a suspension. The task that polls the driver has to poll again to notice.
    pub fn resume(&mut self) {
        self.source.resume();
    }

    /// After [`ClientEvent::Disconnected`]: connects after this delay instead of the announced one.
    pub fn retry_after(&mut self, delay: Duration) {
        self.source.retry_after(delay);
    }

    /// Waits for the next event and lends it; `None` after [`Closed`].
    ///
    /// Cancel safe: a dropped future loses no event.
    ///
    /// # Errors
    ///
    /// [`Closed`], once, for every end of the source, the intended ones too: see
    /// [`CloseReason::is_failure`](crate::CloseReason::is_failure).
    #[expect(unsafe_code, reason = "the borrow checker does not see that a loan ends where the loop goes on")]
    pub async fn next(
        &mut self,
    ) -> Option<Result<ClientEventRef<'_, T::Head, T::Error>, Box<Closed<T::Head, T::Body, T::Error>>>> {
        // SAFETY: a frame borrows from the parser and from the chunk, both parts of `self`. From
        // where it is made to the end of this function, nothing else touches `self`; and the result
        // keeps `self` borrowed as long as it lives.
        poll_fn(|cx| self.poll(cx, |frame| unsafe { extend(frame) }.into())).await
    }

    /// Polls for the next event, which owns its text: [`next`](Self::next) for a stream.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    #[inline]
    #[expect(clippy::type_complexity, reason = "the type of a stream's items")]
    pub fn poll_owned(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<ClientEvent<T::Head, T::Error>, Box<Closed<T::Head, T::Body, T::Error>>>>> {
        self.poll(cx, |frame| frame.into())
    }

    /// Polls until there is something to report; `take` converts a frame to the event
    /// that is reported.
    #[inline]
    fn poll<M, C>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(Frame<'_>) -> ClientEvent<T::Head, T::Error, M, C>,
    ) -> Poll<Next<T, M, C>> {
        loop {
            if self.done {
                return Poll::Ready(None);
            }
            // What arrived while nothing polled takes precedence over a deadline that has passed.
            let pending = self.awaits_connection();
            if pending && self.poll_connection(cx).is_ready() {
                continue;
            }
            let chunk = self.chunk.as_ref().map_or(&[][..], AsRef::as_ref);
            // An `AsRef` that returns other bytes than before must not cause a panic.
            let mut input = chunk.get(self.read..).unwrap_or_default();
            if input.is_empty() && self.source.is_idle() {
                if self.poll_connection(cx).is_pending() {
                    ready!(self.poll_timer(cx, None));
                }
                continue;
            }
            if let Some(frame) = self.source.poll_frame(&mut input) {
                self.read = chunk.len() - input.len();
                return Poll::Ready(Some(Ok(take(frame))));
            }
            // The time is read only when the machine needs it: the application's own time is not
            // silence of the server. Nor is the time for which a chunk has waited for a poll.
            let (transport, arrived) = (&self.transport, &mut self.arrived);
            let output =
                self.source.poll_at(|| arrived.take().unwrap_or_else(|| transport.now()), &mut input);
            self.read = chunk.len() - input.len();
            match output {
                Output::Frame(frame) => return Poll::Ready(Some(Ok(take(frame)))),
                Output::NeedData { deadline } => {
                    if pending || self.poll_connection(cx).is_pending() {
                        ready!(self.poll_timer(cx, deadline));
                    }
                }
                Output::Connect { request, deadline } => {
                    if !matches!(self.connection, Connection::Connecting(_)) {
                        self.connection = Connection::None;
                        self.connection = Connection::Connecting(self.transport.connect(request));
                    }
                    if pending || self.poll_connection(cx).is_pending() {
                        ready!(self.poll_timer(cx, deadline));
                    }
                }
                Output::Wait(until) => {
                    self.hang_up();
                    ready!(self.poll_timer(cx, until));
                }
                Output::Open => {
                    if let Some(head) = self.open() {
                        return Poll::Ready(Some(Ok(ClientEvent::Open(head))));
                    }
                }
                Output::Disconnected { cause, attempt, delay } => {
                    self.hang_up();
                    let cause = Loss::new(cause, self.error.take());
                    return Poll::Ready(Some(Ok(ClientEvent::Disconnected { cause, attempt, delay })));
                }
                Output::Closed(reason) => {
                    self.done = true;
                    let response = match self.hang_up() {
                        Connection::Answered(head, body) => Some((head, body)),
                        _ => None,
                    };
                    let closed = Closed { reason, error: self.error.take(), response };
                    return Poll::Ready(Some(Err(Box::new(closed))));
                }
            }
        }
    }

    /// Takes the head of the response when the machine announces the connection as open.
    #[cold]
    fn open(&mut self) -> Option<Box<T::Head>> {
        self.error = None;
        match core::mem::replace(&mut self.connection, Connection::None) {
            Connection::Answered(head, body) => {
                self.connection = Connection::Open(body);
                Some(Box::new(head))
            }
            _ => {
                self.source.handle_error(ErrorKind::Retryable);
                None
            }
        }
    }

    /// Whether the machine waits for the answer to a request, or for bytes until a deadline.
    #[inline]
    fn awaits_connection(&self) -> bool {
        self.chunk.is_none()
            && match self.connection {
                Connection::Connecting(_) => true,
                Connection::Open(_) => self.source.awaits_data(),
                _ => false,
            }
    }

    /// Polls the request or the body, and passes the result to the machine.
    #[inline]
    fn poll_connection(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.forget_chunk();
        let Connection::Open(body) = &mut self.connection else { return self.poll_connect(cx) };
        let next = if self.source.awaits_data() {
            let arrived = self.arrival.take();
            let waker = self.arrival.waker(cx.waker(), || self.transport.clock());
            let next = ready!(Pin::new(body).poll_next(&mut Context::from_waker(waker)));
            self.arrived = arrived;
            next
        } else {
            ready!(Pin::new(body).poll_next(cx))
        };
        match next {
            Some(Ok(chunk)) => {
                self.transport.on_chunk(&chunk);
                self.chunk = Some(chunk);
            }
            Some(Err(error)) => self.fail(error),
            None => self.source.handle_eof(),
        }
        Poll::Ready(())
    }

    #[cold]
    fn poll_connect(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Connection::Connecting(connect) = &mut self.connection else {
            self.source.handle_eof();
            return Poll::Ready(());
        };
        match ready!(Pin::new(connect).poll(cx)) {
            Ok((head, body)) => {
                let verdict = self.source.config().verdict(&T::head(&head));
                self.source.handle_verdict(self.transport.on_response(&head, verdict));
                self.connection = Connection::Answered(head, body);
            }
            Err(error) => {
                self.connection = Connection::None;
                self.fail(error);
            }
        }
        Poll::Ready(())
    }

    /// Ready at the deadline or before it. A timer that runs for an earlier deadline is kept:
    /// deadlines move with every chunk, and setting a timer costs more than one early look at the
    /// clock.
    fn poll_timer(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let Some(deadline) = deadline else {
            // A leftover timer, for example from connecting, would cost the runtime time at each
            // wait.
            self.timer = None;
            return Poll::Pending;
        };
        if self.timer.as_ref().is_none_or(|(at, _)| *at > deadline) {
            self.timer = None;
        }
        let transport = &mut self.transport;
        let (_, sleep) = self.timer.get_or_insert_with(|| (deadline, transport.sleep_until(deadline)));
        ready!(Pin::new(sleep).poll(cx));
        self.timer = None;
        Poll::Ready(())
    }

    fn fail(&mut self, error: T::Error) {
        self.source.handle_error(T::error_kind(&error));
        self.error = Some(error);
    }

    /// Drops the connection and its unread bytes.
    fn hang_up(&mut self) -> Connection<T> {
        self.forget_chunk();
        core::mem::replace(&mut self.connection, Connection::None)
    }

    fn forget_chunk(&mut self) {
        self.chunk = None;
        self.read = 0;
        self.arrived = None;
    }
}

impl<T: Transport> fmt::Debug for Driver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("source", &self.source).finish_non_exhaustive()
    }
}
