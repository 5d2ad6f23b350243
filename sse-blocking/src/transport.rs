//! What a blocking client needs: a connection, and a body that can be read for a limited time.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Duration;

use proto::{ErrorKind, Request, ResponseHead, Verdict};

use crate::Closer;

/// What an [`Driver`](crate::Driver) needs of an HTTP client.
///
/// A closure from an [`Attempt`] to a [`PlainHead`] and a [`Body`] is one; of its errors,
/// `InvalidInput` and `Unsupported` are final, and every other is retried.
pub trait Transport {
    /// The head of a response, as the application will see it.
    type Head;
    /// The body of a response.
    type Body: Body;
    /// Why a request could not be sent, or its response broke off.
    type Error: From<io::Error>;

    /// Sends the request and waits until the response begins, for [`Attempt::timeout`] at most.
    ///
    /// # Errors
    ///
    /// No response came. After the timeout any error will do, because the source checks the time
    /// itself.
    fn connect(&mut self, attempt: Attempt<'_>) -> Result<(Self::Head, Self::Body), Self::Error>;

    /// The part of the head by which the source judges.
    fn head(head: &Self::Head) -> ResponseHead<'_>;

    /// The last word on a response, `verdict` being that of
    /// [`Config::verdict`](crate::Config::verdict).
    fn on_response(&mut self, head: &Self::Head, verdict: Verdict) -> Verdict {
        let _ = head;
        verdict
    }

    /// Shows what was read of an open response before it is parsed: to count it, or to record it.
    fn on_chunk(&mut self, chunk: &[u8]) {
        let _ = chunk;
    }

    /// Whether it is any use to try again after this error.
    fn error_kind(error: &Self::Error) -> ErrorKind;
}

/// One request that is to be sent.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// What the source asks for: the last event ID, above all.
    pub request: Request<'a>,
    /// How long it may take until the response begins; `None` for no limit.
    pub timeout: Option<Duration>,
    pub(crate) closer: &'a Closer,
}

impl Attempt<'_> {
    /// Says how to break the connection, so that a thread that blocks in it returns: what a
    /// [`Closer`] calls.
    ///
    /// As a rule it shuts a socket down. It is dropped together with the connection.
    pub fn on_close(&self, interrupt: impl FnOnce() + Send + 'static) {
        self.closer.on_close(interrupt);
    }
}

/// A body that is read for a limited time.
pub trait Body {
    /// Reads what there is, and waits for it if there is nothing; 0 bytes are the end.
    ///
    /// # Errors
    ///
    /// `WouldBlock` or `TimedOut` when nothing came within `timeout`; nothing must be lost by that,
    /// for the source reads again unless the server is dead by its clocks. Any other error is the
    /// end of the connection.
    fn read(&mut self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize>;
}

/// Reads with the socket's own timeout.
impl Body for TcpStream {
    fn read(&mut self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        // Zero would be refused.
        self.set_read_timeout(timeout.map(|timeout| timeout.max(Duration::from_millis(1))))?;
        Read::read(self, buffer)
    }
}

/// Reads with the socket's own timeout.
#[cfg(unix)]
impl Body for std::os::unix::net::UnixStream {
    fn read(&mut self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        self.set_read_timeout(timeout.map(|timeout| timeout.max(Duration::from_millis(1))))?;
        Read::read(self, buffer)
    }
}

impl<B: Body + ?Sized> Body for Box<B> {
    fn read(&mut self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        (**self).read(buffer, timeout)
    }
}

/// Any reader as a [`Body`] that takes as long as it takes: liveness timeouts are not noticed
/// before the next byte.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTimeout<R>(pub R);

impl<R: Read> Body for NoTimeout<R> {
    fn read(&mut self, buffer: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// The head of a response, for a [`Transport`] that is a closure: the owned [`ResponseHead`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainHead {
    /// The status code.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// `Date`.
    pub date: Option<String>,
}

impl<F, B> Transport for F
where
    F: FnMut(Attempt<'_>) -> io::Result<(PlainHead, B)>,
    B: Body,
{
    type Head = PlainHead;
    type Body = B;
    type Error = io::Error;

    fn connect(&mut self, attempt: Attempt<'_>) -> io::Result<(PlainHead, B)> {
        self(attempt)
    }

    fn head(head: &PlainHead) -> ResponseHead<'_> {
        let headers = [
            ("content-type", &head.content_type),
            ("content-encoding", &head.content_encoding),
            ("retry-after", &head.retry_after),
            ("date", &head.date),
        ];
        ResponseHead::new(
            head.status,
            headers.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))),
        )
    }

    fn error_kind(error: &io::Error) -> ErrorKind {
        match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => ErrorKind::Fatal,
            _ => ErrorKind::Retryable,
        }
    }
}
