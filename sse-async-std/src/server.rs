//! Event streams as response bodies, for hyper servers on async-std and smol.

use std::convert::Infallible;

pub use sse_http::server::{EncodedEvent, LastEventId, response};

use crate::clock::Clock;

/// Response body that sends the events of a `Stream`, with keep-alive comments, on async-io's
/// clock.
///
/// Its methods are those of [`sse_http::server::Sse`].
///
/// # Example
///
/// ```
/// use futures_util::stream;
/// use sse_async_std::{EventBuilder, Sse, response};
///
/// let body = Sse::new(stream::iter(["a", "b"].map(|data| EventBuilder::new().data(data))));
/// let response = response(body);
/// assert_eq!(response.headers()["content-type"], "text/event-stream");
/// ```
pub type Sse<S, E = Infallible> = sse_http::server::Sse<S, Clock, E>;
