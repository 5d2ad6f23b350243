//! Stream of chunks to stream of events, without a client.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};

use super::extend;
use crate::{Error, Finish, Frame, Message, Parser};

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
/// As a [`Stream`] it yields [`Message`]s, one allocation each; [`next_frame`](Self::next_frame)
/// lends events, comments and all other frames, and allocates nothing. An error of the chunks, or
/// an event over a limit, is the last item. An unterminated event is dropped at the end of the
/// stream (9.2.6), unless the parser of [`EventStream::new`] is set to deliver it.
///
/// A stream that is not `Unpin` has to be pinned first (`Box::pin`, `std::pin::pin!`).
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct EventStream<S, C> {
    /// The stream of chunks; `None` once it has ended or failed.
    chunks: Option<S>,
    parser: Parser,
    chunk: Option<C>,
    /// How many bytes of the chunk have been read.
    read: usize,
}

impl<S, C, E> EventStream<S, C>
where
    S: Stream<Item = Result<C, E>> + Unpin,
    C: AsRef<[u8]>,
{
    /// Reads `chunks` with the caller's parser, which may have limits, a last event ID or other
    /// settings.
    pub fn new(chunks: S, parser: Parser) -> Self {
        Self { chunks: Some(chunks), parser, chunk: None, read: 0 }
    }

    /// The parser: it has the last event ID, the reconnection time, and the number of skipped
    /// blocks.
    pub fn parser(&self) -> &Parser {
        &self.parser
    }

    /// Lends the next frame; `None` at the end of the stream.
    ///
    /// Cancel safe: a dropped future loses no frame.
    ///
    /// # Errors
    ///
    /// The stream of chunks failed, or an event is over a limit. Nothing follows.
    #[expect(unsafe_code, reason = "the borrow checker does not see that a loan ends where the loop goes on")]
    pub async fn next_frame(&mut self) -> Option<Result<Frame<'_>, EventStreamError<E>>> {
        // SAFETY: a frame borrows from the parser and from the chunk, both parts of `self`. From
        // where it is made to the end of this function, nothing else touches `self`; and the result
        // keeps `self` borrowed as long as it lives.
        poll_fn(|cx| self.poll_frame(cx, |frame| unsafe { extend(frame) })).await
    }

    /// Polls for the next frame; `None` at the end of the stream. `take` converts the frame to the
    /// returned value.
    #[inline]
    fn poll_frame<R>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(Frame<'_>) -> R,
    ) -> Poll<Option<Result<R, EventStreamError<E>>>> {
        loop {
            if let Some(chunk) = &self.chunk {
                let chunk = chunk.as_ref();
                let mut input = chunk.get(self.read..).unwrap_or_default();
                let frame = self.parser.next_frame(&mut input);
                self.read = chunk.len() - input.len();
                match frame {
                    Ok(Some(frame)) => return Poll::Ready(Some(Ok(take(frame)))),
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Some(Err(self.fail(EventStreamError::Parser(error))))),
                }
            }
            if !ready!(self.poll_chunk(cx))? {
                return Poll::Ready(match self.parser.finish() {
                    Finish::Flushed(event) => Some(Ok(take(Frame::Event(event)))),
                    _ => None,
                });
            }
        }
    }

    /// Polls for the next chunk; false at the end of the stream.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, EventStreamError<E>>> {
        self.chunk = None;
        self.read = 0;
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

    /// Ends the stream for good; an event that the failure interrupted is not delivered.
    fn fail(&mut self, error: EventStreamError<E>) -> EventStreamError<E> {
        self.chunks = None;
        self.chunk = None;
        self.parser = core::mem::take(&mut self.parser).with_deliver_unterminated(false);
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
                let mut input = chunk.get(this.read..).unwrap_or_default();
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
