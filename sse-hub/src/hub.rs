//! Publish once, serve many.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use proto::{EventBuilder, HistoryLimits, KeepAlive};

use crate::metrics::Counters;
use crate::topic::TopicState;
use crate::{Log, MemoryLog, Metrics, Topic};

/// Topics that are published to and subscribed to; cloning it gives another handle to the same hub.
///
/// **No subscriber can hold back another one, or memory:** an event is encoded once and kept once, and who is
/// slower than the log's limits allow misses events and is told, or is disconnected, as [`Slow`] says.
///
/// # Example
///
/// ```
/// use http_body_util::BodyExt;
/// use sse_hub::{EventBuilder, Hub, HubConfig};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let hub = Hub::new(HubConfig::default());
/// let topic = hub.topic("news")?;
/// let id = topic.publish(EventBuilder::new().data("one")).await?;
/// topic.publish(EventBuilder::new().data("two")).await?;
///
/// let mut subscription = topic.subscribe(Some(&id)).await?;
/// let frame = subscription.frame().await.unwrap()?;
/// assert!(frame.into_data().unwrap().starts_with(b"data: two\nid: "));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct Hub<L: Log = MemoryLog> {
    topics: Arc<Topics<L>>,
    shared: Arc<Shared>,
}

struct Topics<L: Log> {
    by_name: Mutex<HashMap<String, Arc<TopicState<L>>>>,
    new_log: Box<dyn Fn(&str) -> L + Send + Sync>,
}

/// What a topic needs of its hub.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: HubConfig,
    pub(crate) subscribers: AtomicUsize,
    pub(crate) counters: Counters,
    /// What subscribers are sent last, once the hub closes.
    pub(crate) farewell: OnceLock<Bytes>,
}

/// How a [`Hub`] behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubConfig {
    /// How much of each topic [`MemoryLog`] keeps; see [`HistoryLimits`] for the defaults.
    pub history: HistoryLimits,
    /// After how long a silence subscribers are sent a comment; 15 s by default, `Duration::MAX` means never.
    pub keep_alive: Duration,
    /// The reconnection time that subscribers are told at their start; none by default.
    pub retry: Option<Duration>,
    /// What becomes of a subscriber that is too slow.
    pub slow: Slow,
    /// How many topics there may be; 1,024 by default.
    pub max_topics: usize,
    /// How many subscribers there may be, of all topics; 65,536 by default.
    pub max_subscribers: usize,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            history: HistoryLimits::default(),
            keep_alive: KeepAlive::INTERVAL,
            retry: None,
            slow: Slow::default(),
            max_topics: 1024,
            max_subscribers: 65_536,
        }
    }
}

/// What becomes of a subscriber whose next event is no longer kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slow {
    /// It is sent a [`GAP_EVENT`](crate::GAP_EVENT) and goes on with the oldest event that is kept.
    #[default]
    Tell,
    /// Its response ends. A client that reconnects is told about the gap then.
    Disconnect,
}

/// Why a hub refuses a topic or a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HubError {
    /// There are as many topics as may be, and each has events or subscribers.
    TooManyTopics {
        /// [`HubConfig::max_topics`].
        limit: usize,
    },
    /// There are as many subscribers as may be.
    TooManySubscribers {
        /// [`HubConfig::max_subscribers`].
        limit: usize,
    },
    /// The hub was closed.
    Closed,
}

impl fmt::Display for HubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyTopics { limit } => {
                write!(f, "there are {limit} topics, no more are allowed: use an existing one")
            }
            Self::TooManySubscribers { limit } => {
                write!(f, "there are {limit} subscribers, no more are allowed: try again later")
            }
            Self::Closed => f.write_str("the hub is shutting down: try again later"),
        }
    }
}

impl std::error::Error for HubError {}

impl Hub {
    /// A hub whose topics are kept in memory.
    pub fn new(config: HubConfig) -> Self {
        let limits = config.history;
        Self::with_log(config, move |_| MemoryLog::new(limits))
    }
}

impl<L: Log> Hub<L> {
    /// A hub that asks `new_log` for the log of each new topic, by its name. It must not call the hub.
    pub fn with_log(config: HubConfig, new_log: impl Fn(&str) -> L + Send + Sync + 'static) -> Self {
        Self {
            topics: Arc::new(Topics { by_name: Mutex::default(), new_log: Box::new(new_log) }),
            shared: Arc::new(Shared {
                config,
                subscribers: AtomicUsize::new(0),
                counters: Counters::default(),
                farewell: OnceLock::new(),
            }),
        }
    }

    /// The topic of this name, if there is one.
    pub fn get(&self, name: &str) -> Option<Topic<L>> {
        self.by_name().get(name).map(|topic| Topic(Arc::clone(topic)))
    }

    /// The topic of this name, made now if there is none.
    ///
    /// Where subscribers say the name, they can use up all topics before anybody publishes: let them have only what
    /// [`get`](Self::get) finds, or no more than so many [`silent_topics`](Self::silent_topics).
    ///
    /// # Errors
    ///
    /// [`HubError::TooManyTopics`], after topics that have neither events nor users were forgotten.
    pub fn topic(&self, name: &str) -> Result<Topic<L>, HubError> {
        let mut topics = self.by_name();
        if let Some(topic) = topics.get(name) {
            return Ok(Topic(Arc::clone(topic)));
        }
        let limit = self.shared.config.max_topics;
        if topics.len() >= limit {
            Self::forget_unused(&mut topics);
            if topics.len() >= limit {
                return Err(HubError::TooManyTopics { limit });
            }
        }
        let topic = Arc::new(TopicState::new((self.topics.new_log)(name), Arc::clone(&self.shared)));
        topics.insert(name.to_owned(), Arc::clone(&topic));
        Ok(Topic(topic))
    }

    /// How many topics have no events: nobody published to them yet, or not for a long time. Those among them that nobody
    /// holds are forgotten.
    pub fn silent_topics(&self) -> usize {
        let mut topics = self.by_name();
        Self::forget_unused(&mut topics);
        topics.values().filter(|topic| topic.log.expire()).count()
    }

    /// Lets go of events that are too old, and of topics that are empty and that nobody holds.
    ///
    /// Topics do so when they are published to; a server calls this once in a while for those that fell
    /// silent.
    pub fn expire(&self) {
        Self::forget_unused(&mut self.by_name());
    }

    fn forget_unused(topics: &mut HashMap<String, Arc<TopicState<L>>>) {
        // Handles are only cloned from the map, which is locked: a count of one stays one.
        topics.retain(|_, topic| !topic.log.expire() || Arc::strong_count(topic) > 1);
    }

    /// Ends all subscriptions, each after its last event, and asks the clients to reconnect after `retry`.
    ///
    /// From now on there are no new ones, and to browsers a refusal is final: stop accepting connections first. Who does
    /// not read does not come to its end either: give the server a deadline, too.
    pub fn close(&self, retry: Duration) {
        let farewell = EventBuilder::new().retry(retry).encode().into();
        if self.shared.farewell.set(farewell).is_ok() {
            for topic in self.all() {
                topic.members.wake(None);
            }
        }
    }

    /// Counts and sizes, now.
    pub fn metrics(&self) -> Metrics {
        let topics = self.all();
        let counters = &self.shared.counters;
        Metrics {
            topics: topics.len(),
            subscribers: self.shared.subscribers.load(Ordering::Relaxed),
            lag: topics.iter().map(|topic| topic.lag()).max().unwrap_or(0),
            published: counters.published.load(Ordering::Relaxed),
            sent_bytes: counters.sent_bytes.load(Ordering::Relaxed),
            gaps: counters.gaps.load(Ordering::Relaxed),
            dropped: counters.dropped.load(Ordering::Relaxed),
        }
    }

    /// The topics of now. What is done to each may take its time, or call the hub: not under its lock.
    fn all(&self) -> Vec<Arc<TopicState<L>>> {
        self.by_name().values().cloned().collect()
    }

    fn by_name(&self) -> MutexGuard<'_, HashMap<String, Arc<TopicState<L>>>> {
        // What makes a log may panic, and is not ours: the map is as it was before.
        self.topics.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: Log> Clone for Hub<L> {
    fn clone(&self) -> Self {
        Self { topics: Arc::clone(&self.topics), shared: Arc::clone(&self.shared) }
    }
}

impl<L: Log> fmt::Debug for Hub<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_log_that_cannot_be_made_costs_its_own_topic_alone() {
        let hub = Hub::with_log(HubConfig::default(), |name| {
            assert_ne!(name, "bad");
            MemoryLog::new(HistoryLimits::default())
        });
        assert!(catch_unwind(AssertUnwindSafe(|| drop(hub.topic("bad")))).is_err());
        assert!(hub.topic("good").is_ok());
        assert_eq!(hub.metrics().topics, 1);
    }
}
