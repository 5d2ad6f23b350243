//! Answers of an [`EventSource`](crate::EventSource) to a poll.

use core::time::Duration;

use super::{Cause, CloseReason};
use crate::{Frame, Instant, Step};

/// The answer to a poll of an [`EventSource`](crate::EventSource); `R` is the type of its request,
/// `F` the type of its frames.
///
/// `Connect`, `NeedData` and `Wait` ask the driver for something, and are repeated until it is
/// done. The others tell the application something, once, except for `Closed`, which stays.
///
/// [`Output`] borrows its request and its frame; [`Progress`] borrows nothing, and
/// [`EventSource::output`](crate::EventSource::output) makes an `Output` of it. Neither has to be
/// dropped: an arm of a `match` on it may call the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Polled<R, F> {
    /// Send the request; then `handle_response` or `handle_error`. Drop any older response first.
    Connect {
        /// The request.
        request: R,
        /// The latest time to poll. Without a response by then, the source gives up on the request.
        deadline: Option<Instant>,
    },
    /// Read the body; then poll with what came, or `handle_eof`, or `handle_error`. At `deadline`
    /// poll without bytes: the source then sees that the connection is dead.
    NeedData {
        /// When to poll at the latest.
        deadline: Option<Instant>,
    },
    /// Do nothing until then; `None` while suspended. Drop any older response first.
    Wait(Option<Instant>),
    /// The connection is announced (9.2.3), and frames will follow.
    Open,
    /// An event, a comment, or another frame of the stream.
    Frame(F),
    /// The connection is lost. The next one is made after `delay`, unless `retry_after(..)` or
    /// `close()` say otherwise.
    Disconnected {
        /// Why.
        cause: Cause,
        /// The number of the attempt that follows, from 1 on; since the last success.
        attempt: u32,
        /// How long until then.
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
    /// `None` if there is no ID, or none that a header can carry: one with a control character
    /// other than tab. [`EventSource::last_event_id`](crate::EventSource::last_event_id) always has
    /// it.
    pub last_event_id: Option<&'a str>,
    /// The last event ID string itself, for a transport that has another place for it, such as a
    /// query parameter.
    pub id: &'a str,
    /// How many attempts in a row failed before this one; 0 for the first request.
    pub attempt: u32,
}

/// The ready state of 9.2.2, ordered by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ReadyState {
    /// Not connected yet, or not any more: an attempt is under way, awaited or suspended.
    Connecting = 0,
    /// Connected and announced.
    Open = 1,
    /// Over.
    Closed = 2,
}
