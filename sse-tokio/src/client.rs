//! Client of this crate: `sse-http` over reqwest, with tokio's timer.

mod builder;
mod connecting;
mod reqwest_client;
mod reqwest_error;
mod upload;

pub use builder::{Builder, client_builder};
pub use reqwest_client::{Body, Http};
pub use sse_http::client::{Event, EventRef, Head, Messages, RedirectError, Refused, TransportError, Url};

/// A client of Server-Sent Events that reconnects: the browser's `EventSource`, with methods,
/// headers and bodies.
///
/// # Example
///
/// ```no_run
/// use futures_util::TryStreamExt;
/// use sse_tokio::{Event, EventSource};
///
/// # async fn example() -> Result<(), sse_tokio::Error> {
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
/// A request of reqwest is a source as well:
/// `EventSource::new(client.post(url).bearer_auth(key).json(&question))?`.
pub type EventSource = sse_http::client::EventSource<Http>;

/// Why the [`Messages`] of a source failed, or why one message could not be parsed.
///
/// # Example
///
/// ```no_run
/// use sse_tokio::MessagesError;
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

/// The final error of a source: its last item.
///
/// # Example
///
/// ```no_run
/// # use futures_util::StreamExt;
/// # async fn example(mut source: sse_tokio::EventSource) -> Result<(), Box<dyn std::error::Error>> {
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
