//! Settings of a hub.

use std::time::Duration;

use bytes::Bytes;
use proto::{EventBuilder, HeartbeatError, HistoryLimits, KeepAlive};

use crate::GAP_EVENT;

/// Settings of a [`Hub`](crate::Hub).
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use sse_hub::HubConfig;
///
/// let config = HubConfig::default().with_max_topics(100).with_retry(Duration::from_secs(2));
/// assert_eq!(config.retry, Some(Duration::from_secs(2)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubConfig {
    /// How many events of each topic are kept in memory; see [`HistoryLimits`] for the defaults. A
    /// hub without another log keeps nothing else.
    pub history: HistoryLimits,
    /// The length of silence after which subscribers are sent a comment, or a
    /// [heartbeat](Self::with_heartbeat); 15 s by default (9.2.7), `Duration::MAX` means never.
    pub keep_alive: Duration,
    /// The encoded comment or heartbeat that is sent after a silence.
    pub(crate) sign_of_life: Bytes,
    /// The reconnection time (`retry`, 9.2.6) that each subscriber is sent first; none by default.
    pub retry: Option<Duration>,
    /// The random time that is added to the reconnection time when the hub closes or a subscriber
    /// reaches its maximal age, so that not all clients return at once; zero by default.
    pub retry_spread: Duration,
    /// How long a subscriber may stay. After that time its response ends between two events, and
    /// the client reconnects; no limit by default. Each response ends up to a tenth earlier, at
    /// random.
    pub max_age: Option<Duration>,
    /// Handling of a subscriber that is so slow that its next event is no longer kept.
    pub on_lag: OnLag,
    /// How many topics may be in memory at a time; 1,024 by default.
    pub max_topics: usize,
    /// How many subscribers all topics together may have; 65,536 by default.
    pub max_subscribers: usize,
    /// How many forgotten topics a hub in memory remembers the last place of, so that returning
    /// subscribers get no needless gap; 16,384 by default, about 150 bytes each.
    pub remembered_topics: usize,
    /// How long an ended topic refuses publishers and subscribers; 60 s by default.
    pub ended_for: Duration,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            history: HistoryLimits::default(),
            keep_alive: KeepAlive::INTERVAL,
            sign_of_life: EventBuilder::new().comment("").encode().into(),
            retry: None,
            retry_spread: Duration::ZERO,
            max_age: None,
            on_lag: OnLag::default(),
            max_topics: 1024,
            max_subscribers: 65_536,
            remembered_topics: 16_384,
            ended_for: Duration::from_secs(60),
        }
    }
}

impl HubConfig {
    /// Sends an event of this type, with empty data and without an ID, instead of the keep-alive
    /// comment.
    ///
    /// An `EventSource` dispatches the event to the listeners of its type, so a page can
    /// distinguish a silent stream from a dead connection; a comment never reaches a page (WHATWG
    /// HTML 9.2.6). The event does not belong to the topic: it is not kept, and no position
    /// changes. With [`SeveralTopics::label_types`](crate::SeveralTopics::label_types) the type
    /// gets no label.
    ///
    /// # Errors
    ///
    /// If the type contains CR or LF, or if a client has handlers for it that would get the
    /// heartbeat: it is empty, `message`, `open`, `error`, or the [`GAP_EVENT`].
    pub fn with_heartbeat(mut self, event_type: &str) -> Result<Self, HeartbeatError> {
        if event_type == GAP_EVENT {
            return Err(HeartbeatError::Reserved);
        }
        self.sign_of_life = EventBuilder::heartbeat(event_type)?.encode().into();
        Ok(self)
    }
}

/// Handling of a subscriber that is so slow that its next event is no longer kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnLag {
    /// The subscriber gets a [`GAP_EVENT`] and continues with the oldest kept
    /// event.
    #[default]
    SendGap,
    /// The subscriber's response ends. A client that reconnects then gets a gap event.
    Disconnect,
}

macro_rules! setters {
    ($($with:ident $field:ident: $type:ty => $value:expr),* $(,)?) => {
        impl HubConfig {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                pub fn $with(mut self, $field: $type) -> Self {
                    self.$field = $value;
                    self
                }
            )*
        }
    };
}

setters! {
    with_history history: HistoryLimits => history,
    with_keep_alive keep_alive: Duration => keep_alive,
    with_retry retry: Duration => Some(retry),
    with_retry_spread retry_spread: Duration => retry_spread,
    with_max_age max_age: Duration => Some(max_age),
    with_on_lag on_lag: OnLag => on_lag,
    with_max_topics max_topics: usize => max_topics,
    with_max_subscribers max_subscribers: usize => max_subscribers,
    with_remembered_topics remembered_topics: usize => remembered_topics,
    with_ended_for ended_for: Duration => ended_for,
}
