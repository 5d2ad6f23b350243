//! Answers of an [`EventSource`](crate::EventSource) to a poll.

use core::time::Duration;

use super::{Cause, CloseReason};
use crate::{Frame, Instant, Step};

/// The answer to a poll of an [`EventSource`](crate::EventSource); `R` is the type of its request,
/// `F` the type of its frames.
///
/// `Connect`, `NeedData` and `Wait` are tasks for the driver, and are repeated until the task is
/// done. The other answers are news for the application and come once, except `Closed`, which every
/// later poll repeats.
///
/// [`Output`] borrows its request and its frame; [`Progress`] borrows nothing, and
/// [`EventSource::output`](crate::EventSource::output) makes an `Output` of it. An arm of a `match`
/// on either may call the source again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Polled<R, F> {
    /// Send the request; then call `handle_response` or `handle_error`. Drop any older response
    /// first.
    Connect {
        /// The request that the driver has to send.
        request: R,
        /// The latest time to poll. Without a response by then, the source gives up on the request.
        deadline: Option<Instant>,
    },
    /// Read the body; then poll with the bytes, or call `handle_eof` or `handle_error`. If at
    /// `deadline` no byte has arrived, poll without bytes: the source then sees that the connection
    /// is dead. Read before you look at the clock: bytes that have arrived take precedence.
    NeedData {
        /// The latest time to poll, with bytes or without; `None` for no limit.
        deadline: Option<Instant>,
    },
    /// Do nothing until this time; `None` while the source is suspended. Drop any older response
    /// first.
    Wait(Option<Instant>),
    /// The connection is announced as open (9.2.3), and frames will follow.
    Open,
    /// An event, a comment, or another frame of the stream.
    Frame(F),
    /// The connection is lost. The next one is made after `delay`, unless `retry_after(..)` or
    /// `close()` say otherwise.
    Disconnected {
        /// Why the connection was lost.
        cause: Cause,
        /// The number of the next attempt, counted from 1 since the last success.
        attempt: u32,
        /// How long the source waits before the next attempt.
        delay: Duration,
    },
    /// The source is closed. Every later answer is the same.
    Closed(CloseReason),
}

/// What [`EventSource::poll`](crate::EventSource::poll) answers.
pub type Output<'a> = Polled<Request<'a>, Frame<'a>>;

/// What [`EventSource::advance`](crate::EventSource::advance) answers: an [`Output`] without its
/// borrows.
pub type Progress = Polled<(), Step>;

/// The request to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The `Last-Event-ID` header: its value is the UTF-8 bytes of this.
    ///
    /// `None` if there is no ID, or if no header can carry it, because it has a control character
    /// other than tab. [`EventSource::last_event_id`](crate::EventSource::last_event_id) returns
    /// the ID in every case.
    pub last_event_id: Option<&'a str>,
    /// The last event ID string, also if no header can carry it: for a transport that has another
    /// place for it, such as a query parameter.
    pub id: &'a str,
    /// How many attempts in a row failed before this one; 0 for the first request.
    pub attempt: u32,
}

/// The ready state of 9.2.2, ordered by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ReadyState {
    /// CONNECTING: not connected; an attempt is under way, scheduled or suspended.
    Connecting = 0,
    /// OPEN: connected, and announced to the application.
    Open = 1,
    /// CLOSED: no event follows, and no attempt.
    Closed = 2,
}
