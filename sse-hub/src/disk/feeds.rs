//! Feeds of each topic, which get its appended events.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::log::{Feed, Feeds, Following, Update};

/// The feeds of each followed topic.
#[derive(Clone, Debug, Default)]
pub(super) struct Followed(Arc<Mutex<HashMap<Box<str>, Feeds>>>);

/// Removes a feed when dropped.
struct Guard {
    followed: Followed,
    topic: Box<str>,
    feed: u64,
}

impl Followed {
    /// Sends the updates of a topic to `feed` until the returned value is dropped.
    pub(super) fn add(&self, topic: &str, feed: Feed) -> Following {
        let feed = self.lock().entry(topic.into()).or_default().add(feed);
        Following::new(Guard { followed: self.clone(), topic: topic.into(), feed })
    }

    pub(super) fn send(&self, topic: &str, update: &Update) {
        // The wakes are dropped without the lock.
        let _wakes = self.lock().get(topic).map(|feeds| feeds.send(|| update.clone()));
    }

    /// Whether a topic has a feed.
    pub(super) fn has(&self, topic: &str) -> bool {
        self.lock().contains_key(topic)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Feeds>> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut topics = self.followed.lock();
        let Some(feeds) = topics.get_mut(&self.topic) else { return };
        let removed = feeds.remove(self.feed);
        if feeds.is_empty() {
            topics.remove(&self.topic);
        }
        drop(topics);
        // A feed owns things that may call the log.
        drop(removed);
    }
}
