//! Event streams as response bodies, on tokio's clock.
//!
//! [`Sse`] turns any `Stream` of events into a body for hyper; [`response`] adds the headers;
//! [`LastEventId`] reads the ID after which the client resumes. With the feature `axum`, bodies can
//! be returned from handlers, and the ID is an extractor. The crate `sse-hub` serves one stream to
//! many clients.
//!
//! # Example
//!
//! ```
//! use futures_util::stream;
//! use sse_tokio::server::{EventBuilder, Sse, response};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let body = Sse::new(stream::iter(["a", "b"].map(|data| EventBuilder::new().data(data))));
//! let response = response(body);
//! assert_eq!(response.headers()["content-type"], "text/event-stream");
//! # });
//! ```

use std::convert::Infallible;

pub use sse_http::server::{
    EncodeError, EncodedEvent, EventBuilder, HeartbeatError, LastEventId, Unfailing, response,
};

pub use crate::clock::Clock;

/// Response body that sends the events of a `Stream`, with keep-alive comments, on tokio's clock.
///
/// Poll it inside a runtime with time enabled. Its methods are those of [`sse_http::server::Sse`].
pub type Sse<S, E = Infallible> = sse_http::server::Sse<S, Clock, E>;
