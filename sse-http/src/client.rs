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
//! | the proxy of a URL | [`Proxies`] |
//! | the whole client on an asynchronous runtime | [`Client`], [`EventSource`] |
//!
//! # Using another HTTP client
//!
//! An adapter for an asynchronous HTTP client implements [`Client`]: a clock, and a function that
//! sends one request. Then [`EventSource::with_client`] makes a source that follows all these
//! rules. A blocking or a single-threaded client calls [`Template::attempt`] and
//! [`Attempt::answer`] itself and hands the response to the machine of `sse-proto`.

mod attempt;
mod body;
mod error;
mod excerpt;
mod head;
mod hooks;
#[cfg(feature = "serde")]
mod json_error;
mod messages;
mod messages_error;
mod proxy;
mod redirect;
mod setters;
mod source;
mod template;
mod trace;
mod transport;
mod transport_error;

pub use attempt::Attempt;
pub use body::{Blocking, Body};
pub use error::Error;
pub use head::Head;
pub use hooks::{ChunkHook, HookFuture, Hooks, Refused, RefusedHook, RequestHook, ResponseHook};
#[cfg(feature = "serde")]
pub use json_error::JsonError;
pub use messages::Messages;
pub use messages_error::MessagesError;
pub use proxy::{Proxies, ProxyError, tunnel_status};
pub use redirect::{Redirect, RedirectError, Redirects};
pub use source::{Build, Event, EventRef, EventSource};
pub use template::{Draft, Template, authorization};
pub use transport::{Client, Http};
pub use transport_error::{BoxError, TransportError};
pub use url::Url;
