//! Error of a hub that refuses a topic or a subscriber.

use std::fmt;

/// Why a hub refused a topic or a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HubError {
    /// The hub has its maximal number of topics, and all of them are in use.
    TooManyTopics {
        /// The limit that was reached: [`HubConfig::max_topics`](crate::HubConfig::max_topics).
        limit: usize,
    },
    /// The hub has its maximal number of subscribers.
    TooManySubscribers {
        /// The limit that was reached:
        /// [`HubConfig::max_subscribers`](crate::HubConfig::max_subscribers).
        limit: usize,
    },
    /// The hub was closed.
    Closed,
    /// The topic was ended recently: respond with 204, so that the client does not reconnect
    /// (9.2.3).
    Ended,
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
            Self::Ended => f.write_str("the topic has ended"),
        }
    }
}

impl std::error::Error for HubError {}
