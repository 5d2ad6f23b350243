//! The error of the parser.

use core::fmt;

/// An event or ID is over its limit of [`Limits`](crate::Limits). The parser has no other error,
/// because the format has no malformed input (9.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// One event (its data and type), or one comment, is longer than
    /// [`Limits::event`](crate::Limits::event).
    EventTooLong {
        /// The limit that was exceeded, in bytes.
        limit: usize,
    },
    /// One event ID is longer than [`Limits::id`](crate::Limits::id).
    IdTooLong {
        /// The limit that was exceeded, in bytes.
        limit: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EventTooLong { limit } => {
                write!(
                    f,
                    "an event is longer than {limit} bytes: raise `Limits::event` or set `Overflow::Skip`"
                )
            }
            Self::IdTooLong { limit } => {
                write!(
                    f,
                    "an event ID is longer than {limit} bytes: raise `Limits::id` or set `Overflow::Skip`"
                )
            }
        }
    }
}

impl core::error::Error for Error {}
