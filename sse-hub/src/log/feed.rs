//! Feed: the channel by which a log reports appended events to a hub.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use super::Stored;
use crate::Place;

/// Receiver of the updates of a topic, which a log sends; cheap to clone.
///
/// **Updates may come in any order and several times**: the hub ignores events that it has, and
/// reads missing ones from the log. An update never blocks.
#[derive(Clone)]
pub struct Feed(Arc<dyn Fn(Update) -> Wake + Send + Sync>);

/// Change of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update {
    /// A batch was appended.
    Appended(Vec<Stored>),
    /// The newest event of the topic is at this place. Send it when updates may have been missed (a
    /// connection was lost), and from time to time: the hub compares places, reads missing events,
    /// and informs its subscribers if events were lost.
    Latest(Place),
    /// The log lost events just before this stamp: a subscriber that has no event with this stamp
    /// or a later one gets a gap. Sent if the log detects the loss only after it appended the later
    /// events.
    Lost(u64),
    /// The topic was ended: its subscribers' responses end.
    Ended,
}

/// Wakes the subscribers of a topic when it is dropped.
///
/// Drop it while no lock of the log is held, because a waker may do anything, including calling the
/// log.
#[must_use = "dropping it wakes the subscribers, which must not happen under a lock"]
pub struct Wake {
    waker: Option<Waker>,
    /// What the feed borrowed for the update. If the feed was about to be dropped, it is dropped
    /// with this value, because its drop informs the log.
    #[allow(dead_code, reason = "only its end matters")]
    kept: Option<Arc<dyn Any + Send + Sync>>,
}

/// The feeds of one topic.
#[derive(Debug, Default)]
pub(crate) struct Feeds(Vec<(u64, Feed)>);

impl Feeds {
    /// Adds a feed; returns its number, which no other feed of any topic ever has.
    pub(crate) fn add(&mut self, feed: Feed) -> u64 {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        self.0.push((number, feed));
        number
    }

    /// Removes and returns a feed. Drop it while no lock of the log is held, because its contents
    /// may call the log.
    pub(crate) fn remove(&mut self, number: u64) -> Option<Feed> {
        let at = self.0.iter().position(|(known, _)| *known == number)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Sends an update to all feeds. The caller holds the lock, so that a removed feed gets
    /// nothing, and drops the wakes after unlocking.
    pub(crate) fn send(&self, update: impl Fn() -> Update) -> Vec<Wake> {
        self.0.iter().map(|(_, feed)| feed.send(update())).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Guard: a [`Feed`] gets the updates of a topic until this value is dropped.
pub struct Following(#[allow(dead_code, reason = "only its end matters")] Box<dyn Any + Send + Sync>);

impl Feed {
    /// Creates a feed that calls `receive`, for tests of a log.
    pub fn new(receive: impl Fn(Update) + Send + Sync + 'static) -> Self {
        Self::waking(move |update| {
            receive(update);
            Wake::nobody()
        })
    }

    pub(crate) fn waking(receive: impl Fn(Update) -> Wake + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }

    /// Sends an update to the hub.
    pub fn send(&self, update: Update) -> Wake {
        (self.0)(update)
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

impl Wake {
    pub(crate) const fn nobody() -> Self {
        Self { waker: None, kept: None }
    }

    pub(crate) fn keeping(waker: Option<Waker>, kept: Arc<dyn Any + Send + Sync>) -> Self {
        Self { waker, kept: Some(kept) }
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl fmt::Debug for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wake").finish_non_exhaustive()
    }
}

impl Following {
    /// Creates a value that drops `guard` when it is dropped.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").finish_non_exhaustive()
    }
}
