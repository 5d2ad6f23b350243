//! Error that ends a source.

use std::error::Error as StdError;
use std::fmt;
use std::io::Read;
use std::iter::successors;

use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use proto::{CloseReason, Closed};

use super::excerpt::Excerpt;
use super::{Blocking, Body, Head, TransportError};

/// The final error of a source: its last item.
///
/// It has the [reason](Self::reason), and the refused response if there was one: its
/// [status](Self::status) and [head](Self::head), and its body as [text](Self::text), as
/// [JSON](Self::json) or as [bytes](Self::body).
///
/// [`Display`](fmt::Display) prints the reason, and after it the innermost cause of a failed
/// connection ("connection refused"), or the beginning of the server's response body: one line, at
/// most 300 characters, control characters escaped. Servers may quote the request there, secrets
/// included. [`Debug`](fmt::Debug) prints the same text without the server's body, for a program
/// that returns the error from `main`; `{:#?}` prints the structure.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "serde")]
/// # async fn example<B>(error: &mut sse_http::client::Error<B>) -> Result<(), Box<dyn std::error::Error>>
/// # where B: futures_core::Stream<Item = Result<bytes::Bytes, sse_http::client::TransportError>> + Unpin {
/// eprintln!("{error}"); // the server answered with status 401 instead of 200: {"error":{"message":"no such key"}}
/// if error.status().is_some_and(|status| status == 429) {
///     let details: serde_json::Value = error.json(64 << 10).await?;
///     eprintln!("{}", details["error"]["code"]);
/// }
/// # Ok(()) }
/// ```
pub struct Error<B>(Inner<B>);

enum Inner<B> {
    Request(Box<TransportError>),
    Closed(Box<Closed<Head, Body<B>, TransportError>>),
}

impl<B> Error<B> {
    /// An error for a request that could not be built.
    pub fn request(error: TransportError) -> Self {
        Self(Inner::Request(Box::new(error)))
    }

    /// The error for the end of a driver; `None` if the end was [not a
    /// failure](CloseReason::is_failure).
    pub fn failure(closed: Box<Closed<Head, Body<B>, TransportError>>) -> Option<Self> {
        closed.reason.is_failure().then(|| Self(Inner::Closed(closed)))
    }

    /// Why the source closed; `None` if the request was malformed, so that there never was a
    /// source.
    pub fn reason(&self) -> Option<CloseReason> {
        self.closed().map(|closed| closed.reason)
    }

    /// The error of the transport, if there was one.
    pub fn transport(&self) -> Option<&TransportError> {
        match &self.0 {
            Inner::Request(error) => Some(error),
            Inner::Closed(closed) => closed.error.as_ref(),
        }
    }

    /// The status of the refused response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.head().map(|head| head.status)
    }

    /// The head of the refused response, if there was one.
    pub fn head(&self) -> Option<&Head> {
        self.closed()?.response.as_ref().map(|response| &response.0)
    }

    /// How many characters of a wrong content type are shown.
    const CONTENT_TYPE_LENGTH: usize = 100;

    fn closed(&self) -> Option<&Closed<Head, Body<B>, TransportError>> {
        match &self.0 {
            Inner::Request(_) => None,
            Inner::Closed(closed) => Some(closed),
        }
    }

    fn response_body(&mut self) -> Option<&mut Body<B>> {
        match &mut self.0 {
            Inner::Request(_) => None,
            Inner::Closed(closed) => closed.response.as_mut().map(|response| &mut response.1),
        }
    }

    /// The part of the body that was read ahead, up to `limit` bytes.
    fn start(&self, limit: usize) -> Bytes {
        let start = self.closed().and_then(|closed| Some(closed.response.as_ref()?.1.start()));
        start.map_or_else(Bytes::new, |start| Bytes::copy_from_slice(&start[..start.len().min(limit)]))
    }
}

/// Access to the body of the refused response, in asynchronous clients.
///
/// A call reads as long as the server sends, up to `limit`: put a timeout of your runtime around
/// it. The beginning needs no timeout, because it was read already: 64 KiB, or as much as arrived
/// within [`Config::refused_body_timeout`](proto::Config::refused_body_timeout). Every call returns
/// the same bytes again.
impl<B: Stream<Item = Result<Bytes, TransportError>> + Unpin> Error<B> {
    /// The first `limit` bytes of the body of the refused response; empty without a response.
    ///
    /// Reads as long as the server sends, so put a timeout around it. A later call returns the same
    /// bytes again.
    ///
    /// # Errors
    ///
    /// If the connection breaks.
    pub async fn body(&mut self, limit: usize) -> Result<Bytes, TransportError> {
        if let Some(body) = self.response_body() {
            body.fill(limit).await?;
        }
        Ok(self.start(limit))
    }

    /// The first `limit` bytes of the body as text; bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    ///
    /// If the connection breaks.
    pub async fn text(&mut self, limit: usize) -> Result<String, TransportError> {
        Ok(String::from_utf8_lossy(&self.body(limit).await?).into_owned())
    }

    /// The body, parsed as JSON; it may have `limit` bytes.
    ///
    /// # Errors
    ///
    /// If the connection breaks, or if the body is not JSON of this type: [`TransportError::Json`].
    #[cfg(feature = "serde")]
    pub async fn json<T: serde::de::DeserializeOwned>(&mut self, limit: usize) -> Result<T, TransportError> {
        serde_json::from_slice(&self.body(limit).await?).map_err(|error| TransportError::Json(error.into()))
    }
}

/// Access to the body of the refused response, in blocking clients.
///
/// A call reads as long as the server sends, up to `limit`; a `Closer` interrupts it. If the body
/// took longer than [`Config::refused_body_timeout`](proto::Config::refused_body_timeout), only the
/// part that arrived in that time is available. Every call returns the same bytes again.
impl<R: Read> Error<Blocking<R>> {
    /// The first `limit` bytes of the body of the refused response; empty without a response.
    ///
    /// The first 64 KiB were read ahead, for at most
    /// [`Config::refused_body_timeout`](proto::Config::refused_body_timeout); if they took longer,
    /// the rest of the body is lost. Otherwise the call reads more, as long as the server sends, up
    /// to `limit`. A later call returns the same bytes again.
    ///
    /// # Errors
    ///
    /// If the connection breaks.
    pub fn body(&mut self, limit: usize) -> Result<Bytes, TransportError> {
        if let Some(body) = self.response_body() {
            body.fill_blocking(limit)?;
        }
        Ok(self.start(limit))
    }

    /// The first `limit` bytes of the body as text; bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    ///
    /// If the connection breaks.
    pub fn text(&mut self, limit: usize) -> Result<String, TransportError> {
        Ok(String::from_utf8_lossy(&self.body(limit)?).into_owned())
    }

    /// The body, parsed as JSON; it may have `limit` bytes.
    ///
    /// # Errors
    ///
    /// If the connection breaks, or if the body is not JSON of this type: [`TransportError::Json`].
    #[cfg(feature = "serde")]
    pub fn json<T: serde::de::DeserializeOwned>(&mut self, limit: usize) -> Result<T, TransportError> {
        serde_json::from_slice(&self.body(limit)?).map_err(|error| TransportError::Json(error.into()))
    }
}

impl<B> Error<B> {
    /// Writes the reason and its cause, without the body of a response.
    fn fmt_reason(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closed = match &self.0 {
            Inner::Request(error) => {
                write!(f, "the request cannot be built: {error}")?;
                return fmt_cause(error, f);
            }
            Inner::Closed(closed) => closed,
        };
        write!(f, "{}", closed.reason)?;
        match &closed.error {
            // The reason names the timeout.
            Some(TransportError::ConnectTimeout | TransportError::HeadTimeout) | None => {}
            Some(error) if error.source().is_none() => write!(f, ": {error}")?,
            Some(error) => fmt_cause(error, f)?,
        }
        let Some((head, _)) = &closed.response else { return Ok(()) };
        if closed.reason == CloseReason::ContentType {
            let value = head.headers.get_all(CONTENT_TYPE).iter().next_back();
            let value = value.map(|value| Excerpt::with_length(value.as_bytes(), Self::CONTENT_TYPE_LENGTH));
            match value.filter(|value| !value.is_empty()) {
                Some(value) => write!(f, " but {value}")?,
                None => f.write_str(": it has no Content-Type")?,
            }
        }
        Ok(())
    }
}

/// Writes the innermost cause of an error, if there is one.
fn fmt_cause(error: &TransportError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match successors(error.source(), |&error| error.source()).last() {
        Some(cause) => write!(f, ": {}", Excerpt::new(cause.to_string().as_bytes())),
        None => Ok(()),
    }
}

impl<B> fmt::Display for Error<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_reason(f)?;
        let Some((head, body)) = self.closed().and_then(|closed| closed.response.as_ref()) else {
            return Ok(());
        };
        // The bytes of an encoded body are not text.
        let coded = head.response_head();
        if coded.content_encoding.is_some() || coded.transfer_encoding.is_some() {
            return Ok(());
        }
        // Both texts of the server together have at most the length of one.
        let content_type = self.reason() == Some(CloseReason::ContentType);
        let room = Excerpt::LENGTH - if content_type { Self::CONTENT_TYPE_LENGTH } else { 0 };
        match Excerpt::with_length(body.start(), room) {
            text if text.is_empty() => Ok(()),
            text => write!(f, ": {text}"),
        }
    }
}

impl<B> fmt::Debug for Error<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            _ if !f.alternate() => self.fmt_reason(f),
            Inner::Request(error) => f.debug_tuple("Request").field(error).finish(),
            Inner::Closed(closed) => closed.fmt(f),
        }
    }
}

impl<B> StdError for Error<B> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.transport().map(|error| error as _)
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use http::Response;
    use url::Url;

    use super::*;

    /// The text of the error for a response.
    fn shown(reason: CloseReason, headers: &[(&str, &[u8])], body: &str) -> String {
        let mut response = Response::builder();
        for &(name, value) in headers {
            response = response.header(name, value);
        }
        let (parts, ()) = response.body(()).unwrap().into_parts();
        let head = Head::new(parts, Url::parse("http://localhost/").unwrap());
        let body = Body::<()>::read(BytesMut::from(body));
        let closed = Closed { reason, error: None, response: Some((head, body)) };
        Error::failure(Box::new(closed)).unwrap().to_string()
    }

    #[test]
    fn the_beginning_of_a_refused_body_is_shown_if_it_is_text() {
        let refused = "the server answered with status 429 instead of 200";
        let of = |headers: &[_], body| shown(CloseReason::Status(429), headers, body);
        assert_eq!(of(&[], "slow\r\ndown\n"), format!("{refused}: slow down"));
        assert_eq!(of(&[], " \n"), refused);
        for header in ["content-encoding", "transfer-encoding"] {
            assert_eq!(of(&[(header, &b"gzip"[..])], "\u{1f}\u{8b}"), refused);
        }
    }

    #[test]
    fn a_wrong_content_type_and_its_body_are_shown_in_300_characters() {
        let of = |headers: &[_], body| shown(CloseReason::ContentType, headers, body);
        let name = "content-type";
        let refused = "the response is not text/event-stream";
        assert_eq!(of(&[(name, b"text/html")], "<p>"), format!("{refused} but text/html: <p>"));
        for headers in [&[][..], &[(name, &b""[..])]] {
            assert_eq!(of(headers, "x"), format!("{refused}: it has no Content-Type: x"));
        }
        let long = "x".repeat(1000);
        let shown = of(&[(name, long.as_bytes())], &long);
        assert_eq!(shown.matches(['x', '…']).count(), 300 + refused.matches('x').count(), "{shown}");
    }
}
