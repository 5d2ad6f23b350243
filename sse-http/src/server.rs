//! Event streams as response bodies.
//!
//! [`Sse`] turns any `Stream` of events into a body, on the clock of any runtime; [`response`] adds
//! the headers; [`LastEventId`] reads the ID after which the client resumes. With the feature
//! `axum`, bodies can be returned from handlers, and the ID is an extractor. The crate `sse-hub`
//! serves one stream to many clients.

#[cfg(feature = "axum")]
mod axum;
mod encoded;
mod last_event_id;
mod response;
mod sse;

pub use encoded::EncodedEvent;
pub use last_event_id::LastEventId;
pub use proto::{EncodeError, EventBuilder, HeartbeatError};
pub use response::response;
pub use sse::{Sse, Unfailing};
