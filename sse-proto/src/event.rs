//! Events of a stream, borrowed or owned, and frames, which are events, comments and settings.

#[cfg(feature = "serde")]
mod json;
mod message;

use alloc::string::String;
use core::time::Duration;

pub use message::Message;

/// An event as the specification dispatches it (9.2.6), borrowed from the chunk or from the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event<'a> {
    /// The event type; `message` if the stream named none.
    pub event: &'a str,
    /// The data, its lines joined with LF; may be empty.
    pub data: &'a str,
    /// The last event ID string (9.2.6): the ID of this event, or of the last block before it that
    /// set one; empty if there was none.
    pub id: &'a str,
}

/// One result of the parser, in the order of the stream: an event, a comment, an ignored line, a
/// reconnection time or a skipped block. `E` is the type of an event, `C` the type of the text of a
/// comment or of an ignored line.
///
/// [`Frame`] borrows its text, [`OwnedFrame`] owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFrame<E, C> {
    /// An event, ended by its blank line (9.2.6).
    Event(E),
    /// A comment, without the one space after its colon. Servers send comments as keep-alives.
    Comment(C),
    /// A line that the specification ignores, reported only with
    /// [`Parser::with_diagnostics`](crate::Parser::with_diagnostics): a field with an unknown name,
    /// a `retry` whose value is not one or more ASCII digits, or an `id` with a NUL. The text is
    /// the first KiB of the line, without its line end.
    Ignored(C),
    /// The server set the reconnection time.
    Retry(Duration),
    /// A block was over a limit and skipped ([`Overflow::Skip`](crate::Overflow::Skip)).
    Skipped {
        /// The size of the skipped block on the wire, without its blank line, in bytes.
        bytes: u64,
    },
}

/// A frame that borrows its text from the chunk or from the parser.
pub type Frame<'a> = StreamFrame<Event<'a>, &'a str>;

/// A frame that owns its text.
pub type OwnedFrame = StreamFrame<Message, String>;

impl Frame<'_> {
    /// Copies the borrowed text, so that the frame can be kept.
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

/// The default event type (9.2.6).
pub(crate) const DEFAULT: &str = "message";
