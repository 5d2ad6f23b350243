//! Why a hub refuses.

use std::fmt;

/// Why a hub refuses a topic or a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HubError {
    /// There are as many topics as may be, and each is in use.
    TooManyTopics {
        /// [`HubConfig::max_topics`](crate::HubConfig::max_topics).
        limit: usize,
    },
    /// There are as many subscribers as may be.
    TooManySubscribers {
        /// [`HubConfig::max_subscribers`](crate::HubConfig::max_subscribers).
        limit: usize,
    },
    /// The hub was closed.
    Closed,
    /// The topic was ended a moment ago: answer 204, so that the client does not come back.
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
