//! Event that owns a string for each field.

use alloc::string::String;
use core::time::Duration;

/// An event: its type, data and ID, and the reconnection time of its block.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Event {
    /// The event type; `message` if the block named none.
    pub event: String,
    /// The data, its lines joined with LF; may be empty.
    pub data: String,
    /// The last event ID string: the ID of this event, or of the last block before it that set one;
    /// empty if there was none.
    pub id: String,
    /// The reconnection time, if the block of this event set it.
    pub retry: Option<Duration>,
}
