//! Writing thread: takes all waiting appends as one group, commits the group with one `fsync`, then
//! answers.
//!
//! ```text
//!  append ─┐                  ┌───────── group ─────────┐
//!  append ─┼─► bounded queue ─► stage, stage, … , commit ─► followers, then answers ─► maintain ─┐
//!  end ────┘   (full: Busy)   └─────────────────────────┘                                        │
//!                   ▲────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! While one group is written, the next one gathers in the queue: the more publishers at a time,
//! the fewer writes for each.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fjall::OwnedWriteBatch;
use tokio::sync::{mpsc, oneshot};

use super::delivery::{Answer, Deliverer, Delivery, News};
use super::engine::{CommitError, Engine};
use super::keys::{self, Once, Record, TopicId, TopicRecord};
use super::view::{Mark, ReadError};
use crate::Place;
use crate::log::{AppendError, Appended, Batch, Key};

/// The size from which nothing is added to a group, in bytes: its publishers have waited long
/// enough.
const GROUP: u64 = 4 << 20;

/// For how many topics the last place is held in memory, to append to them without a read.
const PLACES: usize = 16_384;

/// The size of a key and its bookkeeping, beside the value, in bytes.
const OVERHEAD: u64 = 48;

/// The longest idempotency key, in bytes.
const KEY: usize = 128;

/// The longest name of a topic, in bytes; the engine's keys have at most 64 KiB.
const NAME: usize = 32 << 10;

/// When publishers retry if tables are written too slowly: one table takes less time.
const SOON: Duration = Duration::from_secs(1);

/// `Retry-After` for a full disk: freeing space takes a while.
const LATER: Duration = Duration::from_secs(10);

/// The clock of the system or of a test, in microseconds since 1970.
pub(super) type Now = Arc<dyn Fn() -> u64 + Send + Sync>;

pub(super) enum Command {
    Append(Append),
    End { topic: Box<str>, lasting: Duration, answer: oneshot::Sender<Result<bool, AppendError>> },
    Close(oneshot::Sender<()>),
}

pub(super) struct Append {
    pub(super) topic: Box<str>,
    pub(super) batch: Batch,
    pub(super) answer: Answer,
}

/// State that the writing thread shares with the log.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) deliverer: Deliverer,
    pub(super) state: Arc<Mutex<State>>,
    pub(super) now: Now,
}

/// Whether the log accepts appends, according to the last commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    /// The disk is full, until this many bytes are free.
    Full {
        needed: u64,
    },
    Broken(String),
}

pub(super) struct Writer {
    engine: Engine,
    queue: mpsc::Receiver<Command>,
    shared: Shared,
    /// The last places of the topics that were appended to recently.
    topics: HashMap<Box<str>, Known>,
    broken: Option<String>,
}

#[derive(Clone, Copy)]
struct Known {
    id: TopicId,
    last: Place,
}

/// Appends that are committed together.
struct Group {
    batch: OwnedWriteBatch,
    bytes: u64,
    topics: HashMap<Box<str>, Changed>,
    once: HashMap<(TopicId, Box<[u8]>), Once>,
    /// Keys of the application's IDs in the group.
    given: HashSet<Vec<u8>>,
    answers: Vec<(Answer, Appended)>,
}

/// A topic that a group appends to.
struct Changed {
    known: Known,
    batches: Vec<(Place, Batch)>,
}

/// The steps of one append.
enum Plan {
    New(Option<Known>),
    Repeat(Place),
}

impl Writer {
    pub(super) fn new(engine: Engine, queue: mpsc::Receiver<Command>, shared: Shared) -> Self {
        Self { engine, queue, shared, topics: HashMap::new(), broken: None }
    }

    /// Runs until the command to close arrives, or all senders are dropped.
    pub(super) fn run(mut self) {
        let mut next = self.queue.blocking_recv();
        let mut closed = None;
        while let Some(command) = next.take() {
            match command {
                Command::Append(append) => next = self.append(append),
                Command::End { topic, lasting, answer } => drop(answer.send(self.end(&topic, lasting))),
                Command::Close(answer) => {
                    closed = Some(answer);
                    break;
                }
            }
            next = next.or_else(|| self.queue.blocking_recv());
        }
        self.shared.deliverer.stop();
        self.engine.close();
        // With the lock of the directory.
        drop(self.engine);
        // The caller may not wait for it.
        closed.map(|closed| closed.send(()));
    }

    /// Commits this append and all waiting ones; returns the first command of another kind.
    fn append(&mut self, append: Append) -> Option<Command> {
        if let Some(broken) = &self.broken {
            drop(append.answer.send(Err(AppendError::Broken(broken.clone()))));
            return None;
        }
        let mut group = Group::new(self.engine.view().database.batch());
        let mut next = Some(Command::Append(append));
        while let Some(Command::Append(append)) = next {
            self.stage(append, &mut group);
            next = if group.bytes < GROUP { self.queue.try_recv().ok() } else { None };
        }
        self.commit(group);
        next
    }

    /// Adds an append to the group, or answers it at once.
    fn stage(&mut self, append: Append, group: &mut Group) {
        let Append { topic, batch, answer } = append;
        let appended = match self.plan(&topic, &batch, group) {
            Ok(Plan::Repeat(first)) => Appended::before(first),
            Ok(Plan::New(known)) => Appended::now(self.write(topic, known, batch, group)),
            // The caller may be gone.
            Err(error) => return drop(answer.send(Err(error))),
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
        if record.ended > (self.shared.now)() {
            return Err(AppendError::Ended);
        }
        let last = view.last(record.id).map_err(unreadable)?;
        Ok(Some(Known { id: record.id, last: last.map_or(record.place, |last| last.place) }))
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
        clock.stamp = (self.shared.now)().max(clock.stamp + 1);
        let stamp = clock.stamp;
        let known = known.unwrap_or_else(|| self.create(&topic, group));
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

    fn create(&mut self, topic: &str, group: &mut Group) -> Known {
        let clock = self.engine.clock_mut();
        let (id, last) = (clock.next_topic, Place::new(clock.stamp, 0));
        clock.next_topic += 1;
        let topics = &self.engine.view().topics;
        let record = TopicRecord { id, place: last, ended: 0, given: None };
        group.batch.insert(topics, keys::topic(topic.as_bytes()), record.write());
        group.batch.insert(topics, keys::name(id), topic.as_bytes());
        group.bytes += 2 * (topic.len() as u64 + OVERHEAD);
        Known { id, last }
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

    /// Ends a topic: its name is refused for the time `lasting`, and free afterwards. Returns
    /// whether the topic existed.
    ///
    /// Its events can no longer be found by the name, and are dropped with their segments.
    fn end(&mut self, topic: &str, lasting: Duration) -> Result<bool, AppendError> {
        if let Some(broken) = &self.broken {
            return Err(AppendError::Broken(broken.clone()));
        }
        let view = self.engine.view().clone();
        let record = view.record(topic).map_err(unreadable)?;
        if record.as_ref().is_some_and(|record| record.ended > (self.shared.now)()) {
            return Ok(false);
        }
        let newest =
            record.as_ref().map(|record| view.last(record.id)).transpose().map_err(unreadable)?.flatten();
        if newest.is_none() && !self.shared.deliverer.followed().has(topic) {
            return Ok(false);
        }
        let mut batch = view.database.batch();
        if let Some(record) = &record {
            batch.remove(&view.topics, keys::name(record.id));
        }
        let remembered = record.map(|record| Mark { place: record.place, given: record.given });
        let clock = self.engine.clock_mut();
        let never = Mark { place: Place::new(clock.stamp, 0), given: None };
        let last = newest.or(remembered).unwrap_or(never);
        let until = u64::try_from(lasting.as_micros()).unwrap_or(u64::MAX);
        let ended = (self.shared.now)().saturating_add(until);
        let record = TopicRecord { id: clock.next_topic, place: last.place, ended, given: last.given };
        clock.next_topic += 1;
        batch.insert(&view.topics, keys::topic(topic.as_bytes()), record.write());
        batch.insert(&view.topics, keys::name(record.id), topic.as_bytes());
        batch.insert(&view.topics, keys::without_events(record.place.stamp, record.id), b"");
        drop(view);
        self.commit_batch(batch, 4 * (topic.len() as u64 + OVERHEAD))?;
        self.engine.remember_place();
        self.topics.remove(topic);
        let news = vec![(topic.into(), News::Ended)];
        self.shared.deliverer.deliver(Delivery { news, answers: Vec::new() });
        Ok(true)
    }

    fn commit(&mut self, group: Group) {
        if group.answers.is_empty() {
            return;
        }
        let committed =
            if group.batch.is_empty() { Ok(()) } else { self.commit_batch(group.batch, group.bytes) };
        let mut delivery = Delivery::default();
        if committed.is_ok() {
            if self.topics.len() + group.topics.len() > PLACES {
                self.topics.clear();
            }
            for (topic, Changed { known, batches }) in group.topics {
                match self.topics.get_mut(&topic) {
                    Some(last) => *last = known,
                    None => drop(self.topics.insert(topic.clone(), known)),
                }
                delivery.news.push((topic, News::Appended(batches)));
            }
        }
        let answers = group.answers.into_iter();
        delivery.answers =
            answers.map(|(answer, appended)| (answer, committed.clone().map(|()| appended))).collect();
        self.shared.deliverer.deliver(delivery);
        if committed.is_ok() {
            self.maintain();
        }
    }

    fn commit_batch(&mut self, batch: OwnedWriteBatch, bytes: u64) -> Result<(), AppendError> {
        let (committed, state) = match self.engine.commit(batch, bytes) {
            Ok(()) => (Ok(()), State::Ready),
            Err(CommitError::Full { needed }) => {
                (Err(AppendError::Unavailable { retry_after: LATER }), State::Full { needed })
            }
            Err(CommitError::Behind) => (Err(AppendError::Busy { retry_after: SOON }), State::Ready),
            Err(CommitError::Broken(why)) => {
                self.broken = Some(why.clone());
                (Err(AppendError::Unknown { retry_after: LATER }), State::Broken(why))
            }
        };
        self.set_state(state);
        committed
    }

    /// Maintains the engine after the answers were sent, so that only later publishers wait for it.
    fn maintain(&mut self) {
        if let Err(CommitError::Broken(why)) = self.engine.maintain() {
            self.broken = Some(why.clone());
            self.set_state(State::Broken(why));
        }
    }

    fn set_state(&self, state: State) {
        *self.shared.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

impl Group {
    fn new(batch: OwnedWriteBatch) -> Self {
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

/// The error for an unreadable part of the log; other parts may be readable.
fn unreadable(error: ReadError) -> AppendError {
    AppendError::Broken(error.to_string())
}

/// The approximate size of a batch on the disk, in bytes.
pub(super) fn size(batch: &Batch) -> u64 {
    let key = batch.key.as_ref().map_or(0, |key| key.bytes.len() as u64 + 2 * OVERHEAD);
    let events = batch.events.iter().map(|event| {
        let given = event.id.as_ref().map_or(0, |id| id.len() as u64 + OVERHEAD);
        event.bytes.len() as u64 + given + OVERHEAD
    });
    key + events.sum::<u64>()
}
