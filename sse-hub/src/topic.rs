//! Topic: publishing and subscribing.

use std::fmt;

use proto::EventBuilder;

use crate::log::{Batch, ListedTopic};
use crate::topics::Held;
use crate::{AppendError, From, HubError, LogError, Subscription};

mod state;
mod timer;

pub(crate) use state::{Phase, TopicState};

/// Handle of a topic of a [`Hub`](crate::Hub); cheap to clone. The topic stays in memory as long as
/// one of its handles or subscriptions exists.
#[derive(Clone)]
pub struct Topic(pub(crate) Held);

/// Information about a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicInfo {
    /// The name of the topic.
    pub name: String,
    /// How many subscribers the topic has in this process.
    pub subscribers: usize,
    /// The ID of the newest event ([`Topic::last_event_id`]); `None` if the topic is in memory only
    /// for publishing, or if the log is unavailable.
    pub last_event_id: Option<String>,
}

impl std::convert::From<ListedTopic> for TopicInfo {
    fn from(listed: ListedTopic) -> Self {
        Self { name: listed.name, subscribers: 0, last_event_id: Some(listed.last_event_id) }
    }
}

impl Topic {
    /// The name of the topic.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Publishes an event and returns its ID: the event's own, or its [`Place`](crate::Place). If
    /// the future is dropped before it completes, the event may still be published.
    ///
    /// # Errors
    ///
    /// The errors of the log. [`MemoryLog`](crate::MemoryLog) refuses an event that is larger than
    /// it can keep.
    pub async fn publish(&self, event: EventBuilder<'_>) -> Result<String, AppendError> {
        let ids = self.publish_all(&[event]).await?;
        Ok(ids.into_iter().next().unwrap_or_default())
    }

    /// Publishes events together, all or none, and returns their IDs. Subscribers get them in one
    /// write. If the future is dropped before it completes, they may still be published.
    ///
    /// If a loop of calls leaves subscribers no time to read, they get a gap and the last events.
    ///
    /// # Errors
    ///
    /// The errors of the log. No event was published, except that after [`AppendError::Unknown`]
    /// they may have been.
    pub async fn publish_all(&self, events: &[EventBuilder<'_>]) -> Result<Vec<String>, AppendError> {
        self.append(Batch::new(events)).await
    }

    /// Publishes events at most once: like [`publish_all`](Self::publish_all), but a repeated call
    /// with the same key and events publishes nothing and returns the same IDs, as long as the
    /// topic keeps the events. After [`AppendError::Unknown`] it is safe to repeat the call.
    ///
    /// A key has 1 to 128 bytes of any value, and applies to one topic.
    ///
    /// # Errors
    ///
    /// The errors of the log; [`AppendError::KeyReused`] if the key was used for other events,
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
            self.0.state().published(own.len());
        }
        let id = |(own, at): (Option<std::sync::Arc<str>>, u64)| match own {
            Some(id) => id.as_ref().to_owned(),
            None => appended.first.plus(at).to_string(),
        };
        Ok(own.into_iter().zip(0..).map(id).collect())
    }

    /// Subscribes to the events from now on, to all kept events, or to the events after an ID.
    ///
    /// If following events are missing, the subscription begins with a
    /// [`GAP_EVENT`](crate::GAP_EVENT) and the oldest kept event. While the log is unavailable, a
    /// subscription waits, sends comments, and begins later.
    ///
    /// # Errors
    ///
    /// [`HubError::TooManySubscribers`], [`HubError::Closed`] or [`HubError::Ended`].
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with time enabled, if the log does not answer at once. (The log in
    /// memory does.)
    pub async fn subscribe<'a>(&self, from: impl Into<From<'a>>) -> Result<Subscription, HubError> {
        Subscription::begin(self.0.clone(), from.into()).await
    }

    /// The ID of the newest event, or of the topic's start if it has had none; `Ok(None)` if the
    /// topic was ended and is still refused. A client that has the state up to this event
    /// subscribes from this ID without a gap.
    ///
    /// # Errors
    ///
    /// If the log is unavailable.
    pub async fn last_event_id(&self) -> Result<Option<String>, LogError> {
        match self.0.last_event_id() {
            Some(id) => Ok(Some(id)),
            None => self.0.hub.last_event_id(&self.0.name).await,
        }
    }

    /// Ends the topic: drops its events and ends its subscribers' responses, on all nodes. For the
    /// time [`HubConfig::ended_for`](crate::HubConfig::ended_for) it refuses subscribers and
    /// publishers; then its name is free. Returns whether it had events or subscribers.
    ///
    /// # Errors
    ///
    /// If the log is unavailable; then the topic may have ended.
    pub async fn end(&self) -> Result<bool, LogError> {
        self.0.hub.log.end(&self.0.name, self.0.hub.config.ended_for).await
    }

    /// How many subscribers the topic has in this process.
    pub fn subscribers(&self) -> usize {
        self.0.members.len()
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("members", &self.0.members.len()).finish_non_exhaustive()
    }
}
