//! Event streams as response bodies, on tokio's clock.
//!
//! [`Sse`] makes any `Stream` of events a body for hyper; [`response`] gives the body its headers;
//! [`LastEventId`] reads from a request where its client resumes. With the feature `axum` bodies
//! are responses and the ID is an extractor. The crate `sse-hub` serves one stream to many.
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

pub use sse_http::server::{EncodeError, EncodedEvent, EventBuilder, LastEventId, Unfailing, response};

pub use crate::clock::Clock;

/// The body that sends what a `Stream` of events yields, with comments in between by tokio's clock.
///
/// Polled inside a runtime with time enabled. Its methods are those of [`sse_http::server::Sse`].
pub type Sse<S, E = Infallible> = sse_http::server::Sse<S, Clock, E>;
