//! Events that a driver reports to the application.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt;
use core::time::Duration;

use crate::{Cause, CloseReason, Event, Frame, Message};

/// An event of a client, in order; `H` is the head of a response, `E` an error of the transport.
///
/// `M` and `C` are how messages and comments are held: owned by default, as [`Event`] and `&str`
/// where they are lent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent<H, E, M = Message, C = String> {
    /// The connection is open. The response head is boxed so that the other events take less room.
    Open(Box<H>),
    /// An event of the stream: its type, data and last event ID.
    Message(M),
    /// A comment. Servers send them to show that they are alive.
    Comment(C),
    /// A line that the specification ignores, reported only with `Config::with_diagnostics`: see
    /// `Frame::Ignored`.
    // Not links: rustdoc leaves them unresolved in the documentation of an adapter's alias.
    Ignored(C),
    /// The server set the reconnection time.
    Retry(Duration),
    /// An event was over its limit and left out.
    Skipped {
        /// The size of the skipped event on the wire, in bytes.
        bytes: u64,
    },
    /// The connection is lost, and the next one is made after `delay`.
    Disconnected {
        /// Why the connection was lost; its text includes the error of the transport.
        cause: Loss<E>,
        /// The number of the next attempt, counted from 1 since the last success.
        attempt: u32,
        /// How long the client waits before the next attempt.
        delay: Duration,
    },
}

/// A [`ClientEvent`] that borrows its text from the client, without allocation.
pub type ClientEventRef<'a, H, E> = ClientEvent<H, E, Event<'a>, &'a str>;

impl<H, E> ClientEventRef<'_, H, E> {
    /// Copies the borrowed text, so that the event can be kept.
    pub fn into_owned(self) -> ClientEvent<H, E> {
        match self {
            Self::Open(head) => ClientEvent::Open(head),
            Self::Message(event) => ClientEvent::Message(event.into()),
            Self::Comment(comment) => ClientEvent::Comment(comment.into()),
            Self::Ignored(line) => ClientEvent::Ignored(line.into()),
            Self::Retry(time) => ClientEvent::Retry(time),
            Self::Skipped { bytes } => ClientEvent::Skipped { bytes },
            Self::Disconnected { cause, attempt, delay } => {
                ClientEvent::Disconnected { cause, attempt, delay }
            }
        }
    }
}

impl<H, E> From<Frame<'_>> for ClientEvent<H, E> {
    /// Copies the borrowed text.
    #[inline]
    fn from(frame: Frame<'_>) -> Self {
        match frame {
            Frame::Event(event) => Self::Message(event.into()),
            Frame::Comment(comment) => Self::Comment(comment.into()),
            Frame::Ignored(line) => Self::Ignored(line.into()),
            Frame::Retry(time) => Self::Retry(time),
            Frame::Skipped { bytes } => Self::Skipped { bytes },
        }
    }
}

impl<'a, H, E> From<Frame<'a>> for ClientEventRef<'a, H, E> {
    #[inline]
    fn from(frame: Frame<'a>) -> Self {
        match frame {
            Frame::Event(event) => Self::Message(event),
            Frame::Comment(comment) => Self::Comment(comment),
            Frame::Ignored(line) => Self::Ignored(line),
            Frame::Retry(time) => Self::Retry(time),
            Frame::Skipped { bytes } => Self::Skipped { bytes },
        }
    }
}

/// Why a connection was lost: a [`Cause`], and the error of the transport if there was one.
///
/// [`Display`](fmt::Display) prints both, and what caused the error: "the request was not sent:
/// connection refused".
// Boxed, because a loss is rare, and would make every event as large.
#[derive(Clone, PartialEq, Eq)]
pub struct Loss<E>(Box<Lost<E>>);

#[derive(Clone, PartialEq, Eq)]
struct Lost<E> {
    cause: Cause,
    error: Option<E>,
}

impl<E> Loss<E> {
    /// A loss for `cause`, with the error of the transport if there was one.
    pub fn new(cause: Cause, error: Option<E>) -> Self {
        Self(Box::new(Lost { cause, error }))
    }

    /// The cause of the loss, without the error of the transport.
    pub fn cause(&self) -> Cause {
        self.0.cause
    }

    /// The error of the transport, if there was one.
    pub fn error(&self) -> Option<&E> {
        self.0.error.as_ref()
    }

    /// The error of the transport, owned.
    pub fn into_error(self) -> Option<E> {
        self.0.error
    }
}

impl<E: fmt::Debug> fmt::Debug for Loss<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loss").field("cause", &self.cause()).field("error", &self.error()).finish()
    }
}

impl<E: core::error::Error + 'static> fmt::Display for Loss<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = self.cause().to_string();
        let mut next = self.error().map(|error| error as &(dyn core::error::Error + 'static));
        while let Some(error) = next {
            let text = error.to_string();
            // Many errors repeat the text of their source.
            if !line.contains(&text) {
                line.push_str(": ");
                line.push_str(&text);
            }
            next = error.source();
        }
        f.write_str(&line)
    }
}

/// The end of a source: the last thing that a driver reports. It comes in a box, because it would
/// make every event as large.
pub struct Closed<H, B, E> {
    /// Why the source closed.
    pub reason: CloseReason,
    /// The error of the transport, if there was one.
    pub error: Option<E>,
    /// The rejected response, if there was one: its head, and its unread body.
    pub response: Option<(H, B)>,
}

impl<H: fmt::Debug, B, E: fmt::Debug> fmt::Debug for Closed<H, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed")
            .field("reason", &self.reason)
            .field("error", &self.error)
            .field("head", &self.response.as_ref().map(|response| &response.0))
            .finish_non_exhaustive()
    }
}

impl<H, B, E> fmt::Display for Closed<H, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl<H: fmt::Debug, B, E: core::error::Error + 'static> core::error::Error for Closed<H, B, E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.error.as_ref().map(|error| error as _)
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn an_item_of_a_stream_of_events_has_four_words() {
        type Item = Option<Result<ClientEvent<(), ()>, Box<Closed<(), (), ()>>>>;
        assert_eq!(size_of::<Item>(), 32);
    }
}
