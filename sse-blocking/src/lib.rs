//! Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2) in blocking code: no executor, no
//! futures.
//!
//! ```no_run
//! # #[cfg(feature = "ureq")]
//! # fn example() -> Result<(), sse_blocking::Error> {
//! use sse_blocking::{Event, EventSource};
//!
//! for event in EventSource::get("http://127.0.0.1:8080/events")? {
//!     match event? {
//!         Event::Open(head) => println!("open, {}", head.status),
//!         Event::Message(message) => println!("{}: {}", message.event(), message.data()),
//!         Event::Disconnected { cause, delay, .. } => println!("{cause}, again in {delay:?}"),
//!         _ => {}
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! - [`ReadExt::sse`] makes any [`Read`](std::io::Read) an iterator of events.
//! - [`EventSource`] (feature `ureq`) is the complete client: it reconnects, resumes after the last
//!   event ID, and notices a dead connection.
//! - [`Driver`] is the same client over any [`Transport`], which may be a closure that opens a
//!   socket.
//!
//! The protocol itself is in `sse-proto`; this crate adds blocking loops.
//!
//! In scope: threads that block. Out of scope: serving, and an HTTP implementation.
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature | what it adds |
//! |---|---|
//! | `ureq` | [`EventSource`] over ureq, of `http://` alone |
//! | `rustls` | HTTPS by rustls and the roots of Mozilla; implies `ureq` |
//! | `platform-verifier` | the same, with certificates validated by the platform; implies `rustls` |
//! | `native-tls` | HTTPS by the TLS library of the platform, also beside `rustls`; implies `ureq` |
//! | `serde` | typed JSON: [`Messages::json`], [`Message::json`], [`Error::json`], [`Builder::json`] |
#![cfg_attr(docsrs, feature(doc_cfg))]
// With all features, as on docs.rs, every name is a link.
#![cfg_attr(not(all(feature = "ureq", feature = "serde")), allow(rustdoc::broken_intra_doc_links))]

#[cfg(feature = "ureq")]
mod client;
mod closer;
mod driver;
mod reader;
mod transport;

#[cfg(feature = "ureq")]
pub use client::{
    Body as HttpBody, Builder, Error, Event, EventRef, EventSource, Head, Http, Messages, MessagesError,
    RedirectError, Refused, TransportError, Url,
};
pub use closer::Closer;
pub use driver::Driver;
#[cfg(feature = "ureq")]
pub use http;
pub use proto::{
    Cause, ClientEvent, ClientEventRef, CloseReason, Closed, Config, Error as ParserError, ErrorKind, Frame,
    Jitter, Limits, Liveness, Message, Overflow, Parser, ReadyState, ReconnectPolicy, Repeat, Request,
    ResponseHead, Verdict, is_event_stream,
};
pub use reader::{EventReader, ReadExt};
#[cfg(all(feature = "ureq", feature = "serde"))]
pub use sse_http::client::JsonError;
pub use transport::{Attempt, Body, NoTimeout, PlainHead, Transport};
#[cfg(feature = "ureq")]
pub use ureq;
