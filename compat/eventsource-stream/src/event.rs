//! An event with a string for each field.

use alloc::string::String;
use core::time::Duration;

/// An event.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Event {
    /// The event type; `message` if the block named none.
    pub event: String,
    /// The data, its lines joined with LF; may be empty.
    pub data: String,
    /// The last event ID string: that of this event, or of the last block before it that had one;
    /// empty if there was none.
    pub id: String,
    /// The reconnection time, if the block of this event set one.
    pub retry: Option<Duration>,
}
