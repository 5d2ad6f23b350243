//! A stream of chunks → a stream of events: for bytes that are already there.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};

use super::place;
use crate::{Error, Finish, Frame, Message, Parser, Step};

/// Adds [`sse`](Self::sse) to streams of bytes.
pub trait ByteStreamExt: Stream + Sized {
    /// Reads this stream of chunks as `text/event-stream`.
    ///
    /// # Example
    ///
    /// ```
    /// use futures_util::{StreamExt, TryStreamExt, stream};
    /// use sse_proto::ByteStreamExt;
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let chunks = stream::iter(["data: Hel", "lo\n\nevent: done\ndata\n\n"]).map(Ok::<_, std::io::Error>);
    /// let messages: Vec<_> = chunks.sse().try_collect().await?;
    /// assert_eq!(messages[0].data(), "Hello");
    /// assert_eq!(messages[1].event(), "done");
    /// # Ok::<(), sse_proto::EventStreamError<std::io::Error>>(())
    /// # }).unwrap().unwrap();
    /// ```
    fn sse<C, E>(self) -> EventStream<Self, C>
    where
        Self: Stream<Item = Result<C, E>> + Unpin,
        C: AsRef<[u8]>,
    {
        EventStream::new(self, Parser::new())
    }
}

impl<S: Stream> ByteStreamExt for S {}

/// The events of a stream of chunks, made by [`ByteStreamExt::sse`].
///
/// As a [`Stream`] it yields [`Message`]s, one allocation each; [`next_frame`](Self::next_frame) lends everything that
/// the stream says and allocates nothing. An error, of the chunks or of a limit, is the last item. A pending
/// event is dropped at the end of the stream, unless the parser was told to flush ([`EventStream::new`]).
///
/// A stream that is not `Unpin` has to be pinned first (`Box::pin`, `std::pin::pin!`).
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct EventStream<S, C> {
    /// `None` once it has ended or failed.
    chunks: Option<S>,
    parser: Parser,
    chunk: Option<C>,
    /// How much of the chunk had been read before the last step, and after it.
    start: usize,
    read: usize,
    /// Where the chunk was when it was read.
    place: (usize, usize),
}

impl<S, C, E> EventStream<S, C>
where
    S: Stream<Item = Result<C, E>> + Unpin,
    C: AsRef<[u8]>,
{
    /// Reads `chunks` with a parser that has limits, a last event ID or flushing of its own.
    pub fn new(chunks: S, parser: Parser) -> Self {
        Self { chunks: Some(chunks), parser, chunk: None, start: 0, read: 0, place: (0, 0) }
    }

    /// The parser, for all that it can tell: the last event ID, the reconnection time, what was skipped.
    pub fn parser(&self) -> &Parser {
        &self.parser
    }

    /// Lends the next frame; `None` at the end of the stream.
    ///
    /// Cancel safe: a future that is dropped has lost nothing.
    ///
    /// # Errors
    ///
    /// The stream of chunks failed, or an event is over a limit. Nothing follows.
    pub async fn next_frame(&mut self) -> Option<Result<Frame<'_>, EventStreamError<E>>> {
        match poll_fn(|cx| self.poll_step(cx)).await {
            Err(error) => Some(Err(error)),
            Ok(Some(step)) => {
                let chunk = self.chunk.as_ref().map_or(&[][..], AsRef::as_ref);
                let frame = if self.place == place(chunk) {
                    self.parser.borrow(step, &chunk[self.start..])
                } else {
                    self.parser.frame(step, &chunk[self.start..])
                };
                frame.map(Ok)
            }
            Ok(None) => match self.parser.finish() {
                Finish::Flushed(event) => Some(Ok(Frame::Event(event))),
                _ => None,
            },
        }
    }

    /// Goes on to the next frame; `None` if the stream has ended.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Step>, EventStreamError<E>>> {
        loop {
            if let Some(chunk) = &self.chunk {
                let chunk = chunk.as_ref();
                let mut input = &chunk[self.read..];
                let step = self.parser.advance(&mut input);
                (self.start, self.read) = (self.read, chunk.len() - input.len());
                self.place = place(chunk);
                match step {
                    Ok(step) if step.needs_data() => {}
                    Ok(step) => return Poll::Ready(Ok(Some(step))),
                    Err(error) => return Poll::Ready(Err(self.fail(EventStreamError::Parser(error)))),
                }
            }
            if !ready!(self.poll_chunk(cx))? {
                return Poll::Ready(Ok(None));
            }
        }
    }

    /// Fetches the next chunk; false if there is none.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, EventStreamError<E>>> {
        self.chunk = None;
        (self.start, self.read) = (0, 0);
        let Some(chunks) = &mut self.chunks else { return Poll::Ready(Ok(false)) };
        Poll::Ready(match ready!(Pin::new(chunks).poll_next(cx)) {
            Some(Ok(chunk)) => {
                self.chunk = Some(chunk);
                Ok(true)
            }
            Some(Err(error)) => Err(self.fail(EventStreamError::Stream(error))),
            None => {
                self.chunks = None;
                Ok(false)
            }
        })
    }

    /// Ends the stream for good; what the failure cut is not to be flushed.
    fn fail(&mut self, error: EventStreamError<E>) -> EventStreamError<E> {
        self.chunks = None;
        self.chunk = None;
        self.parser = core::mem::take(&mut self.parser).with_flush(false);
        error
    }
}

impl<S, C, E> Stream for EventStream<S, C>
where
    S: Stream<Item = Result<C, E>> + Unpin,
    C: AsRef<[u8]> + Unpin,
{
    type Item = Result<Message, EventStreamError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(chunk) = &this.chunk {
                let chunk = chunk.as_ref();
                let mut input = &chunk[this.read..];
                let event = this.parser.next_event(&mut input).map(|event| event.map(Message::from));
                this.read = chunk.len() - input.len();
                match event {
                    Ok(Some(message)) => return Poll::Ready(Some(Ok(message))),
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Some(Err(this.fail(EventStreamError::Parser(error))))),
                }
            }
            if !ready!(this.poll_chunk(cx))? {
                return Poll::Ready(match this.parser.finish() {
                    Finish::Flushed(event) => Some(Ok(event.into())),
                    _ => None,
                });
            }
        }
    }
}

impl<S, C, E> FusedStream for EventStream<S, C>
where
    S: Stream<Item = Result<C, E>> + Unpin,
    C: AsRef<[u8]> + Unpin,
{
    fn is_terminated(&self) -> bool {
        self.chunks.is_none() && self.chunk.is_none()
    }
}

/// Why an [`EventStream`] failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventStreamError<E> {
    /// The stream of chunks failed.
    Stream(E),
    /// An event is over a limit.
    Parser(Error),
}

impl<E> fmt::Display for EventStreamError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(_) => f.write_str("the stream of bytes failed"),
            Self::Parser(_) => f.write_str("the event stream is over a limit"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for EventStreamError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Stream(error) => Some(error),
            Self::Parser(error) => Some(error),
        }
    }
}
