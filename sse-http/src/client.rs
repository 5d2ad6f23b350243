//! HTTP rules of an event stream client: its requests, redirects, responses and errors, for any
//! HTTP client.
//!
//! | step | type |
//! |---|---|
//! | the request of a source, checked, with its default headers | [`Draft`], [`Template`] |
//! | one attempt: the last event ID, redirects | [`Attempt`], [`Redirects`] |
//! | the response | [`Head`], [`Body`], [`Refused`] |
//! | the streamed answer of a language model | [`Messages`], [`MessagesError`] |
//! | why it failed | [`Error`], [`TransportError`] |
//! | the proxy of a URL, and what it is sent | [`Proxies`], [`Route`], [`Tunnel`] |
//! | the time for the head, interim responses, chunk sizes | [`HeadClock`], [`Interim`], [`ChunkSizes`] |
//! | the whole client on an asynchronous runtime | [`Client`], [`EventSource`] |
//! | the rules of a blocking client | [`BlockingHttp`] |
//!
//! # Using another HTTP client
//!
//! An adapter for an asynchronous HTTP client implements [`Client`]: a clock, and a function that
//! sends one request. Then [`EventSource::with_client`] makes a source that follows all these
//! rules. For a blocking HTTP client, [`BlockingHttp`] follows them around a function that sends
//! one request. A single-threaded client calls [`Template::attempt`] and [`Attempt::answer`] itself
//! and hands the response to the machine of `sse-proto`.

mod attempt;
mod blocking;
mod body;
mod chunk_sizes;
mod error;
mod excerpt;
mod head;
mod head_clock;
mod hooks;
mod interim;
#[cfg(feature = "serde")]
mod json_error;
mod messages;
mod messages_error;
mod proxy;
mod redirect;
mod route;
mod setters;
mod source;
mod template;
mod trace;
mod transport;
mod transport_error;
mod tunnel;

pub use attempt::Attempt;
pub use blocking::{BlockingBody, BlockingHooks, BlockingHttp};
pub use body::{Blocking, Body};
pub use chunk_sizes::{ChunkSizeError, ChunkSizes};
pub use error::Error;
pub use head::Head;
pub use head_clock::HeadClock;
pub use hooks::{ChunkHook, HookFuture, Hooks, Refused, RefusedHook, RequestHook, ResponseHook};
pub use interim::Interim;
#[cfg(feature = "serde")]
pub use json_error::JsonError;
pub use messages::Messages;
pub use messages_error::MessagesError;
pub use proxy::{Proxies, ProxyError};
pub use redirect::{Redirect, RedirectError, Redirects};
pub use route::Route;
pub use source::{Build, Event, EventRef, EventSource};
pub use template::{Draft, Template, authorization};
pub use transport::{Client, Http};
pub use transport_error::{BoxError, TransportError};
pub use tunnel::{Tunnel, TunnelError};
pub use url::Url;
