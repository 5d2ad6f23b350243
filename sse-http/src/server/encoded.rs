//! Encoded event, ready to be sent.

use bytes::Bytes;
use proto::EventBuilder;

/// One encoded event or comment, cheap to clone: an item of the stream that a [`Sse`](super::Sse)
/// sends.
///
/// The stream may also yield `EventBuilder<'static>`. A builder that borrows from a local value has
/// to be converted to this type.
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
    /// The text of the event, including its blank line.
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
