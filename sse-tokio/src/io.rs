//! Tokio reader to stream of events (feature `io`).

use bytes::Bytes;
use proto::{EventStream, Parser};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

/// Size of the read buffer, in bytes.
const CAPACITY: usize = 16 << 10;

/// Adds [`sse`](Self::sse) to readers: files, sockets, pipes, the output of a child process.
pub trait ByteReadExt: AsyncRead + Sized {
    /// Reads this reader as `text/event-stream`.
    ///
    /// To set the parser (limits, last event ID, unterminated events), pass a [`ReaderStream`] to
    /// [`EventStream::new`].
    ///
    /// # Example
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use sse_tokio::ByteReadExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let file = &b"data: Hello\n\nevent: done\ndata\n\n"[..];
    /// let messages: Vec<_> = file.sse().try_collect().await?;
    /// assert_eq!(messages[0].data(), "Hello");
    /// assert_eq!(messages[1].event(), "done");
    /// # Ok(()) }
    /// ```
    fn sse(self) -> EventStream<ReaderStream<Self>, Bytes>
    where
        Self: Unpin,
    {
        EventStream::new(ReaderStream::with_capacity(self, CAPACITY), Parser::new())
    }
}

impl<R: AsyncRead> ByteReadExt for R {}
