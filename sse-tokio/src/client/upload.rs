//! Large bodies of requests, sent so that the answer of a server that does not read them is read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// A body that hyper gets in pieces, with pauses in which hyper reads.
///
/// A server may answer before it has read the body, and close the connection. hyper reads nothing
/// more after the first write that fails, also if the answer has arrived. So the head is sent
/// alone, and the body follows after [`PATIENCE`](Self::PATIENCE), or not at all if the server has
/// refused the request.
pub(super) struct Upload {
    rest: Bytes,
    pause: Option<Pause>,
    /// Set when the server refuses the request.
    refusal: Refusal,
    /// Whether the body ends with an error after the pause.
    stopped: bool,
}

type Pause = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Tells an [`Upload`] that the server refused the request.
#[derive(Clone, Default)]
pub(super) struct Refusal(Arc<AtomicBool>);

impl Refusal {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Upload {
    /// The time after the head in which an answer is awaited before the body is sent. It suffices
    /// for a server on the same machine; while the body goes to another machine, hyper reads often.
    const PATIENCE: Duration = Duration::from_millis(20);

    /// The size of a piece, in bytes.
    const PIECE: usize = 64 << 10;

    /// The time after a refusal in which the answer's body can be read: an error of the request's
    /// body ends the connection.
    const READING: Duration = Duration::from_secs(10);

    pub(super) fn new(body: Bytes, refusal: Refusal) -> Self {
        // The time begins when hyper first asks for the body, which is after connecting.
        let pause = Some(Box::pin(async { tokio::time::sleep(Self::PATIENCE).await }) as Pause);
        Self { rest: body, pause, refusal, stopped: false }
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            if self.rest.is_empty() {
                return Poll::Ready(None);
            }
            if self.stopped {
                return Poll::Ready(Some(Err(io::Error::other("the server refused the request"))));
            }
            if !self.refusal.0.load(Ordering::Relaxed) {
                let piece = self.rest.len().min(Self::PIECE);
                let piece = self.rest.split_to(piece);
                // Lets the runtime look whether the server has answered.
                self.pause = Some(Box::pin(tokio::task::yield_now()));
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            self.stopped = true;
            self.pause = Some(Box::pin(tokio::time::sleep(Self::READING)));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use http_body::Body as _;
    use tokio::time::Instant;

    use super::*;

    async fn piece(upload: &mut Upload) -> Option<Result<Bytes, String>> {
        let frame = poll_fn(|cx| Pin::new(&mut *upload).poll_frame(cx)).await?;
        Some(frame.map(|frame| frame.into_data().unwrap()).map_err(|error| error.to_string()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_follows_its_head_after_a_time_in_which_the_server_may_refuse_it() {
        let began = Instant::now();
        let mut upload = Upload::new(Bytes::from(vec![b'x'; 100_000]), Refusal::default());
        assert_eq!(upload.size_hint().exact(), Some(100_000));
        let first = piece(&mut upload).await.unwrap().unwrap();
        assert_eq!((first.len(), began.elapsed()), (Upload::PIECE, Upload::PATIENCE));
        assert!(!upload.is_end_stream());
        let last = piece(&mut upload).await.unwrap().unwrap();
        assert_eq!((last.len(), began.elapsed()), (100_000 - Upload::PIECE, Upload::PATIENCE));
        assert!(upload.is_end_stream());
        assert_eq!(piece(&mut upload).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_body_is_not_sent_and_its_connection_stays_while_the_answer_is_read() {
        let (began, refusal) = (Instant::now(), Refusal::default());
        let mut upload = Upload::new(Bytes::from(vec![b'x'; 200_000]), refusal.clone());
        assert!(piece(&mut upload).await.unwrap().is_ok());
        refusal.set();
        let error = piece(&mut upload).await.unwrap().unwrap_err();
        assert_eq!(error, "the server refused the request");
        assert_eq!(began.elapsed(), Upload::PATIENCE + Upload::READING);
    }
}
