//! Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2) in blocking code: no executor, no futures.
//!
//! - [`ReadExt::sse`] makes any [`Read`](std::io::Read) an iterator of events.
//! - [`EventSource`] is the whole client: it reconnects, resumes after the last event ID, and notices a dead
//!   connection. It runs over a [`Transport`], which may be a closure that opens a socket.
//! - Behind the feature `ureq`, the module [`client`] is such a transport: `EventSource::get(url)`.
//!
//! The protocol itself is in `sse-proto`; what is here is loops around it.
//!
//! In scope: threads that block. Out of scope: serving, and an HTTP implementation.

#[cfg(feature = "ureq")]
pub mod client;
mod closer;
mod reader;
mod source;
mod transport;

pub use closer::Closer;
pub use proto::{
    Cause, CloseReason, Closed, Config, Error, ErrorKind, Event, Frame, Jitter, Limits, Liveness, Message,
    Overflow, Parser, ReadyState, ReconnectPolicy, Repeat, Request, ResponseHead, Verdict,
};
pub use proto::{ClientEvent, ClientEventRef};
pub use reader::{EventReader, ReadExt};
pub use source::EventSource;
pub use transport::{Attempt, Body, Head, NoTimeout, Transport};
