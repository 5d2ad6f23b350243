//! Reasons why a connection was lost, and why a source closed.

use core::fmt;

use super::ContentCoding;
use crate::Error;

/// Whether another attempt may succeed after an error of the transport, and what is known about the
/// request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The connection broke; the server may have carried out the request.
    Retryable,
    /// The server certainly did not carry out the request: no connection was made, or the server
    /// said that it did not process the request (`REFUSED_STREAM`, `GOAWAY`; RFC 9113, 8.7).
    /// [`Repeat::IfRefused`](crate::Repeat::IfRefused) sends it again.
    NotSent,
    /// No connection was made within [`Config::connect_timeout`](crate::Config::connect_timeout),
    /// so the request was not sent.
    ConnectTimeout,
    /// No response began within [`Config::head_timeout`](crate::Config::head_timeout). For a
    /// transport that keeps this limit itself.
    HeadTimeout,
    /// Another attempt would meet the same error: a malformed URL, too many redirects.
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
    /// The transport failed in the middle of an event, which is discarded (9.2.6).
    TransportCut,
    /// The request was not sent, or the server did not process it: [`ErrorKind::NotSent`].
    NotSent,
    /// No connection within the limit: [`Config::connect_timeout`](crate::Config::connect_timeout).
    ConnectTimeout,
    /// No response within the limit: [`Config::head_timeout`](crate::Config::head_timeout).
    HeadTimeout,
    /// No byte within the limit: [`Config::idle_timeout`](crate::Config::idle_timeout).
    IdleTimeout,
    /// No event within the limit: [`Config::event_timeout`](crate::Config::event_timeout).
    EventTimeout,
    /// The response had a status that is retried: [`Verdict::Retry`](crate::Verdict::Retry).
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
    /// The application called [`EventSource::close`](crate::EventSource::close).
    Caller,
    /// The server answered 204 No Content: the client must not reconnect (9.2.1, 9.2.3).
    NoContent,
    /// The response had a status other than 200 that is not retried.
    Status(u16),
    /// The response was not `text/event-stream`.
    ContentType,
    /// The response had a content coding that the transport did not decode.
    ContentEncoding(ContentCoding),
    /// The response had a transfer coding other than `chunked`, which the transport did not decode.
    TransferEncoding(ContentCoding),
    /// The application rejected the response with its own [`Verdict`](crate::Verdict).
    Rejected,
    /// The transport failed with an error that another attempt would meet too:
    /// [`ErrorKind::Fatal`].
    Transport,
    /// An event or an ID is over its limit.
    Limit(Error),
    /// The connection was lost, and [`Config::repeat`](crate::Config::repeat) does not let the
    /// request be sent again.
    NotRepeated(Cause),
    /// More attempts in a row failed than the policy allows.
    GaveUp {
        /// Why the connection was lost the last time.
        cause: Cause,
        /// How many attempts to reconnect failed.
        attempts: u32,
    },
}

impl CloseReason {
    /// Whether the source closed because of an error. False if the application closed it, if the
    /// server answered 204, or if a response ended whose request is not repeated, even in the
    /// middle of an event: see [`Cause::EventCut`].
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
            Self::ConnectTimeout => "no connection was made in time (connect timeout)",
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
            Self::TransferEncoding(coding) => {
                write!(f, "the response has `Transfer-Encoding: {coding}`, which is not decoded")
            }
            Self::Rejected => f.write_str("the application rejected the response"),
            Self::Transport => f.write_str("the connection failed, and another attempt would too"),
            Self::Limit(error) => error.fmt(f),
            Self::NotRepeated(cause) => write!(f, "{cause}, and the request is not sent again"),
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
