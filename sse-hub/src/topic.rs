//! A topic: publish to it, subscribe to it.

use std::fmt;

use proto::EventBuilder;

use crate::log::{Amount, Batch, ListedTopic};
use crate::topics::Held;
use crate::{AppendError, From, HubError, LogError, Subscription};

mod state;
mod watch;

pub(crate) use state::{Phase, TopicState};

/// A topic of a [`Hub`](crate::Hub); cheap to clone. As long as a handle lives, the topic stays
/// loaded.
#[derive(Clone)]
pub struct Topic(pub(crate) Held);

/// What a hub knows of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicInfo {
    /// Its name.
    pub name: String,
    /// How many subscribers it has in this process.
    pub subscribers: usize,
    /// See [`Topic::last_event_id`]; `None` if the topic is loaded only to publish to it, or the
    /// log is unavailable.
    pub last_event_id: Option<String>,
}

impl std::convert::From<ListedTopic> for TopicInfo {
    fn from(listed: ListedTopic) -> Self {
        Self { name: listed.name, subscribers: 0, last_event_id: Some(listed.last_event_id) }
    }
}

impl Topic {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Publishes an event and returns its ID: its own, or its [`Place`](crate::Place).
    ///
    /// # Errors
    ///
    /// Those of the log. [`MemoryLog`](crate::MemoryLog) refuses what is larger than it keeps.
    pub async fn publish(&self, event: EventBuilder<'_>) -> Result<String, AppendError> {
        let ids = self.publish_all(&[event]).await?;
        Ok(ids.into_iter().next().unwrap_or_default())
    }

    /// Publishes events together, all or none, so that subscribers get them in one write, and
    /// returns their IDs.
    ///
    /// Subscribers that a loop of it leaves no time to read get a gap and the last of them.
    ///
    /// # Errors
    ///
    /// Those of the log; then none is published, but for [`AppendError::Unknown`].
    pub async fn publish_all(&self, events: &[EventBuilder<'_>]) -> Result<Vec<String>, AppendError> {
        self.append(Batch::new(events)).await
    }

    /// As [`publish_all`](Self::publish_all), and no more than once: a repetition with the same key
    /// and events publishes nothing and returns the same IDs, as long as the topic keeps the
    /// events. After [`AppendError::Unknown`] it is safe to repeat.
    ///
    /// A key has 1 to 128 bytes, text or not, and is the topic's.
    ///
    /// # Errors
    ///
    /// Those of the log; [`AppendError::KeyReused`] if the key came with other events,
    /// [`AppendError::BadKey`] if it is too long or empty.
    pub async fn publish_once(
        &self,
        key: impl AsRef<[u8]>,
        events: &[EventBuilder<'_>],
    ) -> Result<Vec<String>, AppendError> {
        if !(1..=128).contains(&key.as_ref().len()) {
            return Err(AppendError::BadKey);
        }
        self.append(Batch::new(events).with_key(key)).await
    }

    async fn append(&self, batch: Batch) -> Result<Vec<String>, AppendError> {
        if batch.events.is_empty() {
            return Ok(Vec::new());
        }
        let own: Vec<_> = batch.events.iter().map(|event| event.id.clone()).collect();
        let appended = self.0.hub.log.append(&self.0.name, batch).await?;
        if !appended.repeated {
            self.0.published(own.len());
        }
        let id = |(own, at): (Option<std::sync::Arc<str>>, u64)| match own {
            Some(id) => id.as_ref().to_owned(),
            None => appended.first.plus(at).to_string(),
        };
        Ok(own.into_iter().zip(0..).map(id).collect())
    }

    /// Subscribes to what is published from now on, to everything that is kept, or to what follows
    /// an event.
    ///
    /// If following events are missing, the subscription begins with a
    /// [`GAP_EVENT`](crate::GAP_EVENT) and the oldest kept event. While the log is unavailable, a
    /// subscription waits, sends comments, and begins later.
    ///
    /// # Errors
    ///
    /// [`HubError::TooManySubscribers`], [`HubError::Closed`] or [`HubError::Ended`].
    pub async fn subscribe<'a>(&self, from: impl Into<From<'a>>) -> Result<Subscription, HubError> {
        Subscription::begin(self.0.clone(), from.into()).await
    }

    /// The ID of the newest event, or of the place where the topic begins. A client with the state
    /// up to here follows from this ID without a gap.
    ///
    /// # Errors
    ///
    /// If the log is unavailable.
    pub async fn last_event_id(&self) -> Result<String, LogError> {
        if let Some(id) = self.0.last_event_id() {
            return Ok(id);
        }
        let extent = self.0.hub.log.open(&self.0.name, Amount::NONE).await?;
        Ok(extent.last_id.map_or_else(|| extent.last.to_string(), |id| id.as_ref().to_owned()))
    }

    /// Ends the topic: drops its events and lets its subscribers go, on all nodes. For a while
    /// ([`HubConfig::ended_for`](crate::HubConfig::ended_for)) it refuses subscribers and
    /// publishers; then its name is free. Returns whether it had events or subscribers.
    ///
    /// # Errors
    ///
    /// If the log is unavailable; then the topic may have ended.
    pub async fn end(&self) -> Result<bool, LogError> {
        self.0.hub.log.end(&self.0.name, self.0.hub.config.ended_for).await
    }

    /// How many subscribers it has in this process.
    pub fn subscribers(&self) -> usize {
        self.0.members.len()
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("members", &self.0.members.len()).finish_non_exhaustive()
    }
}
