//! Transport of a blocking client: makes a connection, and a body whose reads have a timeout.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Duration;

use proto::{ErrorKind, Request, ResponseHead, Verdict};

use crate::Closer;

/// HTTP client that a [`Driver`](crate::Driver) runs on.
///
/// A closure that takes an [`Attempt`] and returns a [`PlainHead`] and a [`Body`] is a transport.
/// Its errors of the kinds `InvalidInput` and `Unsupported` are final; every other error is
/// retried.
pub trait Transport {
    /// The head of a response, as the application gets it.
    type Head;
    /// The body of a response.
    type Body: Body;
    /// The reason why a request could not be sent, or why its response broke off.
    type Error: From<io::Error>;

    /// Sends the request and waits until the response begins, for [`Attempt::timeout`] at most.
    ///
    /// # Errors
    ///
    /// If no response began. After the timeout any error is right, because the source checks the
    /// time itself.
    fn connect(&mut self, attempt: Attempt<'_>) -> Result<(Self::Head, Self::Body), Self::Error>;

    /// Returns the part of the head that decides whether the response is accepted.
    fn head(head: &Self::Head) -> ResponseHead<'_>;

    /// Confirms or replaces the decision about a response; `verdict` is the decision of
    /// [`Config::verdict`](crate::Config::verdict).
    fn on_response(&mut self, head: &Self::Head, verdict: Verdict) -> Verdict {
        let _ = head;
        verdict
    }

    /// Inspects a chunk of an open response before it is parsed, for example to count or record
    /// bytes.
    fn on_chunk(&mut self, chunk: &[u8]) {
        let _ = chunk;
    }

    /// Whether another attempt may succeed after this error, and whether the request was sent.
    fn error_kind(error: &Self::Error) -> ErrorKind;
}

/// One attempt to connect: the request to send, and its time limit.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// The request to send, with the last event ID.
    pub request: Request<'a>,
    /// How long it may take until the response begins; `None` for no limit.
    pub timeout: Option<Duration>,
    pub(crate) closer: &'a Closer,
}

impl Attempt<'_> {
    /// Registers the callback by which a [`Closer`] interrupts the connection, so that a blocked
    /// read returns.
    ///
    /// The callback usually shuts a socket down. It is dropped together with the connection.
    pub fn on_close(&self, interrupt: impl FnOnce() + Send + 'static) {
        self.closer.on_close(interrupt);
    }
}

/// Body of a response, whose reads have a timeout.
pub trait Body {
    /// Reads available bytes, or waits for the first ones; 0 bytes mean the end.
    ///
    /// # Errors
    ///
    /// `WouldBlock` or `TimedOut` if no byte arrived within `timeout`. No byte may be lost then,
    /// because the source reads again unless its clocks count the server as dead. Any other error
    /// ends the connection.
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

/// Wraps a reader without timeouts as a [`Body`]: a liveness timeout is noticed only when the next
/// byte arrives.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTimeout<R>(pub R);

impl<R: Read> Body for NoTimeout<R> {
    fn read(&mut self, buffer: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// The head of a response, for a [`Transport`] that is a closure: a [`ResponseHead`] that owns its
/// values.
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
