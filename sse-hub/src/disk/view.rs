//! Reads of the engine's keyspaces at one moment.
//!
//! A damaged table costs the events in its damaged blocks, and no others: what cannot be read is
//! skipped (`around`), and reported.

mod around;

use std::ops::{Bound, ControlFlow, RangeInclusive};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use fjall::{Database, Guard, Keyspace, Slice};

use super::damage::{Damage, ReadError};
use super::keys::{self, Malformed, Once, Record, TopicId, TopicRecord};
use crate::Place;
use crate::log::{Amount, ListedTopic, Stored};
pub(super) use around::UNKNOWABLE;

/// Keyspaces to read from. They show only data that is on the disk.
#[derive(Clone)]
pub(super) struct View {
    pub(super) database: Database,
    pub(super) topics: Keyspace,
    /// The segments, oldest first, at least one: events are written to the last.
    pub(super) segments: Vec<Keyspace>,
    pub(super) damage: Damage,
}

/// Place of an event, and the ID that the application gave it.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) place: Place,
    pub(super) given: Option<Arc<str>>,
}

impl View {
    pub(super) fn record(&self, name: &str) -> Result<Option<TopicRecord>, ReadError> {
        let record = self.topic_value(&keys::topic(name.as_bytes()));
        let record = record.and_then(|record| record.map(|record| self.read_record(&record)).transpose());
        record.inspect_err(|error| {
            if let ReadError::Damaged { .. } = error {
                self.damage.report(name, error);
            }
        })
    }

    fn topic_value(&self, key: &[u8]) -> Result<Option<Slice>, ReadError> {
        self.topics.get(key).map_err(|error| ReadError::of(&self.topics, error))
    }

    pub(super) fn read_record(&self, record: &[u8]) -> Result<TopicRecord, ReadError> {
        TopicRecord::read(record).map_err(|_| ReadError::malformed(&self.topics))
    }

    /// Reports damage to a topic's events, which the caller reads around; returns other errors.
    fn report(&self, id: TopicId, error: ReadError) -> Result<(), ReadError> {
        let ReadError::Damaged { .. } = error else { return Err(error) };
        let name = self.topic_value(&keys::name(id)).ok().flatten();
        let name = name.map_or_else(|| format!("{id}"), |name| String::from_utf8_lossy(&name).into_owned());
        self.damage.report(&name, &error);
        Ok(())
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
            let (key, value) = found.into_inner().map_err(|error| ReadError::of(&self.topics, error))?;
            let record = self.read_record(&value)?;
            if record.ended.is_some() {
                continue;
            }
            let name = str::from_utf8(&key[1..]).map_err(|_| ReadError::malformed(&self.topics))?.to_owned();
            let last = self.newest_place(&record)?;
            let last_event_id =
                last.given.map_or_else(|| last.place.to_string(), |id| id.as_ref().to_owned());
            listed.push(ListedTopic { name, last_event_id });
        }
        Ok(listed)
    }

    /// The oldest event that is kept; `None` if there is none, or if it is damaged.
    pub(super) fn first(&self, id: TopicId) -> Result<Option<Mark>, ReadError> {
        let mut segments = self.segments.iter();
        let first = |segment: &Keyspace| Some(mark(segment, segment.prefix(keys::events(id)).next()?));
        let first = segments.find_map(first).transpose();
        first.or_else(|error| self.report(id, error).map(|()| None))
    }

    /// The newest event that is kept.
    pub(super) fn last(&self, id: TopicId) -> Result<Option<Mark>, ReadError> {
        let mut segments = self.segments.iter().rev();
        let last = |segment: &Keyspace| Some(mark(segment, segment.prefix(keys::events(id)).next_back()?));
        segments.find_map(last).transpose()
    }

    /// The place of a topic's newest event, kept or not.
    ///
    /// If the newest events are damaged, it is the place with the number of the last of them, so
    /// that no number is given again.
    pub(super) fn newest_place(&self, record: &TopicRecord) -> Result<Mark, ReadError> {
        match self.last(record.id) {
            Ok(Some(last)) => Ok(last),
            Ok(None) => Ok(Mark { place: record.place, given: record.given.clone() }),
            Err(error) => {
                self.report(record.id, error)?;
                self.search_newest(record)
            }
        }
    }

    /// An event by its number; `None` if it is not kept, or damaged.
    pub(super) fn event(&self, id: TopicId, number: u64) -> Result<Option<Mark>, ReadError> {
        match self.value(id, number) {
            Ok(value) => Ok(value.map(|value| parsed(number, &value).into())),
            Err(error) => self.report(id, error).map(|()| None),
        }
    }

    /// The value of an event, which can be parsed.
    fn value(&self, id: TopicId, number: u64) -> Result<Option<Slice>, ReadError> {
        let read = |value: Slice| match Record::read(number, &value) {
            Ok(_) => Ok(value),
            Err(Malformed) => Err(Malformed),
        };
        self.newest_value(&keys::event(id, number), read)
    }

    /// The value of a key in the newest segment that has the key.
    fn newest_value<T>(
        &self,
        key: &[u8],
        read: impl Fn(Slice) -> Result<T, Malformed>,
    ) -> Result<Option<T>, ReadError> {
        let mut damaged = None;
        for segment in self.segments.iter().rev() {
            let value = match segment.get(key) {
                Ok(None) => continue,
                Ok(Some(value)) => read(value).map_err(|Malformed| ReadError::malformed(segment)),
                Err(error) => Err(ReadError::of(segment, error)),
            };
            match value {
                Ok(value) => return Ok(Some(value)),
                // A damaged table in one segment says nothing about the other segments.
                Err(error @ ReadError::Damaged { .. }) => damaged = Some(error),
                Err(error) => return Err(error),
            }
        }
        damaged.map_or(Ok(None), Err)
    }

    /// The events with these numbers, from the first readable one on, up to the first missing
    /// number: at least one if there is one, otherwise at most `amount`.
    pub(super) fn page(
        &self,
        id: TopicId,
        numbers: RangeInclusive<u64>,
        amount: Amount,
    ) -> Result<Vec<Stored>, ReadError> {
        let range = keys::event(id, *numbers.start())..=keys::event(id, *numbers.end());
        let mut run = Run::new(1, true, amount);
        for segment in &self.segments {
            for found in segment.range(range.clone()) {
                match run.add(segment, found) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => return Ok(run.stored()),
                    Err(error) => {
                        self.report(id, error)?;
                        return self.page_around(id, numbers, amount);
                    }
                }
            }
        }
        Ok(run.stored())
    }

    /// The newest events up to the number `last`, in order, at most `amount`; none if the event
    /// with that number cannot be read.
    pub(super) fn newest(&self, id: TopicId, last: u64, amount: Amount) -> Result<Vec<Stored>, ReadError> {
        let range = keys::event(id, 0)..=keys::event(id, last);
        let mut run = Run::new(BACKWARDS, false, amount);
        'all: for segment in self.segments.iter().rev() {
            for found in segment.range(range.clone()).rev() {
                match run.add(segment, found) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => break 'all,
                    Err(error) => {
                        self.report(id, error)?;
                        return self.newest_around(id, last, amount);
                    }
                }
            }
        }
        run.events.reverse();
        Ok(run.stored())
    }

    /// The first kept event to which the application gave this ID.
    pub(super) fn given(&self, id: TopicId, given: &str) -> Result<Option<Place>, ReadError> {
        let key = keys::given_id(id, given);
        for segment in &self.segments {
            let number = match segment.get(&key) {
                Ok(None) => continue,
                Ok(Some(number)) => keys::read_number(&number).map_err(|_| ReadError::malformed(segment)),
                Err(error) => Err(ReadError::of(segment, error)),
            };
            match number {
                Ok(number) => {
                    let event = self.event(id, number)?.filter(|event| event.given.as_deref() == Some(given));
                    return Ok(event.map(|event| event.place));
                }
                Err(error) => self.report(id, error)?,
            }
        }
        Ok(None)
    }

    /// The place of the batch with this idempotency key.
    pub(super) fn once(&self, id: TopicId, key: &[u8]) -> Result<Option<Once>, ReadError> {
        self.newest_value(&keys::once(id, key), |once| Once::read(&once))
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
        let key = found.key().map_err(|error| ReadError::of(segment, error))?;
        let malformed = || ReadError::malformed(segment);
        let (id, _) = keys::read_event(&key).ok_or_else(malformed)?;
        let newest = segment.prefix(keys::events(id)).next_back().ok_or_else(malformed)?;
        Ok(Some((id, mark(segment, newest)?)))
    }
}

impl From<Record<'_>> for Mark {
    fn from(record: Record<'_>) -> Self {
        Self { place: record.place, given: record.given.map(Arc::from) }
    }
}

/// The number and the value of an event that was found.
fn event(segment: &Keyspace, found: Guard) -> Result<(u64, Slice), ReadError> {
    let (key, value) = found.into_inner().map_err(|error| ReadError::of(segment, error))?;
    let (_, number) = keys::read_event(&key).ok_or_else(|| ReadError::malformed(segment))?;
    Ok((number, value))
}

/// The record of a value that was parsed before.
fn parsed(number: u64, value: &Slice) -> Record<'_> {
    Record::read(number, value).unwrap_or_else(|Malformed| unreachable!("the value was parsed before"))
}

fn mark(segment: &Keyspace, found: Guard) -> Result<Mark, ReadError> {
    let (number, value) = event(segment, found)?;
    let record = Record::read(number, &value).map_err(|_| ReadError::malformed(segment))?;
    Ok(record.into())
}

/// The difference from a number to the one before it.
const BACKWARDS: u64 = u64::MAX;

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
    fn new(step: u64, one: bool, amount: Amount) -> Self {
        Self { step, one, amount, events: Vec::new() }
    }

    fn add(&mut self, segment: &Keyspace, found: Guard) -> Result<ControlFlow<()>, ReadError> {
        if self.is_full() {
            return Ok(ControlFlow::Break(()));
        }
        let (number, value) = event(segment, found)?;
        if Record::read(number, &value).is_err() {
            return Err(ReadError::malformed(segment));
        }
        Ok(self.push(number, value))
    }

    /// Whether the next event may be read whatever its size.
    fn is_free(&self) -> bool {
        self.one && self.events.is_empty()
    }

    fn is_full(&self) -> bool {
        !self.is_free() && self.events.len() >= self.amount.events
    }

    /// Adds an event whose record can be parsed, if it follows and there is room.
    fn push(&mut self, number: u64, value: Slice) -> ControlFlow<()> {
        let follows = self.events.last().is_none_or(|(last, _)| last.wrapping_add(self.step) == number);
        if self.is_full() || !follows || (!self.is_free() && value.len() > self.amount.bytes) {
            return ControlFlow::Break(());
        }
        self.amount.bytes = self.amount.bytes.saturating_sub(value.len());
        self.events.push((number, value));
        ControlFlow::Continue(())
    }

    fn stored(&self) -> Vec<Stored> {
        let records: Vec<_> = self.events.iter().map(|(number, value)| parsed(*number, value)).collect();
        // The events of a batch have one stamp.
        let batches = records.chunk_by(|one, next| one.place.stamp == next.place.stamp);
        let stored = batches.flat_map(|batch| {
            let events = batch.iter().map(|record| (record.given.map(Arc::from), record.bytes));
            Stored::batch(batch[0].place, events)
        });
        stored.collect()
    }
}
