//! Driver of the client machine: takes a transport, a timer and a clock, and reports events.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use alloc::boxed::Box;
use futures_core::Stream;

use super::arrival::Arrival;
use super::{Transport, extend, extend_event};
use crate::{
    ClientEvent, ClientEventRef, CloseReason, Closed, ErrorKind, Event, EventSource, Frame, Instant, Loss,
    Output,
};

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

/// Report of a driver: an event, the end, or `None` after the end.
type Next<'a, T> = Option<
    Result<
        ClientEventRef<'a, <T as Transport>::Head, <T as Transport>::Error>,
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
    pub async fn next(
        &mut self,
    ) -> Option<Result<ClientEventRef<'_, T::Head, T::Error>, Box<Closed<T::Head, T::Body, T::Error>>>> {
        self.next_with(|event| Some(Ok(ClientEvent::Message(event))), |other| other).await
    }

    /// Waits for the next event, and converts it: [`next`](Self::next) for a client whose items
    /// have another type.
    ///
    /// `message` converts a [`ClientEvent::Message`], `other` everything else: another event, the
    /// end, and `None` after the end.
    pub async fn next_with<'a, R>(
        &'a mut self,
        mut message: impl FnMut(Event<'a>) -> R,
        mut other: impl FnMut(Next<'a, T>) -> R,
    ) -> R {
        #[expect(
            unsafe_code,
            reason = "the borrow checker does not see that a loan ends where the loop goes on"
        )]
        // SAFETY: `self` stays borrowed for `'a`, and this function ends with the first result.
        poll_fn(|cx| unsafe { self.poll_lent(cx, &mut message, &mut other) }).await
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
        self.poll_with(
            cx,
            |event| Some(Ok(ClientEvent::Message(event.into()))),
            |other| Some(other?.map(ClientEventRef::into_owned)),
        )
    }

    /// Polls for the next event, and converts it: [`next_with`](Self::next_with) for a stream.
    #[inline]
    pub fn poll_with<R>(
        &mut self,
        cx: &mut Context<'_>,
        message: impl FnOnce(Event<'_>) -> R,
        other: impl FnOnce(Next<'_, T>) -> R,
    ) -> Poll<R> {
        #[expect(unsafe_code, reason = "see `next_with`")]
        // SAFETY: the functions take any lifetime, so nothing that is lent outlives their calls.
        unsafe {
            self.poll_lent(cx, message, other)
        }
    }

    /// Polls until there is something to report.
    ///
    /// Messages are converted apart from everything else, and in one place, so that their parts
    /// stay in registers until the caller's item is written. A message that is moved in memory,
    /// from one enum into another, costs more than parsing it.
    ///
    /// # Safety
    ///
    /// After one of the two functions was called, `self` is not used for `'a`.
    #[inline]
    #[expect(unsafe_code, reason = "see `next_with`")]
    unsafe fn poll_lent<'a, R>(
        &mut self,
        cx: &mut Context<'_>,
        message: impl FnOnce(Event<'a>) -> R,
        other: impl FnOnce(Next<'a, T>) -> R,
    ) -> Poll<R> {
        let event = loop {
            if self.done {
                return Poll::Ready(other(None));
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
                ready!(self.wait(cx, false, None));
                continue;
            }
            if let Some(read) = self.source.poll_read(&mut input) {
                self.read = chunk.len() - input.len();
                let parser = self.source.parser();
                // SAFETY: it was read just now.
                if let Some(event) = unsafe { parser.lend_event(read) } {
                    break event;
                }
                // SAFETY: as above.
                if let Some(frame) = unsafe { parser.lend(read) } {
                    // SAFETY: a frame borrows from the parser and from the chunk, both parts of
                    // `self`, which the caller does not touch.
                    return Poll::Ready(other(Some(Ok(unsafe { extend(frame) }.into()))));
                }
            }
            // The time is read only when the machine needs it: the application's own time is not
            // silence of the server. Nor is the time for which a chunk has waited for a poll.
            let (transport, arrived) = (&self.transport, &mut self.arrived);
            let output =
                self.source.poll_at(|| arrived.take().unwrap_or_else(|| transport.now()), &mut input);
            self.read = chunk.len() - input.len();
            match output {
                Output::Frame(Frame::Event(event)) => break event,
                // SAFETY: as above.
                Output::Frame(frame) => return Poll::Ready(other(Some(Ok(unsafe { extend(frame) }.into())))),
                Output::NeedData { deadline } => ready!(self.wait(cx, pending, deadline)),
                Output::Connect { request, deadline } => {
                    if !matches!(self.connection, Connection::Connecting(_)) {
                        self.connection = Connection::None;
                        self.connection = Connection::Connecting(self.transport.connect(request));
                    }
                    ready!(self.wait(cx, pending, deadline));
                }
                Output::Wait(until) => {
                    self.hang_up();
                    ready!(self.poll_timer(cx, until));
                }
                Output::Open => {
                    if let Some(head) = self.open() {
                        return Poll::Ready(other(Some(Ok(ClientEvent::Open(head)))));
                    }
                }
                Output::Disconnected { cause, attempt, delay } => {
                    self.hang_up();
                    let cause = Loss::new(cause, self.error.take());
                    return Poll::Ready(other(Some(Ok(ClientEvent::Disconnected { cause, attempt, delay }))));
                }
                Output::Closed(reason) => return Poll::Ready(other(Some(Err(self.closed(reason))))),
            }
        };
        // SAFETY: as above.
        Poll::Ready(message(unsafe { extend_event(event) }))
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

    /// Takes everything down after the machine closed the source.
    #[cold]
    fn closed(&mut self, reason: CloseReason) -> Box<Closed<T::Head, T::Body, T::Error>> {
        self.done = true;
        let response = match self.hang_up() {
            Connection::Answered(head, body) => Some((head, body)),
            _ => None,
        };
        Box::new(Closed { reason, error: self.error.take(), response })
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

    /// Waits for the connection, unless that is `pending` in this poll, and for the deadline.
    #[inline]
    fn wait(&mut self, cx: &mut Context<'_>, pending: bool, deadline: Option<Instant>) -> Poll<()> {
        if !pending && self.poll_connection(cx).is_ready() {
            return Poll::Ready(());
        }
        self.poll_timer(cx, deadline)
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
