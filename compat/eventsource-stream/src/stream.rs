//! Stream of chunks to stream of events.

use alloc::string::String;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::reader::Reader;
use crate::{Event, EventStreamError};

/// Adds [`eventsource`](Self::eventsource) to streams of bytes.
pub trait Eventsource: Sized {
    /// Reads this stream of chunks as `text/event-stream`.
    fn eventsource(self) -> EventStream<Self>;
}

impl<S, B, E> Eventsource for S
where
    S: Stream<Item = Result<B, E>>,
    B: AsRef<[u8]>,
{
    fn eventsource(self) -> EventStream<Self> {
        EventStream::new(self)
    }
}

pin_project! {
    /// The events of a stream of chunks.
    ///
    /// An error of the chunks is passed on and does not end the stream. After the end the chunks
    /// are not polled again. An event that lacks its blank line at the end is dropped (9.2.6).
    pub struct EventStream<S> {
        #[pin]
        chunks: S,
        reader: Reader,
        ended: bool,
    }
}

impl<S> EventStream<S> {
    /// Reads `chunks`.
    pub fn new(chunks: S) -> Self {
        Self { chunks, reader: Reader::new(), ended: false }
    }

    /// Sets the last event ID string, which the following events have until the stream sets
    /// another.
    pub fn set_last_event_id(&mut self, id: impl Into<String>) {
        self.reader.set_last_event_id(id.into());
    }

    /// The last event ID string: the ID of the last block that set one, with or without data.
    pub fn last_event_id(&self) -> &str {
        self.reader.parser().last_event_id()
    }

    /// The last reconnection time that the stream set, also in a block without data.
    /// `eventsource-stream` does not have this method.
    pub fn reconnection_time(&self) -> Option<Duration> {
        self.reader.parser().retry()
    }
}

impl<S, B, E> Stream for EventStream<S>
where
    S: Stream<Item = Result<B, E>>,
    B: AsRef<[u8]>,
{
    type Item = Result<Event, EventStreamError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let Some(event) = this.reader.next_event().map_err(EventStreamError::limit)? {
            return Poll::Ready(Some(Ok(event)));
        }
        while !*this.ended {
            match ready!(this.chunks.as_mut().poll_next(cx)) {
                Some(Ok(chunk)) => {
                    if let Some(event) = this.reader.feed(chunk.as_ref()).map_err(EventStreamError::limit)? {
                        return Poll::Ready(Some(Ok(event)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(EventStreamError::Transport(error)))),
                None => *this.ended = true,
            }
        }
        Poll::Ready(None)
    }
}
