//! Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2) on tokio: a client that reconnects,
//! and servers.
//!
//! ```no_run
//! # #[cfg(feature = "client")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use futures_util::TryStreamExt;
//! use sse_tokio::{Event, EventSource};
//!
//! let mut source = EventSource::get("http://127.0.0.1:8080/events")?;
//! while let Some(event) = source.try_next().await? {
//!     match event {
//!         Event::Message(message) => println!("{}: {}", message.event(), message.data()),
//!         Event::Disconnected { cause, delay, .. } => println!("{cause}; again in {delay:?}"),
//!         _ => {}
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! - [`EventSource`] sends a `GET` to a URL, or any request, and follows the stream in the
//!   response. It is a `Stream`; [`next_event`](EventSource::next_event) lends the same events
//!   without allocating. A lost connection is an event, and the source reconnects after the last
//!   event ID; an `Err` is final, and the last item. [`Config`] has the settings of the protocol:
//!   reconnection, liveness, limits, validation.
//! - `.sse()` parses bytes from elsewhere, without the client: any `Stream` of chunks
//!   ([`ByteStreamExt`]), a tokio reader ([`ByteReadExt`]), the body of a response
//!   ([`ByteBodyExt`]). [`EventCodec`] serves `tokio_util::codec`.
//! - [`server`] has bodies for hyper and axum; the crate `sse-hub` serves one stream to many
//!   clients.
//!
//! The protocol itself is `sse-proto`, which does no I/O.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `client` (default) | [`EventSource`], over reqwest |
//! | `rustls` (default), `native-tls` | HTTPS by rustls, or by the TLS library of the platform |
//! | `http2` (default) | HTTP/2, where the server offers it |
//! | `system-proxy` (default) | the proxy that the environment names, of HTTP or SOCKS |
//! | `server`, `axum` | event streams as `http_body::Body`; bodies as axum responses |
//! | `io`, `body`, `codec` | `.sse()` on `AsyncRead`; on `http_body::Body`; [`EventCodec`] |
//! | `serde` | typed JSON: [`Messages::json`], [`Message::json`], [`Error::json`], [`Builder::json`] |
//! | `tracing` | a span per source with its URL, without credentials and query; events on connections, never data |
//!
//! # Coming from JavaScript
//!
//! | `EventSource`, `@microsoft/fetch-event-source`, `event-source-polyfill` | here |
//! |---|---|
//! | `new EventSource(url)`, `url` | `EventSource::get(url)?`, `source.url()` |
//! | `method`, `headers`, `body` | `.method(..)`, `.header(..)`, `.body(..)` of [`EventSource::builder`] |
//! | `withCredentials` | `.client_builder(..)` of reqwest with a cookie store (its feature `cookies`) |
//! | `onopen`, which looks at the response | `Event::Open(head)`; [`Builder::on_response`] decides |
//! | `onmessage`, `addEventListener(type, ..)` | `Event::Message(message)`, `message.event()` |
//! | `event.data`, `lastEventId`, `origin` | `message.data()`, `message.id()`, `head.url` |
//! | `onerror`, `readyState` | `Event::Disconnected { cause, attempt, delay, .. }`, `source.ready_state()` |
//! | `onerror` that returns an interval, or throws | `source.retry_after(delay)`, `source.close()` |
//! | `onclose` | the end: `None`, or the one `Err` |
//! | `onclose` that throws, so that a `POST` is sent again | [`Config::repeat`], then `Event::Disconnected` |
//! | `close()`, `signal` | `source.close()`; drop it; let it lose a `select!` |
//! | `openWhenHidden: false` | `source.suspend()`, `source.resume()` |
//! | `fetch` of one's own: fresh headers for every attempt | `.on_request(\|request, attempt\| async { .. })` |
//! | `heartbeatTimeout` | [`Config::idle_timeout`], [`Config::event_timeout`] |
//! | `lastEventIdQueryParameterName` | `.last_event_id_parameter("lastEventId")` |
//! | no counterpart | a `POST` is sent once, unless [`Repeat`] allows more; backoff and jitter ([`ReconnectPolicy`]) |
//!
//! # Many sources to one host
//!
//! Browsers open six connections to a host with HTTP/1.1, and an `EventSource` takes one for as
//! long as it lives: a seventh tab hangs. So serve HTTP/2, where all of them share one connection;
//! or many host names; or share one source among the tabs (`SharedWorker`, `BroadcastChannel`).
//!
//! reqwest has no such limit, but a proxy may have one, and each connection costs a socket. Sources
//! that share a client (`EventSource::new(client.get(url))`) share its HTTP/2 connection, a hundred
//! and more; each source of `EventSource::get` has its own client. Sources of one connection share
//! its flow-control window too: a source that is not polled can delay the others when the window is
//! full of its data. Poll all of them, or widen it
//! (`ClientBuilder::http2_initial_connection_window_size`).
#![cfg_attr(docsrs, feature(doc_cfg))]
// With all features, as on docs.rs, every name is a link.
#![cfg_attr(
    not(all(
        feature = "client",
        feature = "server",
        feature = "io",
        feature = "body",
        feature = "codec",
        feature = "serde"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

#[cfg(feature = "body")]
mod body;
#[cfg(feature = "client")]
mod client;
#[cfg(any(feature = "client", feature = "server"))]
mod clock;
#[cfg(feature = "codec")]
mod codec;
#[cfg(feature = "io")]
mod io;
#[cfg(feature = "server")]
pub mod server;

#[cfg(feature = "body")]
pub use body::ByteBodyExt;
#[cfg(feature = "client")]
pub use client::{
    Body, Builder, Error, Event, EventRef, EventSource, Head, Http, Messages, MessagesError, RedirectError,
    Refused, TransportError, Url, client_builder,
};
#[cfg(feature = "codec")]
pub use codec::{CodecError, EventCodec};
#[cfg(feature = "client")]
pub use http;
#[cfg(feature = "io")]
pub use io::ByteReadExt;
pub use proto::{
    ByteStreamExt, Cause, CloseReason, Config, EncodeError, Error as ParserError, EventBuilder, EventStream,
    EventStreamError, Frame, Jitter, Limits, Liveness, Message, Overflow, OwnedFrame, Parser, ReadyState,
    ReconnectPolicy, Repeat, StreamFrame, Verdict, is_event_stream,
};
#[cfg(feature = "client")]
pub use reqwest;
#[cfg(all(feature = "client", feature = "serde"))]
pub use sse_http::client::JsonError;
