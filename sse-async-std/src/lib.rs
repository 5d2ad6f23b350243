//! Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2) on async-std, on smol, and on any other executor.
//!
//! - [`EventSource`] is the client: a stream of events that reconnects, over hyper.
//! - [`ByteReadExt::sse`] reads events from any [`AsyncRead`](futures_io::AsyncRead), [`ByteStreamExt::sse`] from any
//!   stream of bytes. (An application that needs no more can have both of `sse-proto` alone, feature `futures-io`.)
//! - [`Sse`] is the body of a response, for hyper servers.
//!
//! Nothing is spawned: a body drives its own connection, so the executor is whichever polls. Sockets and timers are
//! async-io's, on which async-std and smol both stand.
//!
//! **async-std is discontinued** (RUSTSEC-2025-0052). It is the default here for those who have not left it yet; to be
//! without it, switch the default features off and name what you need:
//!
//! ```toml
//! sse-async-std = { version = "0.1", default-features = false, features = ["smol", "platform-verifier"] }
//! ```
//!
//! In scope: HTTP/1.1, TLS, redirects, proxies of the environment. Out of scope: HTTP/2, which takes a task that is spawned;
//! connection pools, cookies and compression, of which an event stream needs none.

mod client;
mod clock;
mod server;

pub use client::{Body, Builder, Error, Event, EventRef, EventSource, Head, RedirectError, TransportError};
#[cfg(feature = "rustls")]
pub use futures_rustls::rustls;
pub use http;
pub use proto::{
    ByteReadExt, ByteStreamExt, Cause, CloseReason, Config, EventBuilder, EventStream, EventStreamError,
    Jitter, Limits, Liveness, Message, Overflow, ReadyState, ReconnectPolicy, Repeat, Verdict,
};
pub use server::{EncodedEvent, Sse, response};
pub use url::Url;
