//! Hub: topics to publish to and subscribe to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::log::{Amount, Health, Log, LogError};
use crate::metrics::Counters;
use crate::topic::Phase;
use crate::topics::Topics;
use crate::{HubConfig, HubError, MemoryLog, Metrics, Topic, TopicInfo};

/// How many reads of events that are no longer in memory may run at a time.
const COLD_READS: usize = 64;

/// Topics that are published to and subscribed to; cloning it gives another handle to the same hub.
///
/// **No subscriber can slow another one, or use more memory:** an event is encoded once and kept
/// once. A subscriber that is so slow that its next event is no longer kept gets a gap event or is
/// disconnected: see [`OnLag`](crate::OnLag).
///
/// # Example
///
/// ```
/// use http_body_util::BodyExt;
/// use sse_hub::{EventBuilder, From, Hub, HubConfig};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let hub = Hub::new(HubConfig::default());
/// let topic = hub.topic("news")?;
/// let id = topic.publish(EventBuilder::new().data("one")).await?;
/// topic.publish(EventBuilder::new().data("two")).await?;
///
/// let mut subscription = topic.subscribe(From::After(&id)).await?;
/// let frame = subscription.frame().await.unwrap()?;
/// assert!(frame.into_data().unwrap().starts_with(b"data: two\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Hub {
    pub(crate) topics: Arc<Topics>,
    shared: Arc<Shared>,
}

/// State of a hub that its topics share.
pub(crate) struct Shared {
    pub(crate) config: HubConfig,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) clock: Clock,
    pub(crate) subscribers: AtomicUsize,
    /// The number of topics without events.
    pub(crate) empty: AtomicUsize,
    pub(crate) counters: Counters,
    pub(crate) cold_reads: Semaphore,
    /// The reconnection time that subscribers are sent at the end, set when the hub closes.
    pub(crate) farewell: OnceLock<Duration>,
}

impl Hub {
    /// Creates a hub that keeps its events only in memory.
    pub fn new(config: HubConfig) -> Self {
        let log = MemoryLog::new(config.history, config.remembered_topics);
        Self::with_log(config, Arc::new(log))
    }

    /// Creates a hub whose topics are kept in `log`.
    pub fn with_log(config: HubConfig, log: Arc<dyn Log>) -> Self {
        let shared = Arc::new(Shared {
            config,
            log,
            clock: Clock::default(),
            subscribers: AtomicUsize::new(0),
            empty: AtomicUsize::new(0),
            counters: Counters::default(),
            cold_reads: Semaphore::new(COLD_READS),
            farewell: OnceLock::new(),
        });
        Self { topics: Arc::new(Topics::new(Arc::clone(&shared))), shared }
    }

    /// The topic of this name, if it is in memory.
    pub fn get(&self, name: &str) -> Option<Topic> {
        self.topics.get(name).map(Topic)
    }

    /// The topic of this name, brought into memory if it is not there.
    ///
    /// If clients choose the name, they could use up all topics before the first publish: give them
    /// only topics that [`get`](Self::get) finds, or limit the number of
    /// [`empty_topics`](Self::empty_topics).
    ///
    /// # Errors
    ///
    /// [`HubError::TooManyTopics`], if the hub is full and every topic has subscribers, handles, or
    /// events that are kept only in memory.
    pub fn topic(&self, name: &str) -> Result<Topic, HubError> {
        self.topics.get_or_make(name).map(Topic)
    }

    /// The ID of the newest event of a topic, in memory or not; the topic is neither created nor
    /// brought into memory.
    ///
    /// The result is that of [`Topic::last_event_id`]: for a topic that has had no events, the ID
    /// of its start; `Ok(None)` for a topic that was ended and is still refused.
    ///
    /// # Errors
    ///
    /// If the log is unavailable.
    pub async fn last_event_id(&self, name: &str) -> Result<Option<String>, LogError> {
        if let Some(id) = self.topics.get(name).and_then(|topic| topic.last_event_id()) {
            return Ok(Some(id));
        }
        self.shared.last_event_id(name).await
    }

    /// Whether a topic has events, in memory or in the log; false while the log is unavailable. The
    /// topic is neither created nor brought into memory.
    pub async fn has_events(&self, name: &str) -> bool {
        let extent = self.shared.log.open(name, Amount::NONE).await;
        extent.is_ok_and(|extent| extent.start.number < extent.last.number)
    }

    /// Ends the topic of this name, in memory or not; see [`Topic::end`]. Returns whether it
    /// existed.
    ///
    /// # Errors
    ///
    /// If the log is unavailable; then the topic may have ended.
    pub async fn end(&self, name: &str) -> Result<bool, LogError> {
        self.shared.log.end(name, self.shared.config.ended_for).await
    }

    /// How many topics in memory have no events, as far as known.
    pub fn empty_topics(&self) -> usize {
        self.shared.empty.load(Ordering::Relaxed)
    }

    /// The topics in memory and those that the log lists ([`Log::topics`]: all topics on disk, none
    /// over Redis): at most `limit` of them, ordered by name, beginning after the name `after`.
    /// Topics that were ended are not listed.
    ///
    /// # Errors
    ///
    /// If the log is unavailable.
    pub async fn topics(&self, after: Option<&str>, limit: usize) -> Result<Vec<TopicInfo>, LogError> {
        let held = self.shared.log.topics(after, limit).await?;
        let mut topics: BTreeMap<_, TopicInfo> =
            held.into_iter().map(|held| (held.name.clone(), held.into())).collect();
        for mut loaded in self.loaded_topics(after, limit) {
            let held = topics.remove(&loaded.name).and_then(|held| held.last_event_id);
            loaded.last_event_id = loaded.last_event_id.or(held);
            topics.insert(loaded.name.clone(), loaded);
        }
        Ok(topics.into_values().take(limit).collect())
    }

    fn loaded_topics(&self, after: Option<&str>, limit: usize) -> Vec<TopicInfo> {
        let mut topics = self.topics.all();
        topics.retain(|topic| *topic.phase.borrow() != Phase::Ended);
        topics.retain(|topic| after.is_none_or(|after| &*topic.name > after));
        if topics.len() > limit && limit > 0 {
            topics.select_nth_unstable_by(limit - 1, |a, b| a.name.cmp(&b.name));
        }
        topics.truncate(limit);
        topics.iter().map(|topic| topic.info()).collect()
    }

    /// The topics with the most subscribers, at most `limit` of them.
    pub fn largest_topics(&self, limit: usize) -> Vec<TopicInfo> {
        let mut topics: Vec<_> =
            self.topics.all().into_iter().map(|topic| (topic.members.len(), topic)).collect();
        topics.sort_unstable_by(|(a, one), (b, other)| b.cmp(a).then_with(|| one.name.cmp(&other.name)));
        topics.truncate(limit);
        topics.iter().map(|(_, topic)| topic.info()).collect()
    }

    /// Drops expired events and unused topics.
    ///
    /// A topic does this itself when something is published to it; call this from time to time for
    /// topics that are silent.
    pub fn expire(&self) {
        self.shared.log.expire();
        self.topics.expire();
    }

    /// Ends all subscriptions, each after its last event, and asks the clients to reconnect after
    /// `retry`, lengthened at random by up to [`HubConfig::retry_spread`].
    ///
    /// New subscribers are refused from now on, and browsers do not reconnect after a refusal: stop
    /// accepting connections first. A subscriber that stops reading never reaches its end: set a
    /// deadline for the server's shutdown too. The log stays open: see
    /// [`close_log`](Self::close_log).
    pub fn close(&self, retry: Duration) {
        if self.shared.farewell.set(retry).is_ok() {
            for topic in self.topics.all() {
                topic.members.wake(None);
            }
        }
    }

    /// Finishes pending work, and closes the files and connections of the log. Publishing fails
    /// from now on.
    pub async fn close_log(&self) {
        self.shared.log.close().await;
    }

    /// Whether the log works.
    pub fn health(&self) -> Health {
        self.shared.log.health()
    }

    /// The current counts and sizes.
    pub fn metrics(&self) -> Metrics {
        let topics = self.topics.all();
        let counters = &self.shared.counters;
        Metrics {
            topics: topics.len(),
            subscribers: self.shared.subscribers.load(Ordering::Relaxed),
            lag: topics.iter().map(|topic| topic.lag()).max().unwrap_or(0),
            published: counters.published.load(Ordering::Relaxed),
            sent_bytes: counters.sent_bytes.load(Ordering::Relaxed),
            gaps: counters.gaps.load(Ordering::Relaxed),
            dropped: counters.dropped.load(Ordering::Relaxed),
            latency: counters.latency.get(),
        }
    }
}

impl Shared {
    /// The ID of the newest event of a topic in the log; `None` if the topic was ended.
    pub(crate) async fn last_event_id(&self, name: &str) -> Result<Option<String>, LogError> {
        let extent = self.log.open(name, Amount::NONE).await?;
        let id = extent.last_id.map_or_else(|| extent.last.to_string(), |id| id.as_ref().to_owned());
        Ok(Some(id).filter(|_| extent.ended.is_none()))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("config", &self.shared.config).finish_non_exhaustive()
    }
}
