//! The HTTP rules of Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2), without I/O and
//! without a runtime.
//!
//! Adapters (`sse-tokio`, `sse-async-std`, `sse-blocking`) add a transport and a clock. The rules
//! of the event stream itself are in `sse-proto`.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod server;

pub use proto;
