//! How a log tells a hub what was appended.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use super::Stored;
use crate::Place;

/// Where a log tells what happens to a topic; cheap to clone.
///
/// **Whatever order updates come in, and however often, the hub sorts it out**: events that it has
/// are ignored, and where some are missing it reads them from the log. An update never blocks.
#[derive(Clone)]
pub struct Feed(Arc<dyn Fn(Update) -> Wake + Send + Sync>);

/// What happened to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update {
    /// A batch was appended.
    Appended(Vec<Stored>),
    /// The newest event of the topic is at this place. To be said when updates may have been missed
    /// (a connection was lost), and once in a while: the hub compares, reads what it does not have,
    /// and tells its subscribers if events were lost.
    Latest(Place),
    /// The log lost events before those with stamps from this one on: a subscriber that has none of
    /// these gets a gap. Sent when the log finds the loss only after it appended them.
    Lost(u64),
    /// The topic was ended: its subscribers are let go.
    Ended,
}

/// Wakes the subscribers of a topic when it is dropped.
///
/// To be dropped without a lock of the log held, for a waker may do anything: call the log, too.
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
    /// Adds a feed, and returns its number, which no other feed has: of this topic or another one,
    /// now or later.
    pub(crate) fn add(&mut self, feed: Feed) -> u64 {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        self.0.push((number, feed));
        number
    }

    /// Takes a feed out, to be dropped without a lock of the log held, because what it owns may
    /// call the log.
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

/// A [`Feed`] gets the updates of a topic until this value is dropped.
pub struct Following(#[allow(dead_code, reason = "only its end matters")] Box<dyn Any + Send + Sync>);

impl Feed {
    /// A feed that calls `receive`, for tests of a log.
    pub fn new(receive: impl Fn(Update) + Send + Sync + 'static) -> Self {
        Self::waking(move |update| {
            receive(update);
            Wake::nobody()
        })
    }

    pub(crate) fn waking(receive: impl Fn(Update) -> Wake + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }

    /// Tells what happened.
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
    /// Drops `guard` when the last follower is gone.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").finish_non_exhaustive()
    }
}
