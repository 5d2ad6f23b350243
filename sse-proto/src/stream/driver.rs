//! The one driver of the client machine: `connect`, a body, `sleep_until` and a clock in, events out.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use alloc::boxed::Box;
use futures_core::Stream;

use super::place;
use crate::{
    ClientEvent, ClientEventRef, Closed, ErrorKind, EventSource, Frame, Instant, Message, Output, Progress,
    Request, ResponseHead, Timer, Verdict,
};

/// What a [`Driver`] needs of an HTTP client, besides the [`Timer`] of a runtime.
///
/// The futures are kept in the driver and polled in place, so they have to be `Unpin`: box those that are not.
pub trait Transport: Timer {
    /// The head of a response, as the application will see it.
    type Head;
    /// The body of a response.
    type Body: Stream<Item = Result<Self::Chunk, Self::Error>> + Unpin;
    /// A piece of the body.
    type Chunk: AsRef<[u8]>;
    /// Why a request could not be sent, or its response broke off.
    type Error;
    /// Sends the request and resolves when the response begins.
    type Connect: Future<Output = Result<(Self::Head, Self::Body), Self::Error>> + Unpin;

    /// Begins to send the request; dropping the future gives it up.
    fn connect(&mut self, request: Request<'_>) -> Self::Connect;

    /// The part of the head by which the machine judges.
    fn head(head: &Self::Head) -> ResponseHead<'_>;

    /// The last word on a response, `verdict` being that of [`Config::verdict`](crate::Config::verdict).
    fn on_response(&mut self, head: &Self::Head, verdict: Verdict) -> Verdict {
        let _ = head;
        verdict
    }

    /// Shows a chunk of an open response before it is parsed: to count it, or to record it.
    fn on_chunk(&mut self, chunk: &Self::Chunk) {
        let _ = chunk;
    }

    /// Whether it is any use to try again after this error.
    fn error_kind(error: &Self::Error) -> ErrorKind;
}

/// Runs an [`EventSource`] over a [`Transport`], on any executor: it spawns nothing and locks nothing.
///
/// [`next`](Self::next) lends what happens. A stream of owned events is made of the two halves,
/// [`poll_progress`](Self::poll_progress) and [`event`](Self::event).
pub struct Driver<T: Transport> {
    transport: T,
    source: EventSource,
    connection: Connection<T>,
    chunk: Option<T::Chunk>,
    /// How much of the chunk had been read before the last step, and after it.
    start: usize,
    read: usize,
    /// Where the chunk was when it was read.
    place: (usize, usize),
    timer: Option<(Instant, T::Sleep)>,
    error: Option<T::Error>,
    done: bool,
}

enum Connection<T: Transport> {
    None,
    Connecting(T::Connect),
    /// There is a response, and the machine has its verdict.
    Judged(T::Head, T::Body),
    Open(T::Body),
}

impl<T: Transport> Driver<T> {
    /// A driver that will connect when it is polled.
    pub fn new(source: EventSource, transport: T) -> Self {
        Self {
            transport,
            source,
            connection: Connection::None,
            chunk: None,
            start: 0,
            read: 0,
            place: (0, 0),
            timer: None,
            error: None,
            done: false,
        }
    }

    /// Whether [`Closed`] was said.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The machine: its ready state, its last event ID.
    pub fn source(&self) -> &EventSource {
        &self.source
    }

    /// Ends it for ever, and drops the connection: nothing more is delivered but [`Closed`].
    pub fn close(&mut self) {
        self.source.close();
        self.hang_up();
    }

    /// Drops the connection, and makes no other until [`resume`](Self::resume); see [`EventSource::suspend`].
    pub fn suspend(&mut self) {
        self.source.suspend();
        self.hang_up();
    }

    /// Ends a suspension. The task that polls has to poll again to notice.
    pub fn resume(&mut self) {
        self.source.resume();
    }

    /// After [`ClientEvent::Disconnected`]: connects after this delay in the place of the one that was named.
    pub fn retry_after(&mut self, delay: Duration) {
        self.source.retry_after(delay);
    }

    /// Lends what happens next; after [`Closed`] there is nothing more.
    ///
    /// Cancel safe: a future that is dropped has lost nothing.
    ///
    /// # Errors
    ///
    /// It is over, also by anybody's wish: [`CloseReason::is_failure`](crate::CloseReason::is_failure) tells.
    pub async fn next(
        &mut self,
    ) -> Option<Result<ClientEventRef<'_, T::Head, T::Error>, Closed<T::Head, T::Body, T::Error>>> {
        let progress = poll_fn(|cx| self.poll_progress(cx)).await?;
        Some(self.event(progress))
    }

    /// Goes on until there is something to say, and says what it is without borrowing it; `None` when it is over.
    ///
    /// Every progress has to be taken with [`event`](Self::event) before the next is polled for.
    #[inline]
    pub fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Option<Progress>> {
        self.poll(cx, |_, progress, _| progress)
    }

    /// What happens next, with a text of its own: [`next`](Self::next) for a stream, and cheaper than to make a lent
    /// event one's own.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    #[inline]
    #[expect(clippy::type_complexity, reason = "it is that of a stream's items")]
    pub fn poll_owned(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<ClientEvent<T::Head, T::Error>, Closed<T::Head, T::Body, T::Error>>>> {
        let next = ready!(self.poll(cx, |source, progress, chunk| match progress {
            Progress::Event => match source.frame(chunk, true) {
                Some(Frame::Event(event)) => Ok(Message::from(event)),
                _ => Err(progress),
            },
            _ => Err(progress),
        }));
        Poll::Ready(match next {
            Some(Ok(message)) => Some(Ok(ClientEvent::Message(message))),
            Some(Err(progress)) => Some(self.event(progress).map(ClientEventRef::into_owned)),
            None => None,
        })
    }

    /// Goes on until there is something to say, and takes it from the source and the chunk that it was read from.
    #[inline]
    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&EventSource, Progress, &[u8]) -> R,
    ) -> Poll<Option<R>> {
        if self.done {
            return Poll::Ready(None);
        }
        loop {
            let chunk = self.chunk.as_ref().map_or(&[][..], AsRef::as_ref);
            let mut input = &chunk[self.read..];
            // The time is read when the machine wants it: what the application took is not the server's silence.
            let progress = self.source.advance_at(|| self.transport.now(), &mut input);
            // Together, and after all that could panic: they belong to what the source read last.
            (self.start, self.read) = (self.read, chunk.len() - input.len());
            self.place = place(chunk);
            match progress {
                Progress::Connect { deadline, .. } => ready!(self.poll_connect(cx, progress, deadline)),
                Progress::NeedData { deadline } => ready!(self.poll_body(cx, deadline)),
                Progress::Wait(until) => {
                    self.hang_up();
                    ready!(self.poll_timer(cx, until));
                }
                _ => return Poll::Ready(Some(take(&self.source, progress, &chunk[self.start..]))),
            }
        }
    }

    /// What the last [`poll_progress`](Self::poll_progress) came to.
    ///
    /// # Errors
    ///
    /// It is over.
    #[inline]
    #[expect(clippy::type_complexity, reason = "only the names of the transport's types are long")]
    pub fn event(
        &mut self,
        progress: Progress,
    ) -> Result<ClientEventRef<'_, T::Head, T::Error>, Closed<T::Head, T::Body, T::Error>> {
        match progress {
            Progress::Event | Progress::Comment => {}
            Progress::Retry(time) => return Ok(ClientEvent::Retry(time)),
            Progress::Skipped { bytes } => return Ok(ClientEvent::Skipped { bytes }),
            _ => return self.turn(progress),
        }
        let chunk = self.chunk.as_ref().map_or(&[][..], AsRef::as_ref);
        match self.source.frame(&chunk[self.start..], self.place == place(chunk)) {
            Some(Frame::Event(event)) => Ok(ClientEvent::Message(event)),
            Some(Frame::Comment(comment)) => Ok(ClientEvent::Comment(comment)),
            _ => panic!("`event` takes what the last `poll_progress` returned, once"),
        }
    }

    /// What became of the connection.
    #[inline(never)]
    #[expect(clippy::type_complexity, reason = "only the names of the transport's types are long")]
    fn turn(
        &mut self,
        progress: Progress,
    ) -> Result<ClientEventRef<'_, T::Head, T::Error>, Closed<T::Head, T::Body, T::Error>> {
        let error = self.error.take();
        match progress {
            Progress::Closed(reason) => {
                self.done = true;
                let response = match self.hang_up() {
                    Connection::Judged(head, body) => Some(Box::new((head, body))),
                    _ => None,
                };
                return Err(Closed { reason, error, response });
            }
            Progress::Disconnected { cause, attempt, delay } => {
                self.hang_up();
                return Ok(ClientEvent::Disconnected { cause, error, attempt, delay });
            }
            Progress::Open => {
                if let Connection::Judged(head, body) =
                    core::mem::replace(&mut self.connection, Connection::None)
                {
                    self.connection = Connection::Open(body);
                    return Ok(ClientEvent::Open(Box::new(head)));
                }
            }
            _ => {}
        }
        panic!("`event` takes what the last `poll_progress` returned, once")
    }

    fn poll_connect(
        &mut self,
        cx: &mut Context<'_>,
        progress: Progress,
        deadline: Option<Instant>,
    ) -> Poll<()> {
        if !matches!(self.connection, Connection::Connecting(_)) {
            self.hang_up();
            if let Output::Connect(request) = self.source.output(progress, &[]) {
                self.connection = Connection::Connecting(self.transport.connect(request));
            }
        }
        let Connection::Connecting(connect) = &mut self.connection else { return Poll::Ready(()) };
        match Pin::new(connect).poll(cx) {
            Poll::Pending => return self.poll_timer(cx, deadline),
            Poll::Ready(Ok((head, body))) => {
                let verdict = self.source.config().verdict(&T::head(&head));
                self.source.handle_verdict(self.transport.on_response(&head, verdict));
                self.connection = Connection::Judged(head, body);
            }
            Poll::Ready(Err(error)) => self.fail(error),
        }
        Poll::Ready(())
    }

    fn poll_body(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        self.forget_chunk();
        let Connection::Open(body) = &mut self.connection else {
            self.source.handle_eof();
            return Poll::Ready(());
        };
        match Pin::new(body).poll_next(cx) {
            Poll::Pending => return self.poll_timer(cx, deadline),
            Poll::Ready(Some(Ok(chunk))) => {
                self.transport.on_chunk(&chunk);
                self.chunk = Some(chunk);
            }
            Poll::Ready(Some(Err(error))) => self.fail(error),
            Poll::Ready(None) => self.source.handle_eof(),
        }
        Poll::Ready(())
    }

    /// Ready at the deadline, or before: a timer that is running for an earlier one is kept, because deadlines move with
    /// every chunk, and setting a timer costs more than to look at the clock once in vain.
    fn poll_timer(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let Some(deadline) = deadline else {
            // One that is left over, from connecting say, costs the runtime something each time that it waits.
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

    /// Drops the connection, and what came over it.
    fn hang_up(&mut self) -> Connection<T> {
        self.forget_chunk();
        core::mem::replace(&mut self.connection, Connection::None)
    }

    fn forget_chunk(&mut self) {
        self.chunk = None;
        (self.start, self.read) = (0, 0);
    }
}

impl<T: Transport> fmt::Debug for Driver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("source", &self.source).finish_non_exhaustive()
    }
}
