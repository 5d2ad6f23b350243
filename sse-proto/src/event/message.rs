//! Message: an event that owns its text.

use alloc::string::String;
use core::fmt;

use super::{DEFAULT, Event};

/// An event that owns its text, in one allocation.
///
/// # Example
///
/// ```
/// use sse_proto::{Event, Message};
///
/// let message = Message::from(Event { event: "add", data: "73857293", id: "7" });
/// assert_eq!((message.event(), message.data(), message.id()), ("add", "73857293", "7"));
/// assert_eq!(message.into_data(), "73857293");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Message {
    /// Data, type and ID, in this order, so that `into_data` needs no copy. The default type is
    /// left out.
    text: String,
    data_end: usize,
    event_end: usize,
}

impl Message {
    /// The event type; `message` if the stream named none.
    #[inline]
    pub fn event(&self) -> &str {
        if self.event_end > self.data_end { &self.text[self.data_end..self.event_end] } else { DEFAULT }
    }

    /// The data, its lines joined with LF.
    #[inline]
    pub fn data(&self) -> &str {
        &self.text[..self.data_end]
    }

    /// The last event ID string when the event was dispatched (9.2.6); empty if there was none.
    #[inline]
    pub fn id(&self) -> &str {
        &self.text[self.event_end..]
    }

    /// The data, without a copy.
    pub fn into_data(mut self) -> String {
        self.text.truncate(self.data_end);
        self.text
    }

    /// Borrows the message as an [`Event`].
    pub fn as_event(&self) -> Event<'_> {
        Event { event: self.event(), data: self.data(), id: self.id() }
    }
}

impl From<Event<'_>> for Message {
    #[inline]
    fn from(Event { event, data, id }: Event<'_>) -> Self {
        let kind = if event == DEFAULT { "" } else { event };
        let data_end = data.len();
        // (Most events have data alone.)
        let text = if kind.is_empty() && id.is_empty() { data.into() } else { joined(data, kind, id) };
        Self { text, data_end, event_end: data_end + kind.len() }
    }
}

/// Copies text that is in several pieces.
#[inline(never)]
fn joined(data: &str, kind: &str, id: &str) -> String {
    [data, kind, id].concat()
}

impl<'a> From<&'a Message> for Event<'a> {
    fn from(message: &'a Message) -> Self {
        message.as_event()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("event", &self.event())
            .field("data", &self.data())
            .field("id", &self.id())
            .finish()
    }
}
