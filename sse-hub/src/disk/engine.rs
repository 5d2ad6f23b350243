//! Storage engine and its segments: opening, committing, dropping the oldest events.
//!
//! ```text
//!   dropped │ s0041  s0042  …  s0055 │ s0056 ◄─ commit      a segment: a sixteenth of what may be kept
//!           └──────── sealed ────────┴─ active
//! ```
//!
//! Events are never deleted one by one: a whole segment is dropped, which needs neither a write for
//! each event nor a compaction. Idempotency keys are in the segment of their events, and are
//! dropped with them.

mod opening;

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use fjall::{Keyspace, OwnedWriteBatch, PersistMode};

use super::damage::{Damage, ReadError};
use super::directory::Directory;
use super::keys::{self, Clock, Malformed, TopicRecord};
use super::view::View;
use super::{DiskConfig, DiskError, journal};
use opening::{count, create_segment, explain, journal_bytes, open, segment_number, size};

/// Bytes reserved for files that the engine writes besides events: manifests, directories.
const RESERVE: u64 = 256 << 10;

/// The size of a key and its bookkeeping, beside the value, in bytes.
pub(super) const OVERHEAD: u64 = 48;

/// How many places are removed at a time; the next time comes with the next segment.
const FORGET: usize = 65_536;

/// The size of a log, in bytes, from which on the engine may drop its journals by itself, in steps
/// of 64 MB.
const COARSE: u64 = 1 << 30;

/// The keyspaces that readers use (none while the engine is reopened or closed), and the clock of
/// the last commit.
pub(super) struct Views {
    view: RwLock<Option<View>>,
    clock: Mutex<Clock>,
}

impl Views {
    /// Calls `read` with the keyspaces, which do not change until it returns; `None` if there are
    /// none.
    pub(super) fn read<T>(&self, read: impl FnOnce(&View, Clock) -> T) -> Option<T> {
        let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
        let clock = *self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        Some(read(view.as_ref()?, clock))
    }

    fn set(&self, view: Option<View>) {
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
    }
}

/// The writing half of the store; one thread owns it.
pub(super) struct Engine {
    directory: Directory,
    damage: Damage,
    views: Arc<Views>,
    view: Option<View>,
    clock: Clock,
    sizes: Sizes,
    /// The number of topics without events whose place is remembered.
    positions: usize,
    positions_limit: usize,
    /// Whether topics were forgotten since the last [`maintain`](Self::maintain).
    forgot: bool,
    next_segment: u64,
    /// The number of bytes written to the active segment.
    active: u64,
    /// The number of bytes in the journals: at least as much as is in no table yet.
    journal: u64,
    /// The size of the tables of the topics' records, when the active segment was begun.
    records: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sizes {
    total: u64,
    segment: u64,
}

impl Sizes {
    fn new(total: u64) -> Self {
        Self { total, segment: total / 16 }
    }

    /// How many bytes of events are held in memory until they are written as a table.
    fn memtable(self) -> u64 {
        self.segment.min(32 << 20)
    }

    /// How many bytes the sealed segments may take, so that the active segment and the journals fit
    /// beside them.
    fn sealed(self) -> u64 {
        self.total - self.segment - if self.total < COARSE { 0 } else { 64 << 20 }
    }
}

/// Why a commit failed.
#[derive(Debug)]
pub(super) enum CommitError {
    /// The disk is full: the commit needs this many free bytes. Nothing was written.
    Full { needed: u64 },
    /// The engine writes its tables more slowly than events arrive. Nothing was written.
    Behind,
    /// A write failed, and an unknown part of it is on the disk. Nothing more is written until a
    /// restart.
    Broken(String),
}

impl From<fjall::Error> for CommitError {
    fn from(error: fjall::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<ReadError> for CommitError {
    fn from(error: ReadError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl Engine {
    /// Opens the log in a directory; `now` is in microseconds since 1970.
    pub(super) fn open(directory: Directory, config: &DiskConfig, now: u64) -> Result<Self, DiskError> {
        let sizes = Sizes::new(config.bytes);
        let path = directory.engine();
        let damage = Damage::default();
        let view = open(&path, sizes, &damage)?;
        directory.sync()?;
        let clock = view.topics.get(keys::CLOCK).map_err(|error| explain(&path, error))?;
        let clock = clock.map_or(Ok(Clock::default()), |clock| Clock::read(&clock));
        let mut clock = clock.map_err(|Malformed| DiskError::corrupt(&path, "a record is malformed"))?;
        // Numbers may be given again, if what had them was lost: not under the same stamp.
        clock.stamp = now.max(clock.stamp.saturating_add(1));
        let positions = count(&view.topics, keys::WITHOUT_EVENTS).map_err(|error| explain(&path, error))?;
        let newest = view.segments.last().and_then(|segment| segment_number(segment.name()));
        let mut engine = Self {
            views: Arc::new(Views { view: RwLock::new(Some(view.clone())), clock: Mutex::new(clock) }),
            clock,
            sizes,
            positions,
            positions_limit: config.positions,
            forgot: false,
            next_segment: newest.map_or(0, |newest| newest + 1),
            journal: journal_bytes(&path),
            records: size(view.topics.path()),
            active: 0,
            view: Some(view),
            directory,
            damage,
        };
        engine.active = size(engine.active_segment().path()) + engine.journal;
        engine.make_room().map_err(|error| match error {
            CommitError::Broken(what) => DiskError::corrupt(&path, what),
            CommitError::Full { .. } | CommitError::Behind => {
                DiskError::io(&path, ErrorKind::StorageFull.into())
            }
        })?;
        Ok(engine)
    }

    pub(super) fn views(&self) -> &Arc<Views> {
        &self.views
    }

    pub(super) fn view(&self) -> &View {
        self.view.as_ref().expect("it is only taken by what puts another in its place, or fails for good")
    }

    pub(super) fn active_segment(&self) -> &Keyspace {
        self.view().segments.last().expect("a view has a segment at least")
    }

    pub(super) fn damage(&self) -> &Damage {
        &self.damage
    }

    pub(super) fn clock_mut(&mut self) -> &mut Clock {
        &mut self.clock
    }

    /// The largest batch that fits, in bytes.
    pub(super) fn batch_limit(&self) -> u64 {
        self.sizes.segment / 2
    }

    /// Writes a batch to the disk, all of it or nothing; `bytes` is the size of its keys and
    /// values.
    ///
    /// After [`CommitError::Broken`] every further commit fails: it is unknown which part of the
    /// failed write is on the disk, and a second `fsync` would succeed without having written it.
    pub(super) fn commit(&mut self, mut batch: OwnedWriteBatch, bytes: u64) -> Result<(), CommitError> {
        self.check_room(bytes)?;
        // With as many as four the engine would hold this thread until they are written, and for
        // ever if that failed.
        if self.active_segment().sealed_memtable_count() > 2 || self.view().topics.sealed_memtable_count() > 2
        {
            return Err(CommitError::Behind);
        }
        batch.insert(&self.view().topics, keys::CLOCK, self.clock.write());
        batch.durability(Some(PersistMode::SyncData)).commit()?;
        self.active += bytes;
        self.journal += bytes;
        self.publish_clock();
        Ok(())
    }

    /// Returns an error if there is no room to commit `bytes`.
    fn check_room(&self, bytes: u64) -> Result<(), CommitError> {
        // The content of the journal also still has to be written as a table, and the engine may be
        // merging the tables of the topics' records.
        let needed = self.journal + 2 * bytes + self.records + RESERVE;
        if self.directory.free() < needed { Err(CommitError::Full { needed }) } else { Ok(()) }
    }

    /// Begins a new segment if the active one is full, and drops the oldest segments if there are
    /// too many. Returns whether topics were forgotten.
    pub(super) fn maintain(&mut self) -> Result<bool, CommitError> {
        // Without room the active segment goes on beyond its size, until there is.
        if self.active < self.sizes.segment || self.check_room(0).is_err() {
            return Ok(false);
        }
        self.active_segment().rotate_memtable()?;
        self.view().topics.rotate_memtable()?;
        let segment = create_segment(&self.view().database, self.next_segment, self.sizes)?;
        self.next_segment += 1;
        self.active = 0;
        let mut view = self.view().clone();
        view.segments.push(segment);
        self.publish(view);
        self.make_room()?;
        if self.sizes.total < COARSE && self.check_room(0).is_ok() {
            self.empty_journal()?;
        }
        self.journal = journal_bytes(&self.directory.engine());
        self.records = size(self.view().topics.path());
        Ok(std::mem::take(&mut self.forgot))
    }

    /// Closes the engine. Everything that was committed is on the disk.
    pub(super) fn close(&mut self) {
        self.views.set(None);
        self.view = None;
    }

    fn publish(&mut self, view: View) {
        self.views.set(Some(view.clone()));
        self.view = Some(view);
    }

    fn publish_clock(&self) {
        *self.views.clock.lock().unwrap_or_else(PoisonError::into_inner) = self.clock;
    }

    /// Counts one more topic without events whose place was committed.
    pub(super) fn remember_place(&mut self) {
        self.positions += 1;
    }

    /// Drops the oldest segments while there are too many, and while the disk has room for the
    /// places of their topics.
    fn make_room(&mut self) -> Result<(), CommitError> {
        while self.view().segments.len() > 1 {
            let view = self.view();
            let (active, sealed) = view.segments.split_last().expect("there is more than one");
            let on_disk = |segment: &Keyspace| {
                // What is about to be written as a table counts already.
                if segment.sealed_memtable_count() > 0 { self.sizes.segment } else { size(segment.path()) }
            };
            let used =
                sealed.iter().map(on_disk).sum::<u64>() + size(view.topics.path()) + size(active.path());
            if used <= self.sizes.sealed() {
                break;
            }
            match self.drop_oldest() {
                Err(CommitError::Full { .. }) => break,
                dropped => dropped?,
            }
        }
        Ok(())
    }

    /// Drops the oldest segment, and stores the last place of each of its topics.
    fn drop_oldest(&mut self) -> Result<(), CommitError> {
        let mut view = self.view().clone();
        let oldest = view.segments.remove(0);
        let mut batch = view.database.batch();
        let (mut emptied, mut bytes) = (0, 0);
        for (id, newest) in View::newest_of_topics(&oldest) {
            // A topic that was ended has another number.
            let Some(name) = view.topics.get(keys::name(id))? else { continue };
            let record = TopicRecord { id, place: newest.place, ended: None, given: newest.given };
            let record_bytes = record.write();
            bytes += (2 * OVERHEAD as usize + name.len() + record_bytes.len()) as u64;
            batch.insert(&view.topics, keys::topic(&name), record_bytes);
            // A topic whose newest event cannot be read has one.
            if view.last(id).is_ok_and(|last| last.is_none()) {
                batch.insert(&view.topics, keys::without_events(record.place.stamp, id), b"");
                emptied += 1;
            }
        }
        self.check_room(bytes)?;
        // Before the segment goes: a crash in between leaves both, and events know better than
        // records.
        batch.durability(Some(PersistMode::SyncData)).commit()?;
        self.journal += bytes;
        self.positions += emptied;
        self.publish(view);
        self.view().database.delete_keyspace(oldest)?;
        self.forget_places()
    }

    /// Removes the oldest places, if more topics without events are remembered than allowed.
    fn forget_places(&mut self) -> Result<(), CommitError> {
        let excess = self.positions.saturating_sub(self.positions_limit).min(FORGET);
        if excess == 0 {
            return Ok(());
        }
        let view = self.view().clone();
        let mut batch = view.database.batch();
        for found in view.topics.prefix(keys::WITHOUT_EVENTS).take(excess) {
            let key = found.key()?;
            batch.remove(&view.topics, key.clone());
            let (stamp, id) =
                keys::read_without_events(&key).ok_or_else(|| ReadError::malformed(&view.topics))?;
            let Some(name) = view.topics.get(keys::name(id))? else { continue };
            let record = keys::topic(&name);
            let Some(topic) = view.topics.get(&record)? else { continue };
            let topic = view.read_record(&topic)?;
            // The topic may have new events since, or be another topic with that name.
            let is_empty = || view.last(id).is_ok_and(|last| last.is_none());
            if topic.id == id && topic.place.stamp == stamp && is_empty() {
                batch.remove(&view.topics, record);
                batch.remove(&view.topics, keys::name(id));
                self.clock.forgotten = self.clock.forgotten.max(topic.place.stamp);
                self.forgot = true;
            }
        }
        batch.insert(&view.topics, keys::CLOCK, self.clock.write());
        batch.durability(Some(PersistMode::SyncData)).commit()?;
        self.positions -= excess;
        self.publish_clock();
        Ok(())
    }

    /// Writes all unwritten tables and empties the journal, which the engine would otherwise let
    /// grow to 64 MB.
    fn empty_journal(&mut self) -> Result<(), CommitError> {
        // The engine goes on with the highest number that it finds in a table of a keyspace: this
        // is higher than those of keyspaces that were created and removed.
        let view = self.view();
        view.topics.insert(keys::CLOCK, self.clock.write())?;
        for keyspace in view.segments.iter().chain([&view.topics]) {
            keyspace.rotate_memtable()?;
            while keyspace.sealed_memtable_count() > 0 {
                // Fails once a background thread of the engine failed, because the table would
                // never be written.
                view.database.persist(PersistMode::Buffer)?;
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        let path = self.directory.engine();
        self.close();
        journal::clear(&path).map_err(|error| CommitError::Broken(error.to_string()))?;
        let view =
            open(&path, self.sizes, &self.damage).map_err(|error| CommitError::Broken(error.to_string()))?;
        self.publish(view);
        Ok(())
    }
}
