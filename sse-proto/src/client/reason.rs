//! Reasons why a connection was lost, and why a source closed.

use core::fmt;

use super::ContentCoding;
use crate::Error;

/// Whether another attempt may succeed after an error of the transport, and what is known about the
/// request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A broken connection; the request may have been carried out.
    Retryable,
    /// The server certainly did not carry out the request: no connection came about, or the server
    /// said that it did not process the request (`REFUSED_STREAM`, `GOAWAY`; RFC 9113, 8.7).
    /// [`Repeat::IfRefused`](crate::Repeat::IfRefused) sends it again.
    NotSent,
    /// No connection within [`Config::connect_timeout`](crate::Config::connect_timeout): not sent,
    /// too.
    ConnectTimeout,
    /// No response within [`Config::head_timeout`](crate::Config::head_timeout), for a transport
    /// that keeps this time itself.
    HeadTimeout,
    /// An error that another attempt would meet too: a malformed URL, too many redirects.
    Fatal,
}

/// Why a connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The response ended, after a blank line.
    EndOfStream,
    /// The response ended in the middle of an event, which is discarded (9.2.6).
    EventCut,
    /// The transport failed: [`ErrorKind::Retryable`].
    Transport,
    /// The transport failed in the middle of an event, which is discarded.
    TransportCut,
    /// The request was not sent, or not processed: [`ErrorKind::NotSent`].
    NotSent,
    /// No connection in time: [`Config::connect_timeout`](crate::Config::connect_timeout).
    ConnectTimeout,
    /// No response in time: [`Config::head_timeout`](crate::Config::head_timeout).
    HeadTimeout,
    /// No byte in time: [`Config::idle_timeout`](crate::Config::idle_timeout).
    IdleTimeout,
    /// No event in time: [`Config::event_timeout`](crate::Config::event_timeout).
    EventTimeout,
    /// A response that is retried: [`Verdict::Retry`](crate::Verdict::Retry).
    Status(u16),
    /// [`EventSource::suspend`](crate::EventSource::suspend) dropped the connection.
    Suspended,
}

impl Cause {
    /// Whether the server certainly did not carry out the request.
    pub(super) const fn is_refusal(self) -> bool {
        matches!(self, Self::Status(_) | Self::NotSent | Self::ConnectTimeout)
    }
}

/// Why a source closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// [`EventSource::close`](crate::EventSource::close).
    Caller,
    /// 204 No Content: the server wants this client not to come back.
    NoContent,
    /// A status other than 200.
    Status(u16),
    /// A response that is not `text/event-stream`.
    ContentType,
    /// A response in a content coding that was not decoded.
    ContentEncoding(ContentCoding),
    /// A response that the application rejected: its own [`Verdict`](crate::Verdict).
    Rejected,
    /// The transport failed for good: [`ErrorKind::Fatal`].
    Transport,
    /// The stream is over a limit.
    Limit(Error),
    /// The connection was lost, and [`Config::repeat`](crate::Config::repeat) does not let the
    /// request be sent again.
    NotRepeated(Cause),
    /// The connection was lost once more than the policy allows.
    GaveUp {
        /// Why it was lost the last time.
        cause: Cause,
        /// How many attempts to reconnect failed.
        attempts: u32,
    },
}

impl CloseReason {
    /// Whether something went wrong. Nothing did if the caller closed, the server said 204, or a
    /// request that is not repeated got its response to the end. A response that ended in the
    /// middle of an event counts as ended: see [`Cause::EventCut`].
    pub const fn is_failure(&self) -> bool {
        !matches!(
            self,
            Self::Caller | Self::NoContent | Self::NotRepeated(Cause::EndOfStream | Cause::EventCut)
        )
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndOfStream => "the response ended",
            Self::EventCut => {
                "the response ended in the middle of an event, which was discarded as incomplete"
            }
            Self::Transport => "the connection failed",
            Self::TransportCut => "the connection failed and cut an event",
            Self::NotSent => "the request was not sent",
            Self::ConnectTimeout => "no connection came about in time (connect timeout)",
            Self::HeadTimeout => "no response came in time (head timeout)",
            Self::IdleTimeout => "the server fell silent",
            Self::EventTimeout => "no event came in time",
            Self::Status(status) => return write!(f, "the server answered with status {status}"),
            Self::Suspended => "the connection was suspended",
        })
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => f.write_str("closed by the caller"),
            Self::NoContent => f.write_str("the server answered with status 204: do not connect again"),
            Self::Status(status) => write!(f, "the server answered with status {status} instead of 200"),
            Self::ContentType => f.write_str("the response is not text/event-stream"),
            Self::ContentEncoding(coding) => {
                write!(f, "the response has `Content-Encoding: {coding}`, which is not decoded")
            }
            Self::Rejected => f.write_str("the application rejected the response"),
            Self::Transport => f.write_str("the connection failed, and another attempt would too"),
            Self::Limit(error) => error.fmt(f),
            Self::NotRepeated(cause) => write!(f, "{cause}, and the request may not be sent again"),
            Self::GaveUp { cause, attempts: 0 } => write!(f, "{cause}, and the policy is not to reconnect"),
            Self::GaveUp { cause, attempts: 1 } => {
                write!(f, "{cause}; gave up after 1 reconnection attempt")
            }
            Self::GaveUp { cause, attempts } => {
                write!(f, "{cause}; gave up after {attempts} reconnection attempts")
            }
        }
    }
}

impl core::error::Error for CloseReason {}
