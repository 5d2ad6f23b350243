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

mod stage;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fjall::OwnedWriteBatch;
use tokio::sync::{mpsc, oneshot};

use super::damage::{Damage, ReadError};
use super::delivery::{Answer, Deliverer, Delivery, News};
use super::engine::{CommitError, Engine, OVERHEAD};
use super::keys::{self, TopicId, TopicRecord};
use super::time::Time;
use super::view::Mark;
use crate::Place;
use crate::log::{AppendError, Batch};
use stage::{Changed, Group};

/// The size from which nothing is added to a group, in bytes: its publishers have waited long
/// enough.
const GROUP: u64 = 4 << 20;

/// For how many topics the last place is held in memory, to append to them without a read.
const PLACES: usize = 16_384;

/// When publishers retry if tables are written too slowly: one table takes less time.
const SOON: Duration = Duration::from_secs(1);

/// `Retry-After` for a full disk, or a failed engine: mending that takes a while.
pub(super) const LATER: Duration = Duration::from_secs(10);

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
    pub(super) time: Time,
    pub(super) damage: Damage,
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
    /// Whether the topic was ended, and not published to since.
    ended: bool,
}

impl Writer {
    pub(super) fn new(engine: Engine, queue: mpsc::Receiver<Command>, shared: Shared) -> Self {
        Self { engine, queue, shared, topics: HashMap::new(), broken: None }
    }

    /// Runs until the command to close arrives, or all senders are dropped.
    pub(super) fn run(mut self) {
        // The files may be damaged in any way, and the engine does not promise an error instead of
        // a panic.
        let closed = catch_unwind(AssertUnwindSafe(|| self.work())).unwrap_or_else(|_| {
            self.set_state(State::Broken("the storage engine failed".to_owned()));
            None
        });
        self.shared.deliverer.stop();
        self.engine.close();
        // Dropped together with the lock of the directory.
        drop(self.engine);
        // The caller may not be waiting.
        closed.map(|closed| closed.send(()));
    }

    /// Carries out commands; returns where to report that the log is closed.
    fn work(&mut self) -> Option<oneshot::Sender<()>> {
        let mut next = self.queue.blocking_recv();
        while let Some(command) = next.take() {
            match command {
                Command::Append(append) => next = self.append(append),
                Command::End { topic, lasting, answer } => drop(answer.send(self.end(&topic, lasting))),
                Command::Close(answer) => return Some(answer),
            }
            next = next.or_else(|| self.queue.blocking_recv());
        }
        None
    }

    /// Commits this append and all waiting ones; returns the first command of another kind.
    fn append(&mut self, append: Append) -> Option<Command> {
        if let Some(broken) = &self.broken {
            append.answer.send(Err(AppendError::Broken(broken.clone())));
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
        if record.as_ref().is_some_and(|record| self.shared.time.refused_for(record).is_some()) {
            return Ok(false);
        }
        let newest =
            record.as_ref().map(|record| view.newest_place(record)).transpose().map_err(unreadable)?;
        let is_empty =
            newest.as_ref().map(|newest| newest.place) == record.as_ref().map(|record| record.place);
        if is_empty && !self.shared.deliverer.followed().has(topic) {
            return Ok(false);
        }
        let mut batch = view.database.batch();
        if let Some(record) = &record {
            batch.remove(&view.topics, keys::name(record.id));
        }
        let clock = self.engine.clock_mut();
        let Mark { place, given } =
            newest.unwrap_or_else(|| Mark { place: Place::new(clock.stamp, 0), given: None });
        let ended = Some(self.shared.time.end(lasting));
        let record = TopicRecord { id: clock.next_topic, place, ended, given };
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
        let committed = self.commit_batch(group.batch, group.bytes);
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

    /// Commits a batch, and drops it in any case: it holds the engine, which may be reopened next.
    fn commit_batch(&mut self, batch: OwnedWriteBatch, bytes: u64) -> Result<(), AppendError> {
        if batch.is_empty() {
            return Ok(());
        }
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
        match self.engine.maintain() {
            // They may be among the known topics, and need a new record for their next events.
            Ok(true) => self.topics.clear(),
            Err(CommitError::Broken(why)) => {
                self.broken = Some(why.clone());
                self.set_state(State::Broken(why));
            }
            _ => {}
        }
    }

    fn set_state(&self, state: State) {
        *self.shared.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// The error for an unreadable part of the log; other parts may be readable.
fn unreadable(error: ReadError) -> AppendError {
    match error {
        ReadError::Damaged { .. } => AppendError::Broken(error.to_string()),
        ReadError::Engine(_) => AppendError::Unavailable { retry_after: SOON },
    }
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
