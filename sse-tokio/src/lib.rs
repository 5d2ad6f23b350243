//! Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2) on tokio.

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "server")]
pub mod server;

#[cfg(feature = "client")]
pub use client::{Body, Builder, Error, Event, EventRef, EventSource, Head, RedirectError, TransportError};
#[cfg(feature = "client")]
pub use proto::{ByteStreamExt, EventStream, EventStreamError};
pub use proto::{
    Cause, CloseReason, Config, EventBuilder, Jitter, Limits, Liveness, Message, Overflow, ReadyState,
    ReconnectPolicy, Repeat, Verdict,
};
#[cfg(feature = "client")]
pub use reqwest;
