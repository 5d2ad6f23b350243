//! What an [`EventSource`](crate::EventSource) says, and the words it uses.

use core::fmt;
use core::time::Duration;

use crate::{Error, Event, Instant};

/// What [`EventSource::poll`](crate::EventSource::poll) answers.
///
/// `Connect`, `NeedData` and `Wait` ask the driver for something, and are repeated until it is done; the others
/// tell the application something, once, except for `Closed`, which stays. It borrows or is `Copy`, and
/// nothing in it has to be dropped: an arm of a `match` on it may call the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// Send the request; then `handle_response` or `handle_error`. Any older response has to be dropped.
    Connect(Request<'a>),
    /// Read the body; then poll with what came, or `handle_eof`, or `handle_error`. At `deadline` poll
    /// without: the source then sees that the connection is dead.
    NeedData {
        /// When to poll at the latest.
        deadline: Option<Instant>,
    },
    /// Do nothing until then; `None` while suspended. Any older response has to be dropped.
    Wait(Option<Instant>),
    /// The connection is announced (9.2.3), and events will follow.
    Open,
    /// An event.
    Event(Event<'a>),
    /// A comment.
    Comment(&'a str),
    /// The server set the reconnection time; as sent, before the bounds of the policy.
    Retry(Duration),
    /// An event was over its limit and left out.
    Skipped {
        /// What it took on the wire.
        bytes: u64,
    },
    /// The connection is lost. It is made anew after `delay`, unless `retry_after(..)` or `close()` say
    /// otherwise.
    Disconnected {
        /// Why.
        cause: Cause,
        /// The number of the attempt that follows, from 1 on; since the last success.
        attempt: u32,
        /// How long until then.
        delay: Duration,
    },
    /// It is over. Every later answer is the same.
    Closed(CloseReason),
}

/// What [`EventSource::advance`](crate::EventSource::advance) came to: an [`Output`] with its borrows left out.
///
/// [`EventSource::output`](crate::EventSource::output) adds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// [`Output::Connect`].
    Connect {
        /// [`Request::attempt`].
        attempt: u32,
        /// [`Request::deadline`].
        deadline: Option<Instant>,
    },
    /// [`Output::NeedData`].
    NeedData {
        /// When to poll at the latest.
        deadline: Option<Instant>,
    },
    /// [`Output::Wait`].
    Wait(Option<Instant>),
    /// [`Output::Open`].
    Open,
    /// [`Output::Event`].
    Event,
    /// [`Output::Comment`].
    Comment,
    /// [`Output::Retry`].
    Retry(Duration),
    /// [`Output::Skipped`].
    Skipped {
        /// What it took on the wire.
        bytes: u64,
    },
    /// [`Output::Disconnected`].
    Disconnected {
        /// Why.
        cause: Cause,
        /// The number of the attempt that follows.
        attempt: u32,
        /// How long until then.
        delay: Duration,
    },
    /// [`Output::Closed`].
    Closed(CloseReason),
}

/// The request to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The `Last-Event-ID` header: its value is the UTF-8 bytes of this.
    ///
    /// `None` if there is no ID, or none that a header can carry: one with a control character other than tab.
    /// [`EventSource::last_event_id`](crate::EventSource::last_event_id) always has it.
    pub last_event_id: Option<&'a str>,
    /// The last event ID string itself, for a transport that has another place for it, such as a query parameter.
    pub id: &'a str,
    /// How many attempts in a row came to nothing before this one; 0 for the first request.
    pub attempt: u32,
    /// When to poll at the latest, if there is no response by then: the source then gives up on it.
    pub deadline: Option<Instant>,
}

/// The ready state of 9.2.2, ordered by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ReadyState {
    /// Not connected yet, or not any more: an attempt is under way, awaited or suspended.
    Connecting = 0,
    /// Connected and announced.
    Open = 1,
    /// It is over.
    Closed = 2,
}

/// Whether it is any use to try again after an error of the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A refused or broken connection, a timeout, a name that does not resolve at the moment.
    Retryable,
    /// An error that another attempt would meet too: a malformed URL, too many redirects.
    Fatal,
}

/// Why a connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The response ended.
    EndOfStream,
    /// The transport failed: [`ErrorKind::Retryable`].
    Transport,
    /// No connection in time: [`Config::connect_timeout`](crate::Config::connect_timeout).
    ConnectTimeout,
    /// No response in time: [`Config::head_timeout`](crate::Config::head_timeout).
    HeadTimeout,
    /// No byte in time: [`Config::idle_timeout`](crate::Config::idle_timeout).
    IdleTimeout,
    /// No event in time: [`Config::event_timeout`](crate::Config::event_timeout).
    EventTimeout,
    /// A response that is worth another attempt: [`Verdict::Retry`](crate::Verdict::Retry).
    Status(u16),
    /// [`EventSource::suspend`](crate::EventSource::suspend) gave it up.
    Suspended,
}

/// Why it is over.
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
    /// A response that the application did not believe: its own [`Verdict`](crate::Verdict).
    Rejected,
    /// The transport failed for good: [`ErrorKind::Fatal`].
    Transport,
    /// The stream is over a limit.
    Limit(Error),
    /// The connection was lost, and [`Config::repeat`](crate::Config::repeat) does not let the request be sent again.
    NotRepeated(Cause),
    /// The connection was lost once more than the policy allows.
    GaveUp {
        /// Why it was lost the last time.
        cause: Cause,
        /// How many attempts to get it back came to nothing.
        attempts: u32,
    },
}

impl CloseReason {
    /// Whether something went wrong. It did not if the caller closed, the server said 204, or a request that is not
    /// to be repeated came to the end of its response.
    pub const fn is_failure(&self) -> bool {
        !matches!(self, Self::Caller | Self::NoContent | Self::NotRepeated(Cause::EndOfStream))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndOfStream => f.write_str("the response ended"),
            Self::Transport => f.write_str("the connection failed"),
            Self::ConnectTimeout => f.write_str("no connection came about in time (connect timeout)"),
            Self::HeadTimeout => f.write_str("no response came in time (head timeout)"),
            Self::IdleTimeout => f.write_str("the server fell silent"),
            Self::EventTimeout => f.write_str("no event came in time"),
            Self::Status(status) => write!(f, "the server answered with status {status}"),
            Self::Suspended => f.write_str("the connection was suspended"),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => f.write_str("closed by the caller"),
            Self::NoContent => f.write_str("the server answered with status 204: do not connect again"),
            Self::Status(status) => write!(f, "the server answered with status {status} instead of 200"),
            Self::ContentType => f.write_str("the response is not text/event-stream"),
            Self::Rejected => f.write_str("the application rejected the response"),
            Self::Transport => f.write_str("the connection failed, and another attempt would too"),
            Self::Limit(error) => error.fmt(f),
            Self::NotRepeated(cause) => write!(f, "{cause}, and the request may not be sent again"),
            Self::GaveUp { cause, attempts: 0 } => write!(f, "{cause}, and the policy is not to reconnect"),
            Self::GaveUp { cause, attempts: 1 } => {
                write!(f, "{cause}, and an attempt to reconnect came to nothing")
            }
            Self::GaveUp { cause, attempts } => {
                write!(f, "{cause}, and {attempts} attempts to reconnect came to nothing")
            }
        }
    }
}

impl core::error::Error for CloseReason {}
