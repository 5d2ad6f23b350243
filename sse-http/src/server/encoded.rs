//! An event as it is sent.

use bytes::Bytes;
use proto::EventBuilder;

/// One encoded event or comment, cheap to clone: what the stream behind a [`Sse`](super::Sse)
/// yields.
///
/// A stream of `EventBuilder<'static>` will do as well; where the builder borrows from a local
/// value, convert it.
///
/// # Example
///
/// ```
/// use sse_http::server::{EncodedEvent, EventBuilder};
///
/// let tokens = vec!["Hel".to_string(), "lo".to_string()];
/// let events = tokens.into_iter().map(|token| EncodedEvent::from(EventBuilder::new().data(&token)));
/// assert_eq!(events.last().unwrap().as_bytes().as_ref(), b"data: lo\n\n");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent(Bytes);

impl EncodedEvent {
    /// The text of the event, its blank line included.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl From<EventBuilder<'_>> for EncodedEvent {
    fn from(event: EventBuilder<'_>) -> Self {
        Self(event.encode().into())
    }
}

impl From<EncodedEvent> for Bytes {
    fn from(event: EncodedEvent) -> Self {
        event.0
    }
}
