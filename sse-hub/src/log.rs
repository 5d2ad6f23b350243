//! Interface of a hub's storage: an asynchronous log that keeps the events of all topics.

mod batch;
mod error;
mod feed;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use batch::{Batch, Key, NewEvent, Stored};
pub use error::{AppendError, LogError};
pub(crate) use feed::Feeds;
pub use feed::{Feed, Following, Update, Wake};

use crate::{Gap, Place};

/// What a method of a [`Log`] returns: a future that any runtime's thread may poll.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keeps the events of all topics of a [`Hub`](crate::Hub), in one order for all subscribers.
///
/// **The hub keeps the newest events of each used topic in memory and serves subscribers from
/// there. It calls the log to append, to open a topic, and to read events that are no longer in
/// memory.** Engines: [`MemoryLog`](crate::MemoryLog), and disk and Redis behind features. The
/// feature `conformance` has a suite that every engine has to pass.
///
/// ```text
///  publish ──► append ──► (durable) ──► Feed of every hub that follows the topic ──► tails in memory ──► subscribers
/// ```
///
/// # Rules
///
/// - Events of a topic are numbered from 1 without holes, and stamps rise with every batch of the
///   topic, also across restarts (see [`Place`]). The clock may stand still or go back; stamps do
///   not.
/// - A place that was given is never given to another event, not even after events were lost, and
///   numbers go on where a topic was emptied by age, by size or by [`end`](Self::end), as long as
///   the log remembers the topic.
/// - A topic needs no creation. For a topic that never had an event, [`open`](Self::open) returns a
///   place with the number 0 and the current stamp, and stores nothing.
/// - Methods may be called concurrently, from any thread. None blocks a thread of a runtime.
pub trait Log: Send + Sync + 'static {
    /// Appends a batch: all of its events or none, in order and without others between them. When
    /// the future completes, the events are as durable as the engine makes them. Feeds may get the
    /// events earlier, but not before they are durable.
    ///
    /// If the topic still keeps a batch with this [`Key`], nothing is appended: with an equal
    /// digest the first result is returned, with another digest [`AppendError::KeyReused`]. Two
    /// concurrent appends with one key append once.
    ///
    /// # Errors
    ///
    /// Nothing was appended, except that after [`AppendError::Unknown`] the batch may have been.
    fn append<'a>(&'a self, topic: &'a str, batch: Batch) -> Later<'a, Result<Appended, AppendError>>;

    /// Returns the first and last place of a topic, and reads its newest events, at most `newest`.
    ///
    /// # Errors
    ///
    /// If the log is unavailable. The hub tries again later.
    fn open<'a>(&'a self, topic: &'a str, newest: Amount) -> Later<'a, Result<Extent, LogError>>;

    /// Finds the event with this ID, which is an ID of the application or a [`Place`].
    ///
    /// If several events have the ID, the first kept one is found, so that nothing is skipped. An
    /// ID of the application is known as long as its event is kept; the ID of a topic's newest
    /// event is known as long as the topic.
    ///
    /// # Errors
    ///
    /// If the log is unavailable. An unknown ID is [`Located::Gone`], not an error.
    fn locate<'a>(&'a self, topic: &'a str, id: &'a str) -> Later<'a, Result<Located, LogError>>;

    /// Reads the events after a place, at most `amount`, but at least one if there is one.
    ///
    /// The stamp of the event at an [`After::Place`] must also match. If the log has another event
    /// there, or ends before it, the page has a gap of unknown size and continues after the last
    /// event whose stamp is not above the stamp of the place. [`Place::default`] is before the
    /// first event.
    ///
    /// # Errors
    ///
    /// If the log is unavailable or damaged.
    fn read<'a>(&'a self, topic: &'a str, after: After, amount: Amount) -> Later<'a, Result<Page, LogError>>;

    /// Sends `feed` the changes of the topic that any process makes.
    ///
    /// They are appended events ([`Update::Appended`]) or, where events may have been missed, the
    /// newest place ([`Update::Latest`]); a loss of events ([`Update::Lost`]); and the end of the
    /// topic ([`Update::Ended`]). The updates start at the latest when the future completes, and
    /// stop when the [`Following`] is dropped.
    ///
    /// # Errors
    ///
    /// If the log is unavailable. The hub tries again later.
    fn follow<'a>(&'a self, topic: &'a str, feed: Feed) -> Later<'a, Result<Following, LogError>>;

    /// Ends a topic: drops its events, notifies its feeds, and refuses the topic
    /// ([`Extent::ended`], [`AppendError::Ended`]) for as long as `lasting`, on all nodes and
    /// across restarts. Returns whether the topic existed: with events or with followers.
    ///
    /// # Errors
    ///
    /// If the log is unavailable; then the topic may have ended.
    fn end<'a>(&'a self, topic: &'a str, lasting: Duration) -> Later<'a, Result<bool, LogError>>;

    /// The topics that the log holds, ordered by name, at most `limit` of them, beginning after the
    /// name `after`.
    ///
    /// The cost must not grow with the number of topics. An engine without such an order lists
    /// none, which is the default: the hub then lists only the topics in memory.
    ///
    /// # Errors
    ///
    /// If the log is unavailable.
    fn topics<'a>(
        &'a self,
        after: Option<&'a str>,
        limit: usize,
    ) -> Later<'a, Result<Vec<ListedTopic>, LogError>> {
        let _ = (after, limit);
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Whether the log can append and read now, as far as it knows.
    fn health(&self) -> Health;

    /// Finishes pending work and closes files and connections. Later calls fail.
    fn close(&self) -> Later<'_, ()>;

    /// Whether events outlive the process. If so, the hub drops unused topics from its memory;
    /// otherwise it keeps them as long as they have events.
    fn is_durable(&self) -> bool {
        true
    }

    /// Drops events that are too old. The hub calls it from time to time
    /// ([`Hub::expire`](crate::Hub::expire)).
    fn expire(&self) {}
}

/// A topic that a log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTopic {
    /// The name of the topic.
    pub name: String,
    /// The ID of the topic's newest event, kept or not: an ID of the application, or the event's
    /// place.
    pub last_event_id: String,
}

/// The places of a batch that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// The place of the first event; the other places follow it, with the same stamp.
    pub first: Place,
    /// Whether the batch had been appended earlier, with the same [`Key`].
    pub repeated: bool,
}

impl Appended {
    /// The result of a batch that was appended now.
    pub const fn now(first: Place) -> Self {
        Self { first, repeated: false }
    }

    /// The result of a batch that had been appended earlier, with the same key.
    pub const fn before(first: Place) -> Self {
        Self { first, repeated: true }
    }
}

/// Where a read begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum After {
    /// After the event at this place.
    Place(Place),
    /// After the event with this number, for a reader that does not know its stamp any more.
    ///
    /// The log may have lost events since and given their numbers again. So `until` says which
    /// event is meant whose number counts up to the event at `until` without a restart. If the log
    /// has no event with this number whose stamp is not above that of `until`, that is a gap.
    Number {
        /// How many events of the topic there were with it.
        number: u64,
        /// An event at or after it, which the reader's hub had from the log.
        until: Place,
    },
}

impl After {
    /// How many events of the topic there were up to here.
    pub const fn number(self) -> u64 {
        match self {
            Self::Place(place) => place.number,
            Self::Number { number, .. } => number,
        }
    }
}

impl std::convert::From<Place> for After {
    fn from(place: Place) -> Self {
        Self::Place(place)
    }
}

/// How much to read at most; one event is read whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// How many events.
    pub events: usize,
    /// How many bytes of events.
    pub bytes: usize,
}

impl Amount {
    /// No events.
    pub const NONE: Self = Self { events: 0, bytes: 0 };
}

/// The first and last place of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The place before the oldest event that is kept.
    pub start: Place,
    /// The place of the newest event, kept or not. For a topic that has had no events, as far as
    /// the log remembers: number 0 and the current stamp.
    pub last: Place,
    /// The ID that the application gave the newest event, if any.
    pub last_id: Option<Arc<str>>,
    /// The newest events, up to the requested amount, in order; the last of them is at `last`.
    pub newest: Vec<Stored>,
    /// `Some` if the topic was ended: how long it is still refused.
    pub ended: Option<Duration>,
}

/// Result of looking up an event ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Located {
    /// All events after this place are kept.
    After(Place),
    /// The event is unknown, or events after it are gone.
    Gone {
        /// How many events are missing, if known.
        missed: Option<u64>,
        /// The place after which reading resumes.
        resume: Place,
    },
}

/// Events that follow a place, as one read returns them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Events are missing between the requested place and `after`.
    pub gap: Option<Gap>,
    /// The place that the events follow: the requested place, unless there is a gap.
    pub after: Place,
    /// The events, in order and without holes; none at the end of the log.
    pub events: Vec<Stored>,
}

/// Whether a log works.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// The log works, as far as it knows.
    Ready,
    /// The log works, but may lose acknowledged events because of a setting, or has lost some
    /// because of damage. The text names the setting or the damage, and says what to do.
    AtRisk(String),
    /// The log does not work; the reason contains no secret.
    Away(String),
}
