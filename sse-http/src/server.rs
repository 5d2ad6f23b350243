//! Event streams as response bodies.
//!
//! [`Sse`] makes any `Stream` of events a body, on the clock of any runtime; [`response`] gives the
//! body its headers; [`LastEventId`] reads from a request where its client resumes. With the
//! feature `axum` bodies are responses and the ID is an extractor. The crate `sse-hub` serves one
//! stream to many.

#[cfg(feature = "axum")]
mod axum;
mod encoded;
mod last_event_id;
mod response;
mod sse;

pub use encoded::EncodedEvent;
pub use last_event_id::LastEventId;
pub use proto::{EncodeError, EventBuilder};
pub use response::response;
pub use sse::{Sse, Unfailing};
