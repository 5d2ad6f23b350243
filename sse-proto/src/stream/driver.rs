//! The one driver of the client machine: `connect`, a body, `sleep_until` and a clock in, events
//! out.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use alloc::boxed::Box;
use futures_core::Stream;

use super::extend;
use crate::{
    ClientEvent, ClientEventRef, Closed, ErrorKind, EventSource, Frame, Instant, Loss, Output, Request,
    ResponseHead, StreamFrame, Timer, Verdict,
};

/// What a [`Driver`] needs of an HTTP client, besides the [`Timer`] of a runtime.
///
/// The futures are kept in the driver and polled in place, so they have to be `Unpin`: box those
/// that are not.
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

    /// The part of the head that decides whether the response is accepted.
    fn head(head: &Self::Head) -> ResponseHead<'_>;

    /// The last word on a response, `verdict` being that of
    /// [`Config::verdict`](crate::Config::verdict).
    fn on_response(&mut self, head: &Self::Head, verdict: Verdict) -> Verdict {
        let _ = head;
        verdict
    }

    /// Shows a chunk of an open response before it is parsed: to count it, or to record it.
    fn on_chunk(&mut self, chunk: &Self::Chunk) {
        let _ = chunk;
    }

    /// Whether another attempt may succeed after this error, and whether the request was sent.
    fn error_kind(error: &Self::Error) -> ErrorKind;
}

/// Runs an [`EventSource`] over a [`Transport`], on any executor: it spawns nothing and locks
/// nothing.
///
/// [`next`](Self::next) lends what happens; [`poll_owned`](Self::poll_owned) is for a stream, whose
/// items own their text.
pub struct Driver<T: Transport> {
    transport: T,
    source: EventSource,
    connection: Connection<T>,
    chunk: Option<T::Chunk>,
    /// How much of the chunk has been read.
    read: usize,
    timer: Option<(Instant, T::Sleep)>,
    error: Option<T::Error>,
    done: bool,
}

enum Connection<T: Transport> {
    None,
    Connecting(T::Connect),
    /// There is a response, and the machine has its verdict.
    Answered(T::Head, T::Body),
    Open(T::Body),
}

/// What a driver reports, with messages `M` and comments `C`.
type Next<T, M, C> = Option<
    Result<
        ClientEvent<<T as Transport>::Head, <T as Transport>::Error, M, C>,
        Closed<<T as Transport>::Head, <T as Transport>::Body, <T as Transport>::Error>,
    >,
>;

impl<T: Transport> Driver<T> {
    /// A driver that will connect when it is polled.
    pub fn new(source: EventSource, transport: T) -> Self {
        Self {
            transport,
            source,
            connection: Connection::None,
            chunk: None,
            read: 0,
            timer: None,
            error: None,
            done: false,
        }
    }

    /// Whether [`Closed`] was reported.
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

    /// Drops the connection, and makes no other until [`resume`](Self::resume); see
    /// [`EventSource::suspend`].
    pub fn suspend(&mut self) {
        self.source.suspend();
        self.hang_up();
    }

    /// Ends a suspension. The task that polls has to poll again to notice.
    pub fn resume(&mut self) {
        self.source.resume();
    }

    /// After [`ClientEvent::Disconnected`]: connects after this delay instead of the announced one.
    pub fn retry_after(&mut self, delay: Duration) {
        self.source.retry_after(delay);
    }

    /// Lends what happens next; after [`Closed`] there is nothing more.
    ///
    /// Cancel safe: a future that is dropped has lost nothing.
    ///
    /// # Errors
    ///
    /// The source is closed, on purpose too: see
    /// [`CloseReason::is_failure`](crate::CloseReason::is_failure).
    #[expect(unsafe_code, reason = "the borrow checker does not see that a loan ends where the loop goes on")]
    pub async fn next(
        &mut self,
    ) -> Option<Result<ClientEventRef<'_, T::Head, T::Error>, Closed<T::Head, T::Body, T::Error>>> {
        // SAFETY: a frame borrows from the parser and from the chunk, both parts of `self`. From
        // where it is made to the end of this function, nothing else touches `self`; and the result
        // keeps `self` borrowed as long as it lives.
        poll_fn(|cx| self.poll(cx, |frame| unsafe { extend(frame) })).await
    }

    /// What happens next, with a text of its own: [`next`](Self::next) for a stream.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    #[inline]
    #[expect(clippy::type_complexity, reason = "the type of a stream's items")]
    pub fn poll_owned(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<ClientEvent<T::Head, T::Error>, Closed<T::Head, T::Body, T::Error>>>> {
        self.poll(cx, |frame| frame.into_owned())
    }

    /// Goes on until there is something to report; `take` makes of a frame what is reported.
    #[inline]
    fn poll<M, C>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(Frame<'_>) -> StreamFrame<M, C>,
    ) -> Poll<Next<T, M, C>> {
        loop {
            if self.done {
                return Poll::Ready(None);
            }
            let chunk = self.chunk.as_ref().map_or(&[][..], AsRef::as_ref);
            // An `AsRef` that changes its mind is not worth a panic.
            let mut input = chunk.get(self.read..).unwrap_or_default();
            if input.is_empty() && self.source.is_idle() {
                ready!(self.poll_body(cx, None));
                continue;
            }
            let probe = match self.source.poll_whole(&mut input) {
                Ok(frame) => {
                    self.read = chunk.len() - input.len();
                    return Poll::Ready(Some(Ok(take(frame).into())));
                }
                Err(probe) => probe,
            };
            // The time is read when the machine wants it: what the application took is not the
            // server's silence.
            let output = self.source.poll_after(probe, || self.transport.now(), &mut input);
            self.read = chunk.len() - input.len();
            match output {
                Output::Frame(frame) => return Poll::Ready(Some(Ok(take(frame).into()))),
                Output::NeedData { deadline } => ready!(self.poll_body(cx, deadline)),
                Output::Connect { request, deadline } => {
                    if !matches!(self.connection, Connection::Connecting(_)) {
                        self.connection = Connection::None;
                        self.connection = Connection::Connecting(self.transport.connect(request));
                    }
                    ready!(self.poll_connect(cx, deadline));
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
                        Connection::Answered(head, body) => Some(Box::new((head, body))),
                        _ => None,
                    };
                    return Poll::Ready(Some(Err(Closed { reason, error: self.error.take(), response })));
                }
            }
        }
    }

    /// The machine announces the connection.
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

    #[cold]
    fn poll_connect(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        self.forget_chunk();
        let Connection::Connecting(connect) = &mut self.connection else { return Poll::Ready(()) };
        match Pin::new(connect).poll(cx) {
            Poll::Pending => return self.poll_timer(cx, deadline),
            Poll::Ready(Ok((head, body))) => {
                let verdict = self.source.config().verdict(&T::head(&head));
                self.source.handle_verdict(self.transport.on_response(&head, verdict));
                self.connection = Connection::Answered(head, body);
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

    /// Ready at the deadline, or before: a timer that is running for an earlier one is kept,
    /// because deadlines move with every chunk, and setting a timer costs more than to look at the
    /// clock once in vain.
    fn poll_timer(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let Some(deadline) = deadline else {
            // One that is left over, from connecting say, costs the runtime something each time
            // that it waits.
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
        self.read = 0;
    }
}

impl<T: Transport> fmt::Debug for Driver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("source", &self.source).finish_non_exhaustive()
    }
}
