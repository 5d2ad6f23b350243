//! Connection that is still read after a write has failed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

/// Connection whose failed writes are reported by its reads.
///
/// A server may answer before it has read the whole request, for example with 401 or 413, and close
/// (RFC 9112, 9.6). The next write then fails, but the answer has arrived and can be read. hyper
/// gives up at a failed write. So a failed write succeeds here, and so do all later ones; if no
/// answer can be read, the error of the write is returned by the read that finds the end.
pub(super) struct HalfBroken<T> {
    io: T,
    broken: bool,
    error: Option<io::Error>,
}

impl<T> HalfBroken<T> {
    pub(super) fn new(io: T) -> Self {
        Self { io, broken: false, error: None }
    }

    /// The result of a write; a failure becomes `success`.
    fn written<W>(&mut self, result: Poll<io::Result<W>>, success: W) -> Poll<io::Result<W>> {
        match result {
            Poll::Ready(Err(error)) => {
                self.broken = true;
                self.error = Some(error);
                Poll::Ready(Ok(success))
            }
            result => result,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for HalfBroken<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        if matches!(read, Poll::Ready(Ok(0) | Err(_)))
            && let Some(error) = self.error.take()
        {
            return Poll::Ready(Err(error));
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for HalfBroken<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        if self.broken {
            return Poll::Ready(Ok(buffer.len()));
        }
        let result = Pin::new(&mut self.io).poll_write(cx, buffer);
        self.written(result, buffer.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.broken {
            return Poll::Ready(Ok(()));
        }
        let result = Pin::new(&mut self.io).poll_flush(cx);
        self.written(result, ())
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.broken {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::block_on;
    use futures_lite::io::Cursor;
    use futures_lite::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A peer that has answered and closed.
    struct Gone(Cursor<&'static [u8]>);

    impl AsyncRead for Gone {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_read(cx, buffer)
        }
    }

    impl AsyncWrite for Gone {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
        }
    }

    #[test]
    fn an_answer_is_read_after_a_failed_write_and_the_failure_at_its_end() {
        block_on(async {
            let mut connection = HalfBroken::new(Gone(Cursor::new(b"413")));
            connection.write_all(b"POST / HTTP/1.1").await.unwrap();
            connection.write_all(b"too large").await.unwrap();
            connection.flush().await.unwrap();
            let mut answer = [0; 3];
            connection.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"413");
            let error = connection.read(&mut answer).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "the first failure");
            assert_eq!(connection.read(&mut answer).await.unwrap(), 0);
            connection.close().await.unwrap();
        });
    }

    #[test]
    fn a_failed_flush_counts_as_a_failed_write() {
        let mut connection = HalfBroken::new(Gone(Cursor::new(b"")));
        block_on(connection.flush()).unwrap();
        let error = block_on(connection.read(&mut [0; 3])).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}
