//! Serves event streams: one response at a time, or one log to many.
//!
//! - [`Sse`] makes any `Stream` of events a body; [`response`] gives it its headers. Behind the feature `axum`,
//!   bodies are responses.
//! - [`Hub`] has topics. What is published to a [`Topic`] is encoded once and kept in its [`Log`]; every
//!   [`Subscription`], a body as well, is a cursor into that log, replays from a [`LastEventId`], and reads all
//!   there is in one frame.
//!
//! ```text
//!  publish ─► Topic ─► Log: │ 7 │ 8 │ 9 │◄─ append
//!                        ▲       ▲   ▲
//!                     evicted    │   └─ cursor of a Subscription that is up to date: waits
//!                     (a gap)    └───── cursor of one that lags: 8 and 9 are its next frame
//! ```
//!
//! All timers are tokio's: bodies are polled inside a runtime with time enabled, those of one topic inside the same.

#[cfg(feature = "axum")]
mod axum;
mod encoded;
mod hub;
mod last_event_id;
mod log;
mod members;
mod memory;
mod metrics;
mod response;
mod sse;
mod subscription;
mod topic;

pub use encoded::EncodedEvent;
pub use hub::{Hub, HubConfig, HubError, Slow};
pub use last_event_id::LastEventId;
pub use log::Log;
pub use memory::MemoryLog;
pub use metrics::Metrics;
pub use proto::{Cursor, EncodeError, EventBuilder, Gap, HistoryLimits};
pub use response::response;
pub use sse::{Sse, Unfailing};
pub use subscription::{GAP_EVENT, Subscription};
pub use topic::Topic;
