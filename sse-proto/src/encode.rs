//! Encoder: events to bytes (9.2.5).

mod builder;
mod error;

pub use builder::EventBuilder;
pub use error::{EncodeError, HeartbeatError};
