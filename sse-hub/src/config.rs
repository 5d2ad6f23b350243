//! How a hub behaves.

use std::time::Duration;

use bytes::Bytes;
use proto::{EncodeError, EventBuilder, HistoryLimits, KeepAlive};

/// How a [`Hub`](crate::Hub) behaves.
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
    /// How much of each topic is kept in memory; see [`HistoryLimits`] for the defaults. Without a
    /// log beneath it is all that is kept.
    pub history: HistoryLimits,
    /// After how long a silence subscribers are sent a comment, or a
    /// [heartbeat](Self::with_heartbeat); 15 s by default, `Duration::MAX` means never.
    pub keep_alive: Duration,
    /// The comment or the heartbeat, encoded.
    pub(crate) sign_of_life: Bytes,
    /// The reconnection time (`retry`, 9.2.6) that is sent to subscribers at their start; none by
    /// default.
    pub retry: Option<Duration>,
    /// By how much, at random, the reconnection time of a farewell is lengthened, so that not all
    /// clients come back at once; zero by default.
    pub retry_spread: Duration,
    /// After how long a subscriber is let go, between two events, to come back; none by default.
    /// Each is let go up to a tenth earlier, at random.
    pub max_age: Option<Duration>,
    /// The reaction to a subscriber whose next event is no longer kept.
    pub on_lag: OnLag,
    /// How many topics may be loaded; 1,024 by default.
    pub max_topics: usize,
    /// How many subscribers there may be, of all topics; 65,536 by default.
    pub max_subscribers: usize,
    /// The number of forgotten topics whose last place a hub in memory remembers, so that returning
    /// subscribers get no needless gap; 16,384 by default, about 150 bytes each.
    pub remembered_topics: usize,
    /// How long a topic that was ended refuses publishers and subscribers; 60 s by default.
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
    /// Sends an event of this type instead of the comment, with empty data and without an ID.
    ///
    /// An `EventSource` dispatches the event to the listeners of its type, so that a page can tell
    /// a silent stream from a dead connection; a comment never reaches a page (WHATWG HTML 9.2.6).
    /// The event is not one of the topic: it is not kept, and no position moves. With
    /// [`SeveralTopics::label_types`](crate::SeveralTopics::label_types) the type stays as it is.
    ///
    /// # Errors
    ///
    /// If the type contains CR or LF.
    pub fn with_heartbeat(mut self, event_type: &str) -> Result<Self, EncodeError> {
        self.sign_of_life = EventBuilder::heartbeat(event_type)?.encode().into();
        Ok(self)
    }
}

/// The reaction to a subscriber whose next event is no longer kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnLag {
    /// It is sent a [`GAP_EVENT`](crate::GAP_EVENT) and goes on with the oldest event that is kept.
    #[default]
    SendGap,
    /// Its response ends. A client that reconnects then gets a gap event.
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
