//! Futures-io reader to stream of events, on any executor (feature `futures-io`).

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use futures_core::Stream;
use futures_io::AsyncRead;

use super::EventStream;
use crate::Parser;

/// Size of the read buffer, in bytes.
const BUFFER: usize = 16 << 10;

/// Adds [`sse`](Self::sse) to readers of futures-io: the traits of async-std, smol and editors with
/// an executor of their own.
pub trait ByteReadExt: AsyncRead + Sized {
    /// Reads this reader as `text/event-stream`.
    ///
    /// An `AsyncBufRead` works too, but brings no gain: the stream has its own buffer.
    ///
    /// # Example
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use sse_proto::ByteReadExt;
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let body = &b"data: Hello\n\nevent: done\ndata\n\n"[..];
    /// let messages: Vec<_> = body.sse().try_collect().await?;
    /// assert_eq!(messages[0].data(), "Hello");
    /// assert_eq!(messages[1].event(), "done");
    /// # Ok::<(), sse_proto::EventStreamError<std::io::Error>>(())
    /// # }).unwrap().unwrap();
    /// ```
    fn sse(self) -> EventStream<ReadChunks<Self>, ReadChunk>
    where
        Self: Unpin,
    {
        EventStream::new(ReadChunks::new(self), Parser::new())
    }
}

impl<R: AsyncRead> ByteReadExt for R {}

/// A reader as a stream of chunks, for [`EventStream::new`] with the caller's own parser.
///
/// All chunks lie in one buffer of 16 KiB, unless a chunk is kept beyond the next poll.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct ReadChunks<R> {
    reader: R,
    buffer: Arc<Vec<u8>>,
}

/// The bytes of one read.
#[derive(Clone)]
pub struct ReadChunk {
    buffer: Arc<Vec<u8>>,
    length: usize,
}

impl<R> ReadChunks<R> {
    /// Creates the stream of chunks of `reader`.
    pub fn new(reader: R) -> Self {
        Self { reader, buffer: Arc::default() }
    }
}

impl<R: AsyncRead + Unpin> Stream for ReadChunks<R> {
    type Item = io::Result<ReadChunk>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        // Empty at first, or lent to a chunk that was kept.
        if Arc::get_mut(&mut this.buffer).is_none_or(|buffer| buffer.is_empty()) {
            this.buffer = Arc::new(vec![0; BUFFER]);
        }
        let buffer = Arc::get_mut(&mut this.buffer).expect("a new or exclusive buffer has no other owner");
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut this.reader).poll_read(cx, buffer)) {
                Ok(0) => None,
                Ok(length) => Some(Ok(ReadChunk { buffer: Arc::clone(&this.buffer), length })),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Some(Err(error)),
            });
        }
    }
}

impl AsRef<[u8]> for ReadChunk {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl fmt::Debug for ReadChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadChunk").field(&self.length).finish()
    }
}
