//! Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2) in blocking code: no executor, no futures.
//!
//! ```no_run
//! # #[cfg(feature = "ureq")]
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use sse_blocking::{ClientEvent, EventSource};
//!
//! for event in EventSource::get("http://127.0.0.1:8080/events")? {
//!     match event? {
//!         ClientEvent::Open(head) => println!("open, {}", head.status),
//!         ClientEvent::Message(message) => println!("{}: {}", message.event(), message.data()),
//!         ClientEvent::Disconnected { cause, delay, .. } => println!("{cause}, again in {delay:?}"),
//!         _ => {}
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! - [`ReadExt::sse`] makes any [`Read`](std::io::Read) an iterator of events.
//! - [`EventSource`] is the whole client: it reconnects, resumes after the last event ID, and notices a dead
//!   connection. It runs over a [`Transport`], which may be a closure that opens a socket.
//! - Behind the feature `ureq`, the module `client` is such a transport: `EventSource::get(url)`, as above.
//!
//! The protocol itself is in `sse-proto`; what is here is loops around it.
//!
//! In scope: threads that block. Out of scope: serving, and an HTTP implementation.
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature | what it adds |
//! |---|---|
//! | `ureq` | `client`: `EventSource` over ureq, of `http://` alone |
//! | `rustls` | HTTPS by rustls and the roots of Mozilla; implies `ureq` |
//! | `platform-verifier` | the same, certificates judged by the platform; implies `rustls` |
//! | `native-tls` | HTTPS by the TLS library of the platform, also beside `rustls`; implies `ureq` |
//! | `serde` | `Message::json` and `Event::json`: data as JSON, typed |

#[cfg(feature = "ureq")]
pub mod client;
mod closer;
mod reader;
mod source;
mod transport;

pub use closer::Closer;
pub use proto::{
    Cause, CloseReason, Closed, Config, Error, ErrorKind, Event, Frame, Jitter, Limits, Liveness, Message,
    Overflow, Parser, ReadyState, ReconnectPolicy, Repeat, Request, ResponseHead, Verdict, is_event_stream,
};
pub use proto::{ClientEvent, ClientEventRef};
pub use reader::{EventReader, ReadExt};
pub use source::EventSource;
pub use transport::{Attempt, Body, Head, NoTimeout, Transport};
