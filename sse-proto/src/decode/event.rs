//! What comes out of a stream: borrowed, and owned.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use super::block::Place;

/// An event as the specification dispatches it (9.2.6), borrowed from the chunk or from the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event<'a> {
    /// The event type; `message` if the stream named none.
    pub event: &'a str,
    /// The data, its lines joined with LF; may be empty.
    pub data: &'a str,
    /// The last event ID string: that of this event, or of the last one before it that had one; empty if there was none.
    pub id: &'a str,
}

/// Everything that a stream can say, in the order in which it says it; `E` is the type of its events, `C` that of its comments.
///
/// [`Frame`] borrows its text, [`OwnedFrame`] owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFrame<E, C> {
    /// An event.
    Event(E),
    /// A comment, one space after the colon removed. Servers send them to show that they are alive.
    Comment(C),
    /// The server set the reconnection time.
    Retry(Duration),
    /// An event was over a limit and left out ([`Overflow::Skip`](crate::Overflow::Skip)).
    Skipped {
        /// What it took on the wire, from its first line to its blank line.
        bytes: u64,
    },
}

/// A frame that borrows its text from the chunk or from the parser.
pub type Frame<'a> = StreamFrame<Event<'a>, &'a str>;

/// A frame that owns its text.
pub type OwnedFrame = StreamFrame<Message, String>;

impl Frame<'_> {
    /// The frame with a text of its own.
    pub fn into_owned(self) -> OwnedFrame {
        match self {
            Self::Event(event) => StreamFrame::Event(event.into()),
            Self::Comment(comment) => StreamFrame::Comment(comment.into()),
            Self::Retry(time) => StreamFrame::Retry(time),
            Self::Skipped { bytes } => StreamFrame::Skipped { bytes },
        }
    }
}

impl From<Frame<'_>> for OwnedFrame {
    fn from(frame: Frame<'_>) -> Self {
        frame.into_owned()
    }
}

/// What was pending when a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish<'a> {
    /// Nothing: the stream ended at a blank line.
    Complete,
    /// An unterminated line or block, which the specification discards.
    Dropped,
    /// An unterminated block with data, delivered because [`with_flush`](crate::Parser::with_flush) asked for it.
    ///
    /// Its `id` is the last one that was committed: that of the block itself may be cut.
    Flushed(Event<'a>),
}

/// What [`Parser::advance`](crate::Parser::advance) completed. It borrows nothing; [`Parser::frame`](crate::Parser::frame)
/// turns it into a [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step(pub(crate) Completed);

impl Step {
    /// Whether the input is used up: feed the next chunk.
    pub fn needs_data(self) -> bool {
        matches!(self.0, Completed::Nothing)
    }
}

/// The variants of [`Frame`], with places in the stead of borrows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completed {
    Nothing,
    /// The most ordinary event, alone in the chunk up to here: one line of data, of this length, which starts at [`LINE`].
    Line(usize),
    Event {
        event: Place,
        data: Place,
    },
    Comment(Place),
    Retry(Duration),
    Skipped {
        bytes: u64,
    },
}

/// Where the data of an event starts that begins with it.
pub(super) const LINE: usize = "data: ".len();

impl Completed {
    /// The places that may lie in the chunk.
    pub(super) fn places(self) -> [Place; 2] {
        match self {
            Self::Line(len) => [Place::Chunk(LINE, LINE + len), Place::Buffer],
            Self::Event { event, data } => [event, data],
            Self::Comment(comment) => [comment, Place::Buffer],
            _ => [Place::Buffer; 2],
        }
    }
}

/// The type of an event that names none.
pub(super) const DEFAULT: &str = "message";

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
    /// Data, type and ID, in this order, so that the data can be had without a copy. The default type is left out.
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

    /// The last event ID string at this event.
    #[inline]
    pub fn id(&self) -> &str {
        &self.text[self.event_end..]
    }

    /// The data, without a copy.
    pub fn into_data(mut self) -> String {
        self.text.truncate(self.data_end);
        self.text
    }

    /// The event, borrowed.
    pub fn as_event(&self) -> Event<'_> {
        Event { event: self.event(), data: self.data(), id: self.id() }
    }
}

impl From<Event<'_>> for Message {
    fn from(event: Event<'_>) -> Self {
        let data_end = event.data.len();
        let kind = if event.event == DEFAULT { "" } else { event.event };
        let event_end = data_end + kind.len();
        let len = event_end + event.id.len();
        if len == data_end {
            return Self { text: event.data.into(), data_end, event_end };
        }
        let mut text = String::with_capacity(len);
        text.push_str(event.data);
        text.push_str(kind);
        text.push_str(event.id);
        Self { text, data_end, event_end }
    }
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
