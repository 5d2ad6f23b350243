//! Client of this crate: `sse-http` over ureq (feature `ureq`).

mod body;
mod builder;
mod observer;
mod source;
mod transport;
mod ureq_client;
mod ureq_error;

pub use body::Body;
pub use builder::Builder;
pub use source::EventSource;
pub use sse_http::client::{Event, EventRef, Head, Messages, RedirectError, Refused, TransportError, Url};
pub use transport::Http;

/// The final error of a source: its last item.
///
/// # Example
///
/// ```no_run
/// # fn example(mut source: sse_blocking::EventSource) -> Result<(), Box<dyn std::error::Error>> {
/// if let Some(Err(mut error)) = source.next() {
///     eprintln!("{error}"); // includes what the server wrote
///     if error.status().is_some_and(|status| status == 401) {
///         let text = error.text(64 * 1024)?;
///         eprintln!("the whole of it: {text}");
///     }
/// }
/// # Ok(()) }
/// ```
pub type Error = sse_http::client::Error<sse_http::client::Blocking<Body>>;

/// Why the [`Messages`] of a source failed, or why one message could not be parsed.
///
/// # Example
///
/// ```no_run
/// use sse_blocking::MessagesError;
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
