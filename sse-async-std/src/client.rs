//! Client of this crate: `sse-http` over hyper, rustls and async-io.

mod body;
mod builder;
mod connect;
mod fair;
mod half_broken;
#[cfg(feature = "rustls")]
mod tls;
mod transport;

pub use body::Body;
pub use builder::Builder;
pub use sse_http::client::{Event, EventRef, Head, Messages, RedirectError, Refused, TransportError};
pub use transport::Http;

/// A client of Server-Sent Events that reconnects: the browser's `EventSource`, with methods,
/// headers and bodies.
///
/// # Example
///
/// ```no_run
/// use futures_util::TryStreamExt;
/// use sse_async_std::{Event, EventSource};
///
/// # async fn example() -> Result<(), sse_async_std::Error> {
/// let mut source = EventSource::get("http://127.0.0.1:8080/events")?;
/// while let Some(event) = source.try_next().await? {
///     match event {
///         Event::Open(head) => println!("open, {}", head.status),
///         Event::Message(message) => println!("{}: {}", message.event(), message.data()),
///         Event::Disconnected { cause, delay, .. } => println!("{cause}, again in {delay:?}"),
///         _ => {}
///     }
/// }
/// # Ok(()) }
/// ```
///
/// `EventSource::new` takes an [`http::Request`].
pub type EventSource = sse_http::client::EventSource<Http>;

/// The final error of a source: its last item.
///
/// # Example
///
/// ```no_run
/// # use futures_util::StreamExt;
/// # async fn example(mut source: sse_async_std::EventSource) -> Result<(), Box<dyn std::error::Error>> {
/// if let Some(Err(mut error)) = source.next().await {
///     eprintln!("{error}"); // includes what the server wrote
///     if error.status().is_some_and(|status| status == 401) {
///         let text = error.text(64 * 1024).await?;
///         eprintln!("the whole of it: {text}");
///     }
/// }
/// # Ok(()) }
/// ```
pub type Error = sse_http::client::Error<Body>;

/// Why the [`Messages`] of a source failed, or why one message could not be parsed.
///
/// # Example
///
/// ```no_run
/// use sse_async_std::MessagesError;
///
/// fn report(error: MessagesError) {
///     match error {
///         MessagesError::Source(error) => eprintln!("{error}"), // has `status()`, `text(limit)`, `json(limit)`
///         MessagesError::Incomplete => eprintln!("the answer was cut: request it again"),
///         other => eprintln!("{other}"),
///     }
/// }
/// ```
pub type MessagesError<E = Error> = sse_http::client::MessagesError<E>;
