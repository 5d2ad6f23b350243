//! Events on their way into a log and out of it.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use proto::EventBuilder;
use sha2::{Digest as _, Sha256};

use crate::Place;

/// Events that are published together: all of them or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The events, in order.
    pub events: Vec<NewEvent>,
    /// The idempotency key, which prevents that the batch is appended twice.
    pub key: Option<Key>,
}

/// An event before it has a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// The ID that the application gave the event; without one, the event's place is its ID.
    pub id: Option<Arc<str>>,
    /// The lines of the event, encoded once, without its ID and its blank line.
    pub bytes: Bytes,
}

/// An idempotency key: a batch with a key that a topic knows is not appended again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The publisher's key: 1 to 128 bytes of any value.
    pub bytes: Box<[u8]>,
    /// SHA-256 of the events, which distinguishes a repetition from another batch.
    pub digest: [u8; 32],
}

/// An event in a log.
///
/// The event holds its bytes as they are sent, ID included, so that they are assembled once; events
/// of one batch share one buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    place: Place,
    id: Option<Arc<str>>,
    /// This event and the following events of its batch, as sent.
    rest: Bytes,
    /// How many bytes of `rest` belong to this event.
    len: usize,
    /// How many bytes of this event come before its ID.
    body: usize,
    /// How many events `rest` holds.
    count: usize,
}

impl Batch {
    /// Encodes events as a batch; an empty ID counts as none.
    pub fn new(events: &[EventBuilder<'_>]) -> Self {
        Self { events: events.iter().map(NewEvent::from).collect(), key: None }
    }

    /// Adds an idempotency key, with the digest of the events.
    pub fn with_key(mut self, key: impl AsRef<[u8]>) -> Self {
        let mut digest = Sha256::new();
        for event in &self.events {
            let id = event.id.as_deref().unwrap_or_default();
            // The lengths come first, so that different batches have different bytes.
            for part in [id.as_bytes(), &event.bytes] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
        }
        self.key = Some(Key { bytes: key.as_ref().into(), digest: digest.finalize().into() });
        self
    }

    /// The events of the batch with their places; `first` is the place of the first event.
    pub fn stored(&self, first: Place) -> Vec<Stored> {
        Stored::batch(first, self.events.iter().map(|event| (event.id.clone(), &event.bytes[..])))
    }
}

impl From<&EventBuilder<'_>> for NewEvent {
    fn from(event: &EventBuilder<'_>) -> Self {
        let id = event.last_event_id().filter(|id| !id.is_empty()).map(Arc::from);
        let mut bytes = event.clone().without_id().encode();
        // Comments alone have no blank line.
        if bytes.ends_with("\n\n") {
            bytes.pop();
        }
        Self { id, bytes: bytes.into() }
    }
}

impl Stored {
    /// Creates a single event; `bytes` are the lines of [`NewEvent::bytes`].
    pub fn new(place: Place, id: Option<Arc<str>>, bytes: &[u8]) -> Self {
        let mut batch = Self::batch(place, [(id, bytes)]);
        batch.pop().expect("a batch of one")
    }

    /// Creates the stored events of a batch, which subscribers get in one write. The first event
    /// has the place `first`, each later event the next number.
    pub fn batch<'a>(
        first: Place,
        events: impl IntoIterator<Item = (Option<Arc<str>>, &'a [u8])>,
    ) -> Vec<Self> {
        let events: Vec<_> = events
            .into_iter()
            .zip(0..)
            .map(|((id, bytes), at)| {
                let place = first.plus(at);
                let id_len = id.as_ref().map_or_else(|| place.encoded_len(), |id| id.len());
                (place, id, bytes, bytes.len() + "id: \n\n".len() + id_len)
            })
            .collect();
        // The exact capacity, because it is kept as long as the events.
        let mut wire = Vec::with_capacity(events.iter().map(|(.., len)| len).sum());
        let mut parts = Vec::with_capacity(events.len());
        for (place, id, bytes, len) in events {
            let start = wire.len();
            wire.extend_from_slice(bytes);
            // The ID comes last: a client that accepts it at its line then already has the event's
            // data.
            match &id {
                Some(id) => write!(wire, "id: {id}\n\n"),
                None => write!(wire, "id: {place}\n\n"),
            }
            .expect("a vector takes everything");
            parts.push((place, id, start, bytes.len(), len));
        }
        let (wire, count) = (Bytes::from(wire), parts.len());
        let stored = |(at, (place, id, start, body, len))| Self {
            place,
            id,
            rest: wire.slice(start..),
            len,
            body,
            count: count - at,
        };
        parts.into_iter().enumerate().map(stored).collect()
    }

    /// The place of the event.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The ID that the application gave the event, if any.
    pub fn id(&self) -> Option<&Arc<str>> {
        self.id.as_ref()
    }

    /// The lines of the event without its ID and blank line, as in [`NewEvent::bytes`].
    pub fn bytes(&self) -> &[u8] {
        &self.rest[..self.body]
    }

    /// The bytes that are sent to subscribers.
    pub fn wire(&self) -> &[u8] {
        &self.rest[..self.len]
    }

    /// The bytes of this event and of the following events of its batch, and the number of these
    /// events.
    pub(crate) fn rest(&self) -> (&Bytes, usize) {
        (&self.rest, self.count)
    }
}

impl AsRef<[u8]> for Stored {
    fn as_ref(&self) -> &[u8] {
        self.wire()
    }
}
