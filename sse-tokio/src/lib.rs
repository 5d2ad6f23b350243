//! Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2) on tokio.

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "server")]
pub mod server;

#[cfg(feature = "client")]
pub use client::{Body, Builder, Error, Event, EventRef, EventSource, Head, RedirectError, TransportError};
pub use proto::{
    ByteStreamExt, Cause, CloseReason, Config, EventBuilder, EventStream, EventStreamError, Jitter, Limits,
    Liveness, Message, Overflow, ReadyState, ReconnectPolicy, Repeat, Verdict,
};
#[cfg(feature = "client")]
pub use reqwest;

/// The programs of the README compile.
#[cfg(all(doctest, feature = "axum", feature = "client"))]
#[doc = include_str!("../../README.md")]
struct Readme;
