//! What the application learns from a driver.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use crate::{Cause, CloseReason, Event, Message};

/// What a client learns, in the order in which it happens; `H` is the head of a response, `E` an error of the transport.
///
/// `M` and `C` are how messages and comments are held: owned by default, as [`Event`] and `&str` where they are lent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent<H, E, M = Message, C = String> {
    /// The connection is open: the head of its response, boxed lest every event take as much room.
    Open(Box<H>),
    /// An event of the stream.
    Message(M),
    /// A comment. Servers send them to show that they are alive.
    Comment(C),
    /// The server set the reconnection time.
    Retry(Duration),
    /// An event was over its limit and left out.
    Skipped {
        /// What it took on the wire.
        bytes: u64,
    },
    /// The connection is lost, and will be made anew after `delay`.
    Disconnected {
        /// Why.
        cause: Cause,
        /// The error of the transport, if there was one.
        error: Option<E>,
        /// The number of the attempt that follows, from 1 on; since the last success.
        attempt: u32,
        /// How long until then.
        delay: Duration,
    },
}

/// A [`ClientEvent`] that is lent, and allocates nothing.
pub type ClientEventRef<'a, H, E> = ClientEvent<H, E, Event<'a>, &'a str>;

impl<H, E> ClientEventRef<'_, H, E> {
    /// The event with a text of its own.
    pub fn into_owned(self) -> ClientEvent<H, E> {
        match self {
            Self::Open(head) => ClientEvent::Open(head),
            Self::Message(event) => ClientEvent::Message(event.into()),
            Self::Comment(comment) => ClientEvent::Comment(comment.into()),
            Self::Retry(time) => ClientEvent::Retry(time),
            Self::Skipped { bytes } => ClientEvent::Skipped { bytes },
            Self::Disconnected { cause, error, attempt, delay } => {
                ClientEvent::Disconnected { cause, error, attempt, delay }
            }
        }
    }
}

/// How it ended: the last thing that a driver says.
pub struct Closed<H, B, E> {
    /// Why.
    pub reason: CloseReason,
    /// The error of the transport, if there was one.
    pub error: Option<E>,
    /// The response that was not believed: its head, and its body unread.
    pub response: Option<Box<(H, B)>>,
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
