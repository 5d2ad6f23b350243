//! Connections without TLS, or without ALPN: which version of HTTP the client speaks. Short parts
//! are joined before they are written.

use std::future::poll_fn;
use std::io::{self, BufRead as _, Cursor};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a client of HTTP/2 sends first (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Largest number of bytes that one read of [`detect`] takes. Most request heads fit, so hyper gets
/// them in one part; it doubles its buffer if it gets a head in two.
const FIRST: usize = 4096;

/// Largest number of bytes that are joined before they are written. An event is three parts (the
/// size of the chunk, the event, the end of the chunk), and for so few bytes `writev` of three
/// parts costs more than the copy and `send`.
const SHORT: usize = 1024;

/// A stream of which the first bytes have been read.
pub(super) struct Begun<S> {
    stream: S,
    /// First bytes of the connection that are still to be read; freed with the last of them.
    first: Option<Box<Cursor<Vec<u8>>>>,
}

/// Reads until the version is known; returns whether it is HTTP/2.
pub(super) async fn detect<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<(Begun<S>, bool)> {
    let mut first = Vec::new();
    loop {
        let length = first.len().min(PREFACE.len());
        let http2 = first[..length] == PREFACE[..length];
        if !http2 || length == PREFACE.len() {
            return Ok((Begun { stream, first: Some(Box::new(Cursor::new(first))) }, http2));
        }
        poll_fn(|cx| {
            // On the stack: a buffer of this size, gone a moment later, would leave a hole in the
            // heap, and `first` is as large as what came.
            let mut chunk = [MaybeUninit::uninit(); FIRST];
            let mut chunk = ReadBuf::uninit(&mut chunk);
            ready!(Pin::new(&mut stream).poll_read(cx, &mut chunk))?;
            first.extend_from_slice(chunk.filled());
            Poll::Ready(match chunk.filled() {
                [] => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
                _ => Ok(()),
            })
        })
        .await?;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(first) = &mut this.first else {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        };
        let rest = first.fill_buf()?;
        let length = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..length]);
        first.consume(length);
        if first.fill_buf()?.is_empty() {
            this.first = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if parts.len() < 2 || length > SHORT {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        }
        let mut whole = [MaybeUninit::uninit(); SHORT];
        let mut whole = ReadBuf::uninit(&mut whole);
        parts.iter().for_each(|part| whole.put_slice(part));
        Pin::new(&mut self.stream).poll_write(cx, whole.filled())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn the_preface_is_http_2_in_pieces_too_and_nothing_is_lost() {
        for (sent, http2) in [
            (PREFACE, true),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore", true),
            (b"GET / HTTP/1.1\r\n\r\n", false),
            (b"PRI / HTTP/1.1\r\nHost: a\r\n\r\n", false),
            (b"P\r\n", false),
        ] {
            let (mut client, server) = tokio::io::duplex(3);
            let client = tokio::spawn(async move { client.write_all(sent).await });
            let (mut begun, detected) = detect(server).await.unwrap();
            assert_eq!(detected, http2);
            let mut seen = Vec::new();
            begun.read_to_end(&mut seen).await.unwrap();
            assert_eq!(seen, sent);
            client.await.unwrap().unwrap();
        }
        let (client, server) = tokio::io::duplex(3);
        drop(client);
        assert!(detect(server).await.is_err(), "it never asks");
    }

    #[tokio::test]
    async fn short_parts_are_written_at_once_and_long_ones_in_order() {
        for sizes in [[4, 60, 2], [0, 0, 0], [1, 1022, 1], [5, SHORT, 2], [5, 0, 3 * SHORT]] {
            let (mut client, server) = tokio::io::duplex(10 * SHORT);
            let mut begun = Begun { stream: server, first: None };
            let whole: Vec<u8> = (0..sizes.iter().sum()).map(|at: usize| at as u8).collect();
            let (first, rest) = whole.split_at(sizes[0]);
            let (second, third) = rest.split_at(sizes[1]);
            let parts = [first, second, third].map(io::IoSlice::new);
            let written = begun.write_vectored(&parts).await.unwrap();
            assert!(written == whole.len() || whole.len() > SHORT, "{sizes:?}: {written}");
            drop(begun);
            let mut seen = Vec::new();
            client.read_to_end(&mut seen).await.unwrap();
            assert_eq!(seen, whole[..written], "{sizes:?}");
        }
    }
}
