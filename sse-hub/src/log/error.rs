//! Errors of a log.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

/// Why a batch was not appended, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendError {
    /// Too many batches wait. Nothing was appended.
    Busy {
        /// How long to wait before a retry.
        retry_after: Duration,
    },
    /// The log cannot be reached. Nothing was appended.
    Unavailable {
        /// How long to wait before a retry.
        retry_after: Duration,
    },
    /// The log did not answer: the batch may have been appended. A safe retry needs a
    /// [`Key`](super::Key).
    Unknown {
        /// When to try again.
        retry_after: Duration,
    },
    /// The batch is larger than a topic can keep, so it could never be read whole. Nothing was
    /// appended.
    TooLarge {
        /// How many events a topic can keep.
        events: usize,
        /// How many bytes a topic can keep.
        bytes: usize,
    },
    /// The topic knows the key from a batch with other events. Nothing was appended.
    KeyReused,
    /// The idempotency key does not have 1 to 128 bytes. Nothing was appended.
    BadKey,
    /// The topic was ended recently. Nothing was appended.
    Ended,
    /// The log does not work until the process is restarted. Nothing was appended. The reason
    /// contains no secret.
    Broken(String),
}

impl AppendError {
    /// The HTTP status for the error: 400, 410, 413, 422 or 503.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadKey => StatusCode::BAD_REQUEST,
            Self::Ended => StatusCode::GONE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Busy { .. } | Self::Unavailable { .. } | Self::Unknown { .. } | Self::Broken(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// How long to wait before a retry; `None` if a retry is futile.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after }
            | Self::Unavailable { retry_after }
            | Self::Unknown { retry_after } => Some(*retry_after),
            Self::Broken(_) => Some(Duration::from_secs(60)),
            _ => None,
        }
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { .. } => f.write_str("too much is being published: try again later"),
            Self::Unavailable { .. } => {
                f.write_str("the event log is not available, nothing was published: try again later")
            }
            Self::Unknown { .. } => f.write_str(
                "the event log did not answer, the events may have been published: repeat them with the same idempotency key",
            ),
            Self::TooLarge { events, bytes } => {
                write!(f, "a topic keeps {events} events and {bytes} bytes: publish less at a time")
            }
            Self::KeyReused => f.write_str("the idempotency key was used for other events: choose another one"),
            Self::BadKey => f.write_str("an idempotency key has 1 to 128 bytes"),
            Self::Ended => f.write_str("the topic has ended"),
            Self::Broken(reason) => write!(f, "the event log is broken: {reason}"),
        }
    }
}

impl std::error::Error for AppendError {}

/// Why a call of the log failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogError {
    /// The log cannot be reached.
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// The requested events cannot be read; other parts of the log may be readable. The reason
    /// contains no secret.
    Corrupt(String),
    /// The log does not work until the process is restarted. The reason contains no secret.
    Broken(String),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable { .. } => f.write_str("the event log is not available: try again later"),
            Self::Corrupt(reason) => write!(f, "a part of the event log cannot be read: {reason}"),
            Self::Broken(reason) => write!(f, "the event log is broken: {reason}"),
        }
    }
}

impl std::error::Error for LogError {}
