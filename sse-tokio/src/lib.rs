//! Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2) on tokio.

#[cfg(feature = "body")]
mod body;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "codec")]
mod codec;
#[cfg(feature = "io")]
mod io;
#[cfg(feature = "server")]
pub mod server;

#[cfg(feature = "body")]
pub use body::ByteBodyExt;
#[cfg(feature = "client")]
pub use client::{Body, Builder, Error, Event, EventRef, EventSource, Head, RedirectError, TransportError};
#[cfg(feature = "codec")]
pub use codec::{CodecError, EventCodec, OwnedFrame};
#[cfg(feature = "io")]
pub use io::ByteReadExt;
pub use proto::{
    ByteStreamExt, Cause, CloseReason, Config, Error as ParserError, EventBuilder, EventStream,
    EventStreamError, Frame, Jitter, Limits, Liveness, Message, Overflow, Parser, ReadyState,
    ReconnectPolicy, Repeat, Verdict, is_event_stream,
};
#[cfg(feature = "client")]
pub use reqwest;

/// The programs of the README compile.
#[cfg(all(doctest, feature = "axum", feature = "client"))]
#[doc = include_str!("../../README.md")]
struct Readme;
