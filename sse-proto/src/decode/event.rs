//! What comes out of a stream, borrowed.

use alloc::string::String;
use core::time::Duration;

use super::message::Message;
use super::push::Done;
use super::read::Read;

/// An event as the specification dispatches it (9.2.6), borrowed from the chunk or from the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event<'a> {
    /// The event type; `message` if the stream named none.
    pub event: &'a str,
    /// The data, its lines joined with LF; may be empty.
    pub data: &'a str,
    /// The last event ID string: that of this event, or of the last one before it that had one;
    /// empty if there was none.
    pub id: &'a str,
}

/// A unit of a stream, in the order of the stream. `E` is the type of its events, `C` the type of
/// its comments.
///
/// [`Frame`] borrows its text, [`OwnedFrame`] owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFrame<E, C> {
    /// An event.
    Event(E),
    /// A comment, one space after the colon removed. Servers send them to show that they are alive.
    Comment(C),
    /// A line without effect, with [`Parser::with_diagnostics`](crate::Parser::with_diagnostics): a
    /// field of an unknown name, a `retry` that is not a number, or an `id` with a NUL. Without its
    /// end, and at most 1 KiB of it.
    Ignored(C),
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
    #[inline]
    pub fn into_owned(self) -> OwnedFrame {
        match self {
            Self::Event(event) => StreamFrame::Event(event.into()),
            Self::Comment(comment) => StreamFrame::Comment(comment.into()),
            Self::Ignored(line) => StreamFrame::Ignored(line.into()),
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
    /// Nothing of an event: the stream ended at a blank line, or in a comment after one.
    Complete,
    /// An unterminated line or block, which the specification discards (9.2.6).
    Dropped,
    /// An unterminated block with data, delivered because
    /// [`with_deliver_unterminated`](crate::Parser::with_deliver_unterminated) is set.
    ///
    /// Its `id` is the last committed ID, because the ID of the block itself may be cut.
    Flushed(Event<'a>),
}

/// What [`Parser::advance`](crate::Parser::advance) completed. It borrows nothing;
/// [`Parser::frame`](crate::Parser::frame) turns it into a [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step(pub(crate) Read<Place>);

impl Step {
    /// Whether the input is used up: feed the next chunk.
    pub fn needs_data(self) -> bool {
        matches!(self.0, Read::Pushed(Done::NeedData))
    }
}

/// Where a value starts in the chunk, and where it ends.
pub(crate) type Place = (usize, usize);

/// The type of an event that names none.
pub(super) const DEFAULT: &str = "message";
