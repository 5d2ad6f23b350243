//! What lies beneath a hub: an asynchronous log that keeps the events of all topics.

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
/// **The hub keeps the newest events of each topic that is in use in memory and serves subscribers
/// from there; the log is asked to append, to open a topic, and for events that are no longer in
/// memory.** Engines: [`MemoryLog`](crate::MemoryLog), and disk and Redis behind features. The
/// feature `conformance` has a suite that every engine has to pass.
///
/// ```text
///  publish ──► append ──► (durable) ──► Feed of every hub that follows the topic ──► tails in memory ──► subscribers
/// ```
///
/// # Rules
///
/// - Events of a topic are numbered from 1 without holes, and stamps rise with every batch of it,
///   across restarts, too (see [`Place`]). The clock may stand still or go back; stamps do not.
/// - A place that was given is never given to another event, not even after events were lost, and
///   numbers go on where a topic was emptied by age, by size or by [`end`](Self::end), as long as
///   the log remembers the topic.
/// - A topic needs no creation. Of one that never had an event, [`open`](Self::open) says a place
///   with the number 0 and the present stamp, and nothing is kept.
/// - Methods may be called at once, from any thread. None blocks a thread that runs a runtime.
pub trait Log: Send + Sync + 'static {
    /// Appends a batch: all of its events or none, in order, next to each other, and as durable as
    /// the engine can be when the future completes. A feed may get the events earlier, but not
    /// before they are durable.
    ///
    /// A [`Key`] that the topic has seen, as long as it keeps the events of that batch, appends
    /// nothing: with the same digest it answers as for the first time, with another digest
    /// [`AppendError::KeyReused`]. Two at once append once.
    ///
    /// # Errors
    ///
    /// Nothing was appended, but for [`AppendError::Unknown`]: there the batch may have been.
    fn append<'a>(&'a self, topic: &'a str, batch: Batch) -> Later<'a, Result<Appended, AppendError>>;

    /// Says where a topic begins and ends, and reads its newest events, of `newest` at most.
    ///
    /// # Errors
    ///
    /// If the log is unavailable. The hub tries again later.
    fn open<'a>(&'a self, topic: &'a str, newest: Amount) -> Later<'a, Result<Extent, LogError>>;

    /// Finds the event with this ID, which is the application's or a [`Place`].
    ///
    /// Of an ID that was given more than once, the first event that is kept counts, so that nothing
    /// is skipped. An application's ID is known as long as its event is kept; the ID of a topic's
    /// newest event as long as the topic.
    ///
    /// # Errors
    ///
    /// If the log is unavailable. An unknown ID is [`Located::Gone`], not an error.
    fn locate<'a>(&'a self, topic: &'a str, id: &'a str) -> Later<'a, Result<Located, LogError>>;

    /// Reads the events that follow a place, of `amount` at most, but one if there is one.
    ///
    /// A stamp of 0 stands for any. Otherwise the event at `after` is compared with its stamp, too:
    /// if the log has another one there, or ends before it, that is a gap of unknown size, and
    /// events go on after the last one whose stamp is not above that of `after`.
    ///
    /// # Errors
    ///
    /// If the log is unavailable or damaged.
    fn read<'a>(&'a self, topic: &'a str, after: Place, amount: Amount) -> Later<'a, Result<Page, LogError>>;

    /// Sends to `feed` all events that any process appends to the topic, from the completion of the
    /// future until the [`Following`] is dropped.
    ///
    /// # Errors
    ///
    /// If the log is unavailable. The hub tries again later.
    fn follow<'a>(&'a self, topic: &'a str, feed: Feed) -> Later<'a, Result<Following, LogError>>;

    /// Ends a topic: drops its events, tells its feeds, and refuses it ([`Extent::ended`],
    /// [`AppendError::Ended`]) for as long as `lasting`, on all nodes and across restarts. Returns
    /// whether the topic existed: with events or with followers.
    ///
    /// # Errors
    ///
    /// If the log is unavailable; then the topic may have ended.
    fn end<'a>(&'a self, topic: &'a str, lasting: Duration) -> Later<'a, Result<bool, LogError>>;

    /// The topics that the log holds, by name, at most `limit` of them, beginning after the name
    /// `after`.
    ///
    /// What it costs must not grow with the number of topics. An engine that has no such order
    /// lists none, as by default: the hub then knows those that it has loaded.
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

    /// Whether it could append and read now, as far as it knows.
    fn health(&self) -> Health;

    /// Finishes pending work and closes files and connections. Later calls fail.
    fn close(&self) -> Later<'_, ()>;

    /// Whether events outlive the process. The hub then unloads unused topics; otherwise it keeps
    /// them loaded as long as they have events.
    fn is_durable(&self) -> bool {
        true
    }

    /// Lets go of what is too old. The hub calls it once in a while
    /// ([`Hub::expire`](crate::Hub::expire)).
    fn expire(&self) {}
}

/// A topic that a log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTopic {
    /// Its name.
    pub name: String,
    /// The ID of its newest event, kept or not: the application's or its place.
    pub last_event_id: String,
}

/// The places of a batch that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// The place of the first event; those of the others follow with the same stamp.
    pub first: Place,
    /// Whether the batch had been appended before, with the same [`Key`].
    pub repeated: bool,
}

impl Appended {
    /// Appended now.
    pub const fn now(first: Place) -> Self {
        Self { first, repeated: false }
    }

    /// Appended before, with the same key.
    pub const fn before(first: Place) -> Self {
        Self { first, repeated: true }
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
    /// Nothing at all.
    pub const NONE: Self = Self { events: 0, bytes: 0 };
}

/// Where a topic begins and ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The place before the oldest event that is kept.
    pub start: Place,
    /// The place of the newest event, kept or not. Of a topic without events, as far as the log
    /// remembers: 0 and the present stamp.
    pub last: Place,
    /// The application's ID of the newest event, if it has one.
    pub last_id: Option<Arc<str>>,
    /// The newest events, up to the requested amount, in order; the last of them is at `last`.
    pub newest: Vec<Stored>,
    /// The topic was ended and is refused for so long.
    pub ended: Option<Duration>,
}

/// What became of an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Located {
    /// All events after this place are kept.
    After(Place),
    /// The event is not known, or events that followed it are gone.
    Gone {
        /// How many are missing, where that is known.
        missed: Option<u64>,
        /// The place where reading goes on.
        resume: Place,
    },
}

/// Events that follow a place.
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
    /// It works, as far as it knows.
    Ready,
    /// It does not; the reason holds no secret.
    Away(String),
}
