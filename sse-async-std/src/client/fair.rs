//! Socket whose reads yield to other tasks from time to time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

/// After this many reads in a row that found bytes at once, a read yields to other tasks.
const READS: u32 = 8;

/// Connection whose reads yield: after [`READS`] reads in a row that found bytes, one read returns
/// `Pending` and wakes its task at once.
///
/// Sockets of async-io do not yield. Without this type, a server that sends continuously would keep
/// one poll running, and so block every other task and timer of the thread, including the timers
/// that detect the flood.
pub(super) struct Fair<T> {
    io: T,
    reads: u32,
}

impl<T> Fair<T> {
    pub(super) fn new(io: T) -> Self {
        Self { io, reads: 0 }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Fair<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.reads == READS {
            self.reads = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        self.reads = if read.is_ready() { self.reads + 1 } else { 0 };
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Fair<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Wake, Waker};

    use futures_lite::AsyncWriteExt;
    use futures_lite::future::block_on;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn writes_pass_through() {
        let mut fair = Fair::new(futures_lite::io::BufWriter::new(Vec::new()));
        block_on(async {
            fair.write_all(b"a").await.unwrap();
            fair.flush().await.unwrap();
            assert_eq!(fair.io.get_ref(), b"a");
            fair.write_all(b"b").await.unwrap();
            fair.close().await.unwrap();
            assert_eq!(fair.io.get_ref(), b"ab");
        });
    }

    #[test]
    fn a_reader_yields_after_a_while_and_wakes_its_task() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut endless = Fair::new(futures_lite::io::repeat(b'x'));
        for round in 0..3 {
            let mut read = || {
                let cx = &mut Context::from_waker(&waker);
                Pin::new(&mut endless).poll_read(cx, &mut [0; 8]).is_ready()
            };
            assert_eq!((0..=READS).filter(|_| read()).count(), READS as usize);
            assert_eq!(woken.0.load(Ordering::Relaxed), round + 1);
        }
    }
}
