//! Staging: decides what each append of a group does, and adds its events to the batch that the
//! group commits.

use std::collections::{HashMap, HashSet};

use fjall::OwnedWriteBatch;

use super::{Append, Known, Writer, size, unreadable};
use crate::Place;
use crate::disk::damage::ReadError;
use crate::disk::delivery::Answer;
use crate::disk::engine::OVERHEAD;
use crate::disk::keys::{self, Once, Record, TopicId, TopicRecord};
use crate::log::{AppendError, Appended, Batch, Key};

/// The longest idempotency key, in bytes.
const KEY: usize = 128;

/// The longest name of a topic, in bytes; the engine's keys have at most 64 KiB.
const NAME: usize = 32 << 10;

/// Appends that are committed together.
pub(super) struct Group {
    pub(super) batch: OwnedWriteBatch,
    pub(super) bytes: u64,
    pub(super) topics: HashMap<Box<str>, Changed>,
    once: HashMap<(TopicId, Box<[u8]>), Once>,
    /// Keys of the application's IDs in the group.
    given: HashSet<Vec<u8>>,
    pub(super) answers: Vec<(Answer, Appended)>,
}

/// A topic that a group appends to.
pub(super) struct Changed {
    pub(super) known: Known,
    pub(super) batches: Vec<(Place, Batch)>,
}

/// The steps of one append.
enum Plan {
    New(Option<Known>),
    Repeat(Place),
}

impl Group {
    pub(super) fn new(batch: OwnedWriteBatch) -> Self {
        Self {
            batch,
            bytes: 0,
            topics: HashMap::new(),
            once: HashMap::new(),
            given: HashSet::new(),
            answers: Vec::new(),
        }
    }
}

impl Writer {
    /// Adds an append to the group, or answers it at once.
    pub(super) fn stage(&mut self, append: Append, group: &mut Group) {
        let Append { topic, batch, answer } = append;
        let appended = match self.plan(&topic, &batch, group) {
            Ok(Plan::Repeat(first)) => Appended::before(first),
            Ok(Plan::New(known)) => Appended::now(self.write(topic, known, batch, group)),
            Err(error) => return answer.send(Err(error)),
        };
        group.answers.push((answer, appended));
    }

    /// Decides how to carry out an append, without writing.
    fn plan(&self, topic: &str, batch: &Batch, group: &Group) -> Result<Plan, AppendError> {
        if batch.key.as_ref().is_some_and(|key| !(1..=KEY).contains(&key.bytes.len())) {
            return Err(AppendError::BadKey);
        }
        let limit = self.engine.batch_limit();
        if size(batch) > limit || topic.len() > NAME {
            let bytes = usize::try_from(limit).unwrap_or(usize::MAX);
            return Err(AppendError::TooLarge { events: usize::MAX, bytes });
        }
        let known = self.known(topic, group)?;
        if let (Some(Key { bytes, digest, .. }), Some(known)) = (&batch.key, known)
            && let Some(once) = self.once(known.id, bytes, group).map_err(unreadable)?
        {
            return if once.digest == *digest {
                Ok(Plan::Repeat(once.first))
            } else {
                Err(AppendError::KeyReused)
            };
        }
        Ok(Plan::New(known))
    }

    /// The state of a topic, from this group, the memory or the disk; `None` if the topic is new.
    fn known(&self, name: &str, group: &Group) -> Result<Option<Known>, AppendError> {
        if let Some(changed) = group.topics.get(name) {
            return Ok(Some(changed.known));
        }
        if let Some(known) = self.topics.get(name) {
            return Ok(Some(*known));
        }
        let view = self.engine.view();
        let Some(record) = view.record(name).map_err(unreadable)? else { return Ok(None) };
        if self.shared.time.refused_for(&record).is_some() {
            return Err(AppendError::Ended);
        }
        let last = view.newest_place(&record).map_err(unreadable)?.place;
        Ok(Some(Known { id: record.id, last, ended: record.ended.is_some() }))
    }

    fn once(&self, id: TopicId, key: &[u8], group: &Group) -> Result<Option<Once>, ReadError> {
        if group.once.is_empty() {
            return self.engine.view().once(id, key);
        }
        match group.once.get(&(id, key.into())) {
            Some(once) => Ok(Some(*once)),
            None => self.engine.view().once(id, key),
        }
    }

    /// Adds events to the batch, and their topic if it is new; returns the place of the first
    /// event.
    fn write(&mut self, topic: Box<str>, known: Option<Known>, batch: Batch, group: &mut Group) -> Place {
        let clock = self.engine.clock_mut();
        clock.stamp = self.shared.time.now().max(clock.stamp + 1);
        let stamp = clock.stamp;
        let known = match known {
            Some(known) if !known.ended => known,
            known => self.create(&topic, known, group),
        };
        let first = Place::new(stamp, known.last.number + 1);
        let segment = self.engine.active_segment();
        group.bytes += size(&batch);
        if let Some(Key { bytes, digest, .. }) = &batch.key {
            let once = Once { first, digest: *digest };
            group.batch.insert(segment, keys::once(known.id, bytes), once.write());
            group.once.insert((known.id, bytes.clone()), once);
        }
        for (at, event) in batch.events.iter().enumerate() {
            let place = first.plus(at as u64);
            if let Some(given) = &event.id {
                self.index(known.id, given, place.number, group);
            }
            let record = Record { place, given: event.id.as_deref(), bytes: &event.bytes };
            group.batch.insert(segment, keys::event(known.id, place.number), record.write());
        }
        let last = Place::new(stamp, known.last.number + batch.events.len() as u64);
        let changed = group.topics.entry(topic).or_insert(Changed { known, batches: Vec::new() });
        changed.known.last = last;
        changed.batches.push((first, batch));
        first
    }

    /// Adds the record of a topic to the batch: of a new one, or of one that was ended.
    fn create(&mut self, topic: &str, ended: Option<Known>, group: &mut Group) -> Known {
        let clock = self.engine.clock_mut();
        let new = || {
            let known = Known { id: clock.next_topic, last: Place::new(clock.stamp, 0), ended: false };
            clock.next_topic += 1;
            known
        };
        let known = Known { ended: false, ..ended.unwrap_or_else(new) };
        let topics = &self.engine.view().topics;
        let record = TopicRecord { id: known.id, place: known.last, ended: None, given: None };
        group.batch.insert(topics, keys::topic(topic.as_bytes()), record.write());
        group.batch.insert(topics, keys::name(known.id), topic.as_bytes());
        group.bytes += 2 * (topic.len() as u64 + OVERHEAD);
        known
    }

    /// Indexes an event by the application's ID, unless an earlier event has that ID: resuming
    /// after the earlier one skips nothing, whichever the client had received.
    fn index(&self, id: TopicId, given: &str, number: u64, group: &mut Group) {
        let key = keys::given_id(id, given);
        let segment = self.engine.active_segment();
        // An unreadable entry is written again; at worst the later event is found.
        if !group.given.contains(&key) && !segment.contains_key(&key).unwrap_or(false) {
            group.batch.insert(segment, key.clone(), keys::write_number(number));
            group.given.insert(key);
        }
    }
}
