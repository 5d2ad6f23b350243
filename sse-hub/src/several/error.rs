//! Why several topics cannot be followed together.

use std::fmt;

use super::{ID, TOPICS};
use crate::HubError;

/// Why several topics cannot be followed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeveralError {
    /// No topic was named.
    NoTopic,
    /// There are more than 32 topics, or their names are so long that an ID would be longer than
    /// 4,096 bytes.
    TooManyTopics,
    /// The hub refused, as for one topic; [`HubError::Ended`] if all topics have ended.
    Hub(HubError),
}

impl fmt::Display for SeveralError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTopic => f.write_str("no topic is named: give at least one"),
            Self::TooManyTopics => {
                write!(f, "more than {TOPICS} topics, or names of more than {ID} bytes together")
            }
            Self::Hub(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SeveralError {}

impl std::convert::From<HubError> for SeveralError {
    fn from(error: HubError) -> Self {
        Self::Hub(error)
    }
}
