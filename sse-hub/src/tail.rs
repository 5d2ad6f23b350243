//! Tail: the newest events of a topic in memory, in the order of the log.

mod frames;
mod positions;
mod updates;

use std::sync::Arc;

use proto::{Cursor, History, HistoryLimits, Instant};

use crate::log::Stored;
use crate::{Amount, Place};
pub(crate) use frames::FRAME;
use frames::Joined;
pub(crate) use updates::TailChange;

/// The newest events of a topic, which up-to-date subscribers read. Only the log feeds it, so all
/// nodes have one order.
///
/// ```text
///   in the log alone │ 18 │ 19 │ 20 │ 21 │ 22 │      numbers
///                 floor            ▲          end
///                                cursor = number + shift
/// ```
///
/// Cursors never count backwards, but numbers may: after the log lost events, the shift changes,
/// and every older cursor gets a gap of unknown size.
#[derive(Debug)]
pub(crate) struct Tail {
    history: History<Entry>,
    /// Cursor position minus number, modulo 2⁶⁴.
    shift: u64,
    /// The place of the newest event, kept or not.
    end: Place,
    /// The ID that the application gave that event, if any.
    end_id: Option<Arc<str>>,
    /// The position at which the last loss of the log ended, or the tail began: the numbers of
    /// lower positions mean nothing to the log now.
    lost: u64,
    /// The stamp of the place at `lost`.
    border: u64,
    /// The stamp of a loss that was reported while the topic was opening.
    early_loss: u64,
    /// Whether the log has restarted its count since the topic was opened.
    restarted: bool,
    /// A place that is updated from time to time, at or after most places that fall off the tail.
    anchor: Place,
    joined: Option<Joined>,
    /// Whether the tail gets the updates of the log: false until the topic is open, and after it
    /// was ended.
    loaded: bool,
    /// The newest place that was reported but is not in the tail.
    ahead: Option<Place>,
    /// How often the topic was ended.
    ends: u64,
}

#[derive(Debug)]
struct Entry {
    event: Stored,
    /// The stamp of the event before this one.
    previous: u64,
}

impl AsRef<[u8]> for Entry {
    fn as_ref(&self) -> &[u8] {
        self.event.wire()
    }
}

impl Tail {
    pub(crate) fn new(limits: HistoryLimits) -> Self {
        Self {
            history: History::new(limits),
            shift: 0,
            end: Place::default(),
            end_id: None,
            lost: 0,
            border: 0,
            early_loss: 0,
            restarted: false,
            anchor: Place::default(),
            joined: None,
            loaded: false,
            ahead: None,
            ends: 0,
        }
    }

    /// Drops events that are too old.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.history.expire(now);
        if self.history.is_empty() {
            self.joined = None;
        }
    }

    /// The time until which at least one event is kept; `None` if there is none.
    pub(crate) fn last_expiry(&self) -> Option<Instant> {
        self.history.last_expiry()
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.history.is_empty()
    }

    /// The cursor before the oldest event in the tail.
    pub(crate) fn oldest(&self) -> Cursor {
        self.history.oldest()
    }

    /// The cursor after the newest event.
    pub(crate) fn end(&self) -> Cursor {
        self.history.end()
    }

    /// The place of the newest event.
    pub(crate) fn end_place(&self) -> Place {
        self.end
    }

    /// How many events a cursor is behind.
    pub(crate) fn lag(&self, cursor: Cursor) -> u64 {
        self.history.lag(cursor)
    }
}

/// How much of a topic the tail holds at most.
pub(crate) fn amount(limits: HistoryLimits) -> Amount {
    Amount { events: limits.events.max(1), bytes: limits.bytes }
}

#[cfg(test)]
mod tests;
