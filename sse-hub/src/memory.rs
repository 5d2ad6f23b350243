//! Log in memory, which the process takes with it.

mod forgotten;
mod keys;
mod topic;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use proto::{HistoryLimits, Instant, Timer as _};

use crate::Place;
use crate::clock::Clock;
use crate::log::{
    After, Amount, AppendError, Appended, Batch, Extent, Feed, Following, Health, Later, Located, Log,
    LogError, Page, Stored, Update, Wake,
};
use crate::subscription::now as stamp_now;
use forgotten::Forgotten;
use topic::MemoryTopic;

/// A [`Log`] in memory: keeps the newest events of each topic within [`HistoryLimits`].
///
/// It remembers the last places of topics whose events are gone, so a subscriber that had
/// everything returns without a gap. After a restart every earlier ID leads to a gap.
pub struct MemoryLog(Arc<Shared>);

struct Shared {
    limits: HistoryLimits,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    topics: HashMap<Arc<str>, MemoryTopic>,
    forgotten: Forgotten,
    /// The topics that were ended, and the time until which each is refused.
    ended: HashMap<Arc<str>, Instant>,
    /// The last stamp that was given to an event.
    stamp: u64,
}

impl MemoryLog {
    /// Creates an empty log that remembers the last places of `remembered_topics` topics without
    /// events.
    pub fn new(limits: HistoryLimits, remembered_topics: usize) -> Self {
        let stamp = stamp_now();
        let state = State {
            topics: HashMap::new(),
            forgotten: Forgotten::new(remembered_topics, stamp),
            ended: HashMap::new(),
            stamp,
        };
        Self(Arc::new(Shared { limits, clock: Clock::default(), state: Mutex::new(state) }))
    }

    fn append_now(&self, name: &str, batch: &Batch) -> Result<(Appended, Vec<Wake>), AppendError> {
        let now = self.0.clock.now();
        let limits = self.0.limits;
        let mut lock = self.0.state();
        let state = &mut *lock;
        if state.is_ended(name, now) {
            return Err(AppendError::Ended);
        }
        // Created before the stamp, because the place before its first event has to be older.
        let topic = state.topic(name, limits);
        topic.expire(now);
        if let Some(key) = &batch.key
            && let Some(first) = topic.keys.find(key)?
        {
            return Ok((Appended::before(first), Vec::new()));
        }
        let number = topic.last.number + 1;
        let first = Place::new(state.next_stamp(), number);
        let events = batch.stored(first);
        let size = |event: &Stored| event.wire().len() + event.id().map_or(0, |id| id.len());
        let kept = limits.events.max(1);
        if events.len() > kept || events.iter().map(size).sum::<usize>() > limits.bytes {
            state.forget_unused(name);
            return Err(AppendError::TooLarge { events: kept, bytes: limits.bytes });
        }
        let topic = state.topic(name, limits);
        topic.append(&events, batch.key.as_ref(), now);
        let wakes = topic.feeds.send(|| Update::Appended(events.clone()));
        Ok((Appended::now(first), wakes))
    }

    fn end_now(&self, name: &str, lasting: Duration) -> (bool, Vec<Wake>) {
        let now = self.0.clock.now();
        let mut lock = self.0.state();
        let state = &mut *lock;
        if state.is_ended(name, now) {
            return (false, Vec::new());
        }
        state.ended.retain(|_, until| *until > now);
        let Some(mut topic) = state.topics.remove(name) else { return (false, Vec::new()) };
        topic.expire(now);
        let existed = !topic.feeds.is_empty() || !topic.is_empty();
        let wakes = topic.feeds.send(|| Update::Ended);
        state.forgotten.remember(name.into(), topic.into_last());
        if existed {
            state.ended.insert(name.into(), now + lasting);
        }
        (existed, wakes)
    }
}

impl State {
    fn next_stamp(&mut self) -> u64 {
        self.stamp = stamp_now().max(self.stamp + 1);
        self.stamp
    }

    fn is_ended(&mut self, name: &str, now: Instant) -> bool {
        let until = self.ended.get(name).copied();
        if until.is_some_and(|until| until <= now) {
            self.ended.remove(name);
        }
        until.is_some_and(|until| until > now)
    }

    /// The topic of this name; a new one continues after the remembered last place.
    fn topic(&mut self, name: &str, limits: HistoryLimits) -> &mut MemoryTopic {
        if !self.topics.contains_key(name) {
            let topic = self.unkept(name, limits);
            self.forgotten.forget(name);
            self.topics.insert(name.into(), topic);
        }
        self.topics.get_mut(name).expect("it was there, or was made")
    }

    /// A topic without events, from what is remembered of it; it is not stored.
    fn unkept(&self, name: &str, limits: HistoryLimits) -> MemoryTopic {
        MemoryTopic::new(limits, self.forgotten.last(name), self.stamp)
    }

    /// Reduces a topic to its last place, if it has neither events nor followers.
    fn forget_unused(&mut self, name: &str) {
        if self.topics.get(name).is_some_and(|topic| topic.feeds.is_empty() && topic.is_empty())
            && let Some((name, topic)) = self.topics.remove_entry(name)
        {
            self.forgotten.remember(name, topic.into_last());
        }
    }

    /// Calls `look` with the topic, which is created for the call if it is not stored.
    fn with<T>(&mut self, name: &str, shared: &Shared, look: impl FnOnce(&mut MemoryTopic) -> T) -> T {
        let now = shared.clock.now();
        match self.topics.get_mut(name) {
            Some(topic) => {
                topic.expire(now);
                look(topic)
            }
            None => look(&mut self.unkept(name, shared.limits)),
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }
}

/// Removes a feed when dropped.
struct Guard {
    log: Weak<Shared>,
    topic: Arc<str>,
    feed: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(shared) = self.log.upgrade() else { return };
        let mut state = shared.state();
        let feed = state.topics.get_mut(&self.topic).and_then(|topic| topic.feeds.remove(self.feed));
        state.forget_unused(&self.topic);
        drop(state);
        drop(feed);
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> Later<'a, T> {
    Box::pin(std::future::ready(value))
}

impl Log for MemoryLog {
    fn append<'a>(&'a self, topic: &'a str, batch: Batch) -> Later<'a, Result<Appended, AppendError>> {
        // The wakes are dropped here, without the lock.
        ready(self.append_now(topic, &batch).map(|(appended, _)| appended))
    }

    fn open<'a>(&'a self, name: &'a str, newest: Amount) -> Later<'a, Result<Extent, LogError>> {
        let now = self.0.clock.now();
        let mut state = self.0.state();
        let ended = state.is_ended(name, now).then(|| state.ended[name].saturating_duration_since(now));
        let extent = state.with(name, &self.0, |topic| topic.extent(newest));
        ready(Ok(Extent { ended, ..extent }))
    }

    fn locate<'a>(&'a self, name: &'a str, id: &'a str) -> Later<'a, Result<Located, LogError>> {
        ready(Ok(self.0.state().with(name, &self.0, |topic| topic.locate(id))))
    }

    fn read<'a>(&'a self, name: &'a str, after: After, amount: Amount) -> Later<'a, Result<Page, LogError>> {
        ready(Ok(self.0.state().with(name, &self.0, |topic| topic.read(after, amount))))
    }

    fn follow<'a>(&'a self, name: &'a str, feed: Feed) -> Later<'a, Result<Following, LogError>> {
        let mut state = self.0.state();
        let feed = state.topic(name, self.0.limits).feeds.add(feed);
        let guard = Guard { log: Arc::downgrade(&self.0), topic: name.into(), feed };
        ready(Ok(Following::new(guard)))
    }

    fn end<'a>(&'a self, topic: &'a str, lasting: Duration) -> Later<'a, Result<bool, LogError>> {
        ready(Ok(self.end_now(topic, lasting).0))
    }

    fn health(&self) -> Health {
        Health::Ready
    }

    fn close(&self) -> Later<'_, ()> {
        ready(())
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn expire(&self) {
        let now = self.0.clock.now();
        let mut state = self.0.state();
        state.ended.retain(|_, until| *until > now);
        let names: Vec<_> = state.topics.keys().cloned().collect();
        for name in names {
            if let Some(topic) = state.topics.get_mut(&name) {
                topic.expire(now);
            }
            state.forget_unused(&name);
        }
    }
}

impl fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLog").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}
