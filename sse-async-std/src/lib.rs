//! Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2) on async-std, on smol, and on any
//! other executor.
//!
//! ```no_run
//! use futures_util::TryStreamExt;
//! use sse_async_std::{Event, EventSource};
//!
//! smol::block_on(async {
//!     let mut source = EventSource::get("http://127.0.0.1:8080/events")?;
//!     while let Some(event) = source.try_next().await? {
//!         match event {
//!             Event::Message(message) => println!("{}: {}", message.event(), message.data()),
//!             Event::Disconnected { cause, delay, .. } => println!("{cause}; again in {delay:?}"),
//!             _ => {}
//!         }
//!     }
//!     Ok::<(), sse_async_std::Error>(())
//! })?;
//! # Ok::<(), sse_async_std::Error>(())
//! ```
//!
//! - [`EventSource`] is the client: a stream of events that reconnects, over hyper.
//! - [`ByteReadExt::sse`] reads events from any [`AsyncRead`](futures_io::AsyncRead),
//!   [`ByteStreamExt::sse`] from any stream of bytes. (`sse-proto` alone provides both, with the
//!   feature `futures-io`.)
//! - [`Sse`] is the body of a response, for hyper servers.
//!
//! Nothing is spawned: a body drives its own connection, so any executor can poll it. Sockets and
//! timers come from async-io, which async-std and smol use too.
//!
//! **async-std is discontinued** (RUSTSEC-2025-0052). It is the default here for existing users of
//! async-std. To build without it, switch the default features off and name what you need:
//!
//! ```toml
//! sse-async-std = { version = "0.1", default-features = false, features = ["smol", "platform-verifier"] }
//! ```
//!
//! In scope: HTTP/1.1, TLS, redirects, proxies of the environment. Out of scope: HTTP/2, which
//! needs a spawned task; connection pools, cookies and compression, which an event stream does not
//! need.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `async-std` (default) | host names are resolved by async-std |
//! | `smol` | nothing: without `async-std` they are resolved by smol's async-net |
//! | `platform-verifier` (default) | HTTPS by rustls, with certificates validated by the platform |
//! | `webpki-roots` | HTTPS by rustls and the roots of Mozilla, unless `platform-verifier` is there |
//! | `rustls` | HTTPS by rustls with a `ClientConfig` that you set: [`Builder::tls`] |
//! | `system-proxy` (default) | the HTTP proxy that the environment names |
//! | `serde` | typed JSON: [`Messages::json`], [`Message::json`], [`Error::json`], [`Builder::json`] |
#![cfg_attr(docsrs, feature(doc_cfg))]
// With all features, as on docs.rs, every name is a link.
#![cfg_attr(not(all(feature = "rustls", feature = "serde")), allow(rustdoc::broken_intra_doc_links))]

mod client;
mod clock;
mod server;

pub use client::{
    Body, Builder, Error, Event, EventRef, EventSource, Head, Http, Messages, MessagesError, RedirectError,
    Refused, TransportError,
};
pub use clock::{Clock, Sleep};
#[cfg(feature = "rustls")]
pub use futures_rustls::rustls;
pub use http;
pub use proto::{
    ByteReadExt, ByteStreamExt, Cause, CloseReason, Config, EncodeError, Error as ParserError, EventBuilder,
    EventStream, EventStreamError, Frame, Jitter, Limits, Liveness, Message, Overflow, Parser, ReadChunks,
    ReadyState, ReconnectPolicy, Repeat, Verdict, is_event_stream,
};
pub use server::{EncodedEvent, LastEventId, Sse, response};
#[cfg(feature = "serde")]
pub use sse_http::client::JsonError;
pub use url::Url;
