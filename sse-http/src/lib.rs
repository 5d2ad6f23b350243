//! The HTTP rules of Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2), without I/O and
//! without a runtime.
//!
//! Adapters add a transport and a clock. A rule of HTTP stands in this crate once, a rule of the
//! protocol in `sse-proto`.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod server;

pub use proto;
