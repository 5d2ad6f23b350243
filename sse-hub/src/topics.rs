//! Topics in memory, by name.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use proto::{Instant, Timer as _};

use crate::HubError;
use crate::hub::Shared;
use crate::topic::TopicState;

/// How long an unused topic stays in memory although its events are kept in a durable log.
const WARM: Duration = Duration::from_secs(60);

/// All topics, and the order in which unused ones may be dropped. The cost of a request does not
/// grow with the number of topics.
#[derive(Debug)]
pub(crate) struct Topics {
    map: Mutex<Map>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Map {
    by_name: HashMap<Arc<str>, Arc<TopicState>>,
    /// Unused topics, by the time from which they can be dropped without a loss.
    idle: BTreeMap<IdleKey, Arc<str>>,
    sequence: u64,
}

/// The time from which a topic may be dropped, and a number that makes the key unique.
pub(crate) type IdleKey = (Instant, u64);

/// A topic in use, held by a handle or a subscription.
#[derive(Debug)]
pub(crate) struct Held(Arc<TopicState>);

impl Topics {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { map: Mutex::default(), shared }
    }

    fn lock(&self) -> MutexGuard<'_, Map> {
        self.map.lock().expect("nothing panics while it holds the lock")
    }

    pub(crate) fn get(&self, name: &str) -> Option<Held> {
        let map = &mut *self.lock();
        let topic = Arc::clone(map.by_name.get(name)?);
        Some(map.hold(topic))
    }

    pub(crate) fn get_or_make(self: &Arc<Self>, name: &str) -> Result<Held, HubError> {
        let mut lock = self.lock();
        let map = &mut *lock;
        if let Some(topic) = map.by_name.get(name) {
            let topic = Arc::clone(topic);
            return Ok(map.hold(topic));
        }
        let limit = self.shared.config.max_topics;
        let mut unloaded = None;
        if map.by_name.len() >= limit {
            unloaded = map.unload_first(self.shared.clock.now());
            if unloaded.is_none() {
                return Err(HubError::TooManyTopics { limit });
            }
        }
        let topic = Arc::new(TopicState::new(name.into(), Arc::clone(&self.shared), Arc::downgrade(self)));
        map.by_name.insert(Arc::clone(&topic.name), Arc::clone(&topic));
        let held = map.hold(topic);
        drop(lock);
        // Outside the lock, because the drop informs the log.
        drop(unloaded);
        if !self.shared.log.is_durable() {
            held.state().open();
        }
        Ok(held)
    }

    /// Marks a topic as unused, when its last user is gone.
    fn release(&self, topic: &Arc<TopicState>) {
        let mut lock = self.lock();
        let map = &mut *lock;
        if topic.users.load(Ordering::Acquire) != 0
            || !map.by_name.get(&topic.name).is_some_and(|known| Arc::ptr_eq(known, topic))
        {
            return;
        }
        let now = self.shared.clock.now();
        let mut unloaded = None;
        match topic.unloadable_at(now) {
            None => unloaded = map.by_name.remove(&topic.name),
            Some(at) => {
                map.sequence += 1;
                let key = (at, map.sequence);
                map.idle.insert(key, Arc::clone(&topic.name));
                // Two users that left at once both come here.
                if let Some(former) = topic.idle_key().replace(key) {
                    map.idle.remove(&former);
                }
            }
        }
        drop(lock);
        drop(unloaded);
    }

    /// Drops expired events and unused topics.
    pub(crate) fn expire(&self) {
        for topic in self.all() {
            topic.expire();
        }
        let now = self.shared.clock.now();
        let before = match self.shared.log.is_durable() {
            true => Instant::from_epoch(now.since_epoch().saturating_sub(WARM)),
            false => now,
        };
        loop {
            // One at a time, so that dropping a topic happens outside the lock.
            let unloaded = self.lock().unload_first(before);
            if unloaded.is_none() {
                return;
            }
        }
    }

    /// A snapshot, so that callers work on the topics without holding the lock.
    pub(crate) fn all(&self) -> Vec<Arc<TopicState>> {
        self.lock().by_name.values().cloned().collect()
    }
}

impl Map {
    fn hold(&mut self, topic: Arc<TopicState>) -> Held {
        topic.users.fetch_add(1, Ordering::Relaxed);
        if let Some(key) = topic.idle_key().take() {
            self.idle.remove(&key);
        }
        Held(topic)
    }

    /// Removes the topic that could be dropped for the longest time, if there was one before `now`.
    fn unload_first(&mut self, now: Instant) -> Option<Arc<TopicState>> {
        let first = self.idle.first_entry().filter(|first| first.key().0 < now)?;
        self.by_name.remove(&first.remove())
    }
}

impl Held {
    pub(crate) fn state(&self) -> &Arc<TopicState> {
        &self.0
    }
}

impl Deref for Held {
    type Target = TopicState;

    fn deref(&self) -> &TopicState {
        &self.0
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        self.0.users.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.0.users.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(topics) = self.0.topics.upgrade()
        {
            topics.release(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use crate::{EventBuilder, Hub, HubConfig};

    #[test]
    fn a_topic_that_several_users_leave_at_once_is_listed_as_unused_once() {
        let hub = Hub::new(HubConfig::default());
        let topic = hub.topic("t").unwrap();
        topic.publish(EventBuilder::new().data("x")).now_or_never().unwrap().unwrap();
        drop(topic);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..20_000).for_each(|_| drop(hub.get("t"))));
            }
        });
        let map = hub.topics.lock();
        assert_eq!((map.by_name.len(), map.idle.len()), (1, 1));
    }
}
