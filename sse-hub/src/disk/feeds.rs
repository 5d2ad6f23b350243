//! Whom the log tells of what was appended.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::log::{Feed, Following, Update, Wake};

/// The feeds of each topic that anybody follows.
#[derive(Clone, Default)]
pub(crate) struct Feeds(Arc<Mutex<ByTopic>>);

type ByTopic = HashMap<Box<str>, Vec<(u64, Feed)>>;

/// Takes a feed out when it is dropped.
struct Guard {
    feeds: Feeds,
    topic: Box<str>,
    number: u64,
}

impl Feeds {
    /// Tells `feed` of a topic until what is returned is dropped.
    pub(crate) fn add(&self, topic: &str, feed: Feed) -> Following {
        let mut topics = self.lock();
        let feeds = topics.entry(topic.into()).or_default();
        let number = feeds.last().map_or(0, |(last, _)| last + 1);
        feeds.push((number, feed));
        drop(topics);
        Following::new(Guard { feeds: self.clone(), topic: topic.into(), number })
    }

    pub(crate) fn send(&self, topic: &str, update: &Update) {
        let topics = self.lock();
        let Some(feeds) = topics.get(topic) else { return };
        // Under the lock, so that nobody is told who has left.
        let wakes: Vec<Wake> = feeds.iter().map(|(_, feed)| feed.send(update.clone())).collect();
        drop(topics);
        drop(wakes);
    }

    /// Whether anybody follows a topic.
    pub(crate) fn has(&self, topic: &str) -> bool {
        self.lock().contains_key(topic)
    }

    fn lock(&self) -> MutexGuard<'_, ByTopic> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut topics = self.feeds.lock();
        let Some(feeds) = topics.get_mut(&self.topic) else { return };
        let at = feeds.iter().position(|(number, _)| *number == self.number);
        let removed = at.map(|at| feeds.remove(at));
        if feeds.is_empty() {
            topics.remove(&self.topic);
        }
        drop(topics);
        // What it owns is not ours, and may call the log.
        drop(removed);
    }
}

impl fmt::Debug for Feeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feeds").finish_non_exhaustive()
    }
}
