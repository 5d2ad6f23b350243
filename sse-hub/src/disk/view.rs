//! Reads of the engine's keyspaces at one moment.

use std::ops::{Bound, ControlFlow};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use fjall::{Database, Guard, Keyspace, Slice};

use super::keys::{self, Malformed, Once, Record, TopicId, TopicRecord};
use crate::Place;
use crate::log::{Amount, ListedTopic, Stored};

/// Why a read fails.
#[derive(Debug)]
pub(super) enum ReadError {
    Engine(fjall::Error),
    Malformed,
}

impl From<fjall::Error> for ReadError {
    fn from(error: fjall::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<Malformed> for ReadError {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Malformed => f.write_str("a record is malformed"),
        }
    }
}

/// Keyspaces to read from. They show only data that is on the disk.
#[derive(Clone)]
pub(super) struct View {
    pub(super) database: Database,
    pub(super) topics: Keyspace,
    /// The segments, oldest first, at least one: events are written to the last.
    pub(super) segments: Vec<Keyspace>,
}

/// Place of an event, and the ID that the application gave it.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) place: Place,
    pub(super) given: Option<Arc<str>>,
}

impl View {
    pub(super) fn record(&self, name: &str) -> Result<Option<TopicRecord>, ReadError> {
        let record = self.topics.get(keys::topic(name.as_bytes()))?;
        Ok(record.map(|record| TopicRecord::read(&record)).transpose()?)
    }

    /// Names of the topics in order, without the ended ones.
    pub(super) fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<ListedTopic>, ReadError> {
        let first = after.map_or(Bound::Included(keys::topic(b"")), |after| {
            Bound::Excluded(keys::topic(after.as_bytes()))
        });
        let mut listed = Vec::new();
        for found in self.topics.range((first, Bound::Excluded(keys::TOPICS_END.to_vec()))) {
            if listed.len() >= limit {
                break;
            }
            let (key, value) = found.into_inner()?;
            let record = TopicRecord::read(&value)?;
            // Ended, and not published to since.
            if record.ended > 0 {
                continue;
            }
            let name = str::from_utf8(&key[1..]).map_err(|_| ReadError::Malformed)?.to_owned();
            let last = self.last(record.id)?.unwrap_or(Mark { place: record.place, given: record.given });
            let last_event_id =
                last.given.map_or_else(|| last.place.to_string(), |id| id.as_ref().to_owned());
            listed.push(ListedTopic { name, last_event_id });
        }
        Ok(listed)
    }

    /// The oldest event that is kept.
    pub(super) fn first(&self, id: TopicId) -> Result<Option<Mark>, ReadError> {
        let mut segments = self.segments.iter();
        segments.find_map(|segment| segment.prefix(keys::events(id)).next()).map(mark).transpose()
    }

    /// The newest event that is kept.
    pub(super) fn last(&self, id: TopicId) -> Result<Option<Mark>, ReadError> {
        let mut segments = self.segments.iter().rev();
        segments.find_map(|segment| segment.prefix(keys::events(id)).next_back()).map(mark).transpose()
    }

    pub(super) fn event(&self, id: TopicId, number: u64) -> Result<Option<Mark>, ReadError> {
        let key = keys::event(id, number);
        for segment in self.segments.iter().rev() {
            if let Some(value) = segment.get(key)? {
                return Ok(Some(Record::read(number, &value)?.into()));
            }
        }
        Ok(None)
    }

    /// The events from `number` on, or from the next kept one on, up to the first missing number:
    /// at least one if there is one, otherwise at most `amount`.
    pub(super) fn page(&self, id: TopicId, number: u64, amount: Amount) -> Result<Vec<Stored>, ReadError> {
        let range = keys::event(id, number)..=keys::event(id, u64::MAX);
        let mut run = Run { step: 1, one: true, amount, events: Vec::new() };
        for segment in &self.segments {
            for found in segment.range(range.clone()) {
                if run.add(found)?.is_break() {
                    return run.stored();
                }
            }
        }
        run.stored()
    }

    /// The newest events, in order, at most `amount`.
    pub(super) fn newest(&self, id: TopicId, amount: Amount) -> Result<Vec<Stored>, ReadError> {
        let mut run = Run { step: 1u64.wrapping_neg(), one: false, amount, events: Vec::new() };
        'all: for segment in self.segments.iter().rev() {
            for found in segment.prefix(keys::events(id)).rev() {
                if run.add(found)?.is_break() {
                    break 'all;
                }
            }
        }
        run.events.reverse();
        run.stored()
    }

    /// The first kept event to which the application gave this ID.
    pub(super) fn given(&self, id: TopicId, given: &str) -> Result<Option<Place>, ReadError> {
        let key = keys::given_id(id, given);
        for segment in &self.segments {
            if let Some(number) = segment.get(&key)? {
                let event = self.event(id, keys::read_number(&number)?)?;
                return Ok(event
                    .filter(|event| event.given.as_deref() == Some(given))
                    .map(|event| event.place));
            }
        }
        Ok(None)
    }

    /// The place of the batch with this idempotency key.
    pub(super) fn once(&self, id: TopicId, key: &[u8]) -> Result<Option<Once>, ReadError> {
        let key = keys::once(id, key);
        for segment in self.segments.iter().rev() {
            if let Some(once) = segment.get(&key)? {
                return Ok(Some(Once::read(&once)?));
            }
        }
        Ok(None)
    }

    /// The topics with events in a segment, each with the newest of these events, up to the first
    /// damage: the segment is about to be dropped.
    ///
    /// A topic after that loses its last place if it has no newer events. Its numbers are then
    /// given again, with later stamps, so its subscribers get a gap.
    pub(super) fn newest_of_topics(segment: &Keyspace) -> impl Iterator<Item = (TopicId, Mark)> {
        let mut next = Some(0);
        std::iter::from_fn(move || {
            // The engine does not promise an error instead of a panic.
            let newest = |from| catch_unwind(AssertUnwindSafe(|| Self::newest_from(segment, from)));
            let newest = newest(next?).ok()?.ok()??;
            next = newest.0.checked_add(1);
            Some(newest)
        })
    }

    /// The first topic with events in a segment, from the number `from` on.
    fn newest_from(segment: &Keyspace, from: TopicId) -> Result<Option<(TopicId, Mark)>, ReadError> {
        let range = keys::event(from, 0)..=keys::event(u64::MAX, u64::MAX);
        let Some(found) = segment.range(range).next() else { return Ok(None) };
        let (id, _) = keys::read_event(&found.key()?).ok_or(ReadError::Malformed)?;
        let newest = segment.prefix(keys::events(id)).next_back().ok_or(ReadError::Malformed)?;
        Ok(Some((id, mark(newest)?)))
    }
}

impl From<Record<'_>> for Mark {
    fn from(record: Record<'_>) -> Self {
        Self { place: record.place, given: record.given.map(Arc::from) }
    }
}

fn mark(found: Guard) -> Result<Mark, ReadError> {
    let (key, value) = found.into_inner()?;
    let (_, number) = keys::read_event(&key).ok_or(ReadError::Malformed)?;
    Ok(Record::read(number, &value)?.into())
}

/// Events with consecutive numbers.
struct Run {
    /// The difference from one number to the next.
    step: u64,
    /// Whether the first event is read whatever its size.
    one: bool,
    amount: Amount,
    events: Vec<(u64, Slice)>,
}

impl Run {
    fn add(&mut self, found: Guard) -> Result<ControlFlow<()>, ReadError> {
        let free = self.one && self.events.is_empty();
        if !free && self.events.len() >= self.amount.events {
            return Ok(ControlFlow::Break(()));
        }
        let (key, value) = found.into_inner()?;
        let (_, number) = keys::read_event(&key).ok_or(ReadError::Malformed)?;
        let follows = self.events.last().is_none_or(|(last, _)| last.wrapping_add(self.step) == number);
        if !follows || (!free && value.len() > self.amount.bytes) {
            return Ok(ControlFlow::Break(()));
        }
        self.amount.bytes = self.amount.bytes.saturating_sub(value.len());
        self.events.push((number, value));
        Ok(ControlFlow::Continue(()))
    }

    fn stored(&self) -> Result<Vec<Stored>, ReadError> {
        let records = self.events.iter().map(|(number, value)| Record::read(*number, value));
        let records: Vec<_> = records.collect::<Result<_, _>>()?;
        // The events of a batch have one stamp.
        let batches = records.chunk_by(|one, next| one.place.stamp == next.place.stamp);
        let stored = batches.flat_map(|batch| {
            let events = batch.iter().map(|record| (record.given.map(Arc::from), record.bytes));
            Stored::batch(batch[0].place, events)
        });
        Ok(stored.collect())
    }
}
