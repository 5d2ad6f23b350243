//! Replay log of the events that were sent, by ID.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use crate::EncodeError;
use crate::Instant;

/// A replay log: the latest events of a stream, bounded by count, bytes and age.
///
/// **Every reader is a [`Cursor`], a number that costs the log nothing. A reader that is too slow
/// learns how many events it missed; it uses no memory and does not slow other readers.** `T` is an
/// encoded event that is cheap to share, such as `bytes::Bytes` or `Arc<str>`.
///
/// ```text
///            oldest()                          end()
///               ▼                                ▼
///   evicted │ 18 │ 19 │ 20 │ 21 │ 22 │ 23 │ 24 │ (next)
///      ▲                ▲
///  read → Gap        after("e-19") → Cursor
/// ```
///
/// The application may give events IDs. A log made with [`with_epoch`](Self::with_epoch) gives an
/// ID to each event without one: see [`next_id`](Self::next_id). Finding an ID that the log gave
/// takes constant time; an ID that the application gave takes logarithmic time.
///
/// # Example
///
/// ```
/// use sse_proto::{EventBuilder, History, HistoryLimits, Instant};
///
/// let mut history = History::with_epoch(HistoryLimits::default(), "boot7")?;
/// for data in ["a", "b", "c"] {
///     let event = EventBuilder::new().id(&history.next_id().unwrap())?.data(data).encode();
///     history.append(Instant::ZERO, None, event);
/// }
/// let mut cursor = history.after("boot7-2").expect("kept");
/// assert_eq!(history.read(&mut cursor), Ok(Some(&"data: c\nid: boot7-3\n\n".to_string())));
/// assert_eq!(history.read(&mut cursor), Ok(None));
/// assert!(history.after("boot6-2").is_err(), "before the restart: there is a gap");
/// # Ok::<(), sse_proto::EncodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct History<T> {
    limits: HistoryLimits,
    epoch: Option<String>,
    entries: VecDeque<Entry<T>>,
    /// Position of `entries[0]`, which is the number of events evicted before it.
    first: u64,
    bytes: usize,
    /// Positions of the events whose IDs the application gave.
    ids: BTreeMap<Box<str>, Holders>,
}

/// The events that share one ID, given by the application.
#[derive(Clone, Copy, Debug)]
struct Holders {
    /// Position of the first event, which may be evicted while a later one is kept.
    first: u64,
    kept: usize,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    appended: Instant,
    id: Option<Box<str>>,
    item: T,
}

impl<T: AsRef<[u8]>> Entry<T> {
    fn bytes(&self) -> usize {
        self.item.as_ref().len() + self.id.as_ref().map_or(0, |id| id.len())
    }
}

/// How much a [`History`] keeps. When any limit is exceeded, the oldest events are evicted.
///
/// # Example
///
/// ```
/// use sse_proto::HistoryLimits;
///
/// let limits = HistoryLimits::default().with_events(100);
/// assert_eq!((limits.events, limits.bytes), (100, 4 << 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryLimits {
    /// How many events are kept; 4,096 by default.
    pub events: usize,
    /// How many bytes of events and of the application's IDs are kept; 4 MiB by default.
    pub bytes: usize,
    /// For how long events are kept; one hour by default.
    pub age: Duration,
}

impl HistoryLimits {
    /// The default limits: 4,096 events, 4 MiB, one hour.
    pub const fn new() -> Self {
        Self { events: 4096, bytes: 4 << 20, age: Duration::from_secs(3600) }
    }

    /// Sets how many events are kept.
    #[must_use]
    pub const fn with_events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    /// Sets how many bytes of events and the application's IDs are kept.
    #[must_use]
    pub const fn with_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets for how long events are kept.
    #[must_use]
    pub const fn with_age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }
}

impl Default for HistoryLimits {
    fn default() -> Self {
        Self::new()
    }
}

/// A place between two events of the [`History`] that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(u64);

impl Cursor {
    /// The place after the first `position` events, which the log kept, evicted or
    /// [skipped](History::skip_to).
    pub const fn at(position: u64) -> Self {
        Self(position)
    }

    /// How many events come before the cursor, evicted and skipped ones included.
    pub const fn position(self) -> u64 {
        self.0
    }
}

/// Events are missing: they were evicted, or the log never held them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// The number of missing events; `None` if unknown.
    pub missed: Option<u64>,
}

impl Gap {
    /// A gap of unknown size.
    pub const UNKNOWN: Self = Self { missed: None };

    /// A gap of `missed` events.
    pub const fn of(missed: u64) -> Self {
        Self { missed: Some(missed) }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.missed {
            Some(missed) => write!(f, "{missed} events are no longer kept: fetch the current state again"),
            None => f.write_str("the last event ID is not known: fetch the current state again"),
        }
    }
}

impl core::error::Error for Gap {}

impl<T: AsRef<[u8]>> History<T> {
    /// Creates an empty log that gives no IDs: its events have the application's IDs, or none.
    pub const fn new(limits: HistoryLimits) -> Self {
        Self { limits, epoch: None, entries: VecDeque::new(), first: 0, bytes: 0, ids: BTreeMap::new() }
    }

    /// Creates an empty log that gives IDs: `epoch`, a hyphen, and a number that counts from 1.
    ///
    /// The epoch makes IDs unique across restarts, so each log needs its own: the time of the
    /// start, or random bits.
    ///
    /// # Errors
    ///
    /// If `epoch` contains CR, LF or NUL, which an ID must not contain.
    pub fn with_epoch(limits: HistoryLimits, epoch: impl Into<String>) -> Result<Self, EncodeError> {
        let epoch = epoch.into();
        EncodeError::check("id", &epoch, &['\r', '\n', '\0'])?;
        Ok(Self { epoch: Some(epoch), ..Self::new(limits) })
    }

    /// The ID of the next event to be appended, to be encoded into that event; `None` in a log
    /// without an epoch.
    pub fn next_id(&self) -> Option<String> {
        self.epoch.as_ref().map(|epoch| format!("{epoch}-{}", self.end().0 + 1))
    }

    /// Appends an event, then evicts the oldest events until the limits are met.
    ///
    /// `id` is the ID that the application gave the event; with `None` or an empty ID, the event
    /// has the log's [`next_id`](Self::next_id), if any. The application's IDs should be unique. If
    /// several events have one ID, [`after`](Self::after) resumes after the first of them as long
    /// as any is kept, so that no event is skipped. This also holds if the log itself gave one of
    /// them that ID.
    ///
    /// The new event is kept whatever its size, so readers that keep up miss nothing.
    pub fn append(&mut self, now: Instant, id: Option<&str>, item: T) {
        let id = id.filter(|id| !id.is_empty());
        if let Some(id) = id {
            let first = self.end().0;
            self.ids.entry(id.into()).or_insert(Holders { first, kept: 0 }).kept += 1;
        }
        let entry = Entry { appended: now, id: id.map(Into::into), item };
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        while self.entries.len() > 1
            && (self.entries.len() > self.limits.events || self.bytes > self.limits.bytes)
        {
            self.evict_first();
        }
        self.expire(now);
    }

    /// Evicts the events before `position`. If `position` lies after the [`end`](Self::end), the
    /// next appended event gets that position: for a log that continues another one.
    pub fn skip_to(&mut self, position: u64) {
        while self.first < position && !self.entries.is_empty() {
            self.evict_first();
        }
        self.first = self.first.max(position);
    }

    /// Evicts events that are older than the age limit. [`append`](Self::append) does so as well; a
    /// log with rare events needs a call at [`next_expiry`](Self::next_expiry).
    pub fn expire(&mut self, now: Instant) {
        while self.next_expiry().is_some_and(|expiry| expiry < now) {
            self.evict_first();
        }
    }

    /// The last instant at which the oldest event is kept; `None` if no event is kept.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.entries.front().map(|entry| entry.appended + self.limits.age)
    }

    /// The last instant at which the newest event is kept; `None` if no event is kept.
    pub fn last_expiry(&self) -> Option<Instant> {
        self.entries.back().map(|entry| entry.appended + self.limits.age)
    }

    fn evict_first(&mut self) {
        let Some(entry) = self.entries.pop_front() else { return };
        self.bytes -= entry.bytes();
        if let Some(id) = entry.id
            && let Some(holders) = self.ids.get_mut(&id)
        {
            holders.kept -= 1;
            if holders.kept == 0 {
                self.ids.remove(&id);
            }
        }
        self.first += 1;
    }

    /// The place where a client resumes after it has received everything up to and including
    /// `last_event_id`.
    ///
    /// # Errors
    ///
    /// A [`Gap`] if events after the ID were evicted, or if the log does not know the ID: it was
    /// evicted, belongs to another epoch, or never existed. The caller then resumes at
    /// [`oldest`](Self::oldest) or [`end`](Self::end), and reports the gap.
    pub fn after(&self, last_event_id: &str) -> Result<Cursor, Gap> {
        let given = self.ids.get(last_event_id).map(|holders| holders.first + 1);
        let own = self.own_position(last_event_id);
        // An application can give an ID twice, or an ID that the log gave: the client may mean
        // either event, and must not miss one.
        let position = [given, own].into_iter().flatten().min().ok_or(Gap { missed: None })?;
        if position < self.first {
            // Which of the application's events with this ID the client had cannot be known.
            return Err(Gap { missed: (own == Some(position)).then(|| self.first - position) });
        }
        Ok(Cursor(position))
    }

    /// The position after the event with this ID, if the ID has the form that the log gives.
    fn own_position(&self, id: &str) -> Option<u64> {
        let number = id.strip_prefix(self.epoch.as_deref()?)?.strip_prefix('-')?;
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        number.parse().ok().filter(|position| digits && *position <= self.end().0)
    }

    /// The ID after which a client resumes at `cursor`; `None` in a log without an epoch if the
    /// event before the cursor has no ID or was evicted.
    ///
    /// Sent in an event without data, this ID lets a client resume that has not received any event
    /// yet.
    pub fn id_before(&self, cursor: Cursor) -> Option<String> {
        let previous =
            cursor.0.checked_sub(self.first + 1).and_then(|at| self.entries.get(usize::try_from(at).ok()?));
        match (previous, &self.epoch) {
            (Some(Entry { id: Some(id), .. }), _) => Some(str::to_owned(id)),
            (_, Some(epoch)) => Some(format!("{epoch}-{}", cursor.0)),
            (_, None) => None,
        }
    }

    /// The place before the oldest event that is kept.
    pub fn oldest(&self) -> Cursor {
        Cursor(self.first)
    }

    /// The place after the newest event: only events appended from now on follow.
    pub fn end(&self) -> Cursor {
        Cursor(self.first + self.entries.len() as u64)
    }

    /// The event at the cursor, which then moves past it; `None` at the end of the log.
    ///
    /// A cursor is `Copy`: to look ahead, read with a copy.
    ///
    /// # Errors
    ///
    /// A [`Gap`] if the event was evicted; the cursor moves to the oldest event, so that the next
    /// call reads on.
    pub fn read(&self, cursor: &mut Cursor) -> Result<Option<&T>, Gap> {
        let Some(ahead) = cursor.0.checked_sub(self.first) else {
            let missed = self.first - cursor.0;
            *cursor = self.oldest();
            return Err(Gap { missed: Some(missed) });
        };
        let entry = usize::try_from(ahead).ok().and_then(|ahead| self.entries.get(ahead));
        cursor.0 += u64::from(entry.is_some());
        Ok(entry.map(|entry| &entry.item))
    }

    /// How many events lie between the cursor and the end, evicted ones included.
    pub fn lag(&self, cursor: Cursor) -> u64 {
        self.end().0.saturating_sub(cursor.0)
    }

    /// How many events are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no event is kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many bytes are kept, of events and of the application's IDs.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
