//! Why a client ended, and why an attempt of it failed.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use proto::{CloseReason, Closed, RedirectError};
use reqwest::StatusCode;

use super::transport::{Body, Head};

/// Why there will be no further event.
///
/// It says [why](Self::reason), and has the response if there was one: its [head](Self::head) at once, its
/// [body](Self::body) when asked for.
pub struct Error(Box<Inner>);

enum Inner {
    /// The request could not be built.
    Request(TransportError),
    Closed(Closed<Head, Body, TransportError>),
}

impl Error {
    pub(super) fn request(error: TransportError) -> Self {
        Self(Box::new(Inner::Request(error)))
    }

    pub(super) fn closed(closed: Closed<Head, Body, TransportError>) -> Self {
        Self(Box::new(Inner::Closed(closed)))
    }

    /// Why the source closed; `None` if it was never built, because the request is malformed.
    pub fn reason(&self) -> Option<CloseReason> {
        match &*self.0 {
            Inner::Request(_) => None,
            Inner::Closed(closed) => Some(closed.reason),
        }
    }

    /// The status of the response that was not believed.
    pub fn status(&self) -> Option<StatusCode> {
        self.head().map(|head| head.status)
    }

    /// The head of the response that was not believed.
    pub fn head(&self) -> Option<&Head> {
        match &*self.0 {
            Inner::Request(_) => None,
            Inner::Closed(closed) => closed.response.as_ref().map(|response| &response.0),
        }
    }

    /// Reads the body of the response that was not believed: the message of the API, as a rule.
    ///
    /// At most `limit` bytes are read; what a call has read is gone for the next.
    ///
    /// # Errors
    ///
    /// The connection failed.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # use futures_util::StreamExt;
    /// # async fn example(mut source: sse_tokio::EventSource) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Some(Err(mut error)) = source.next().await {
    ///     let body = error.body(64 * 1024).await?;
    ///     eprintln!("{error}: {}", String::from_utf8_lossy(&body));
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn body(&mut self, limit: usize) -> Result<Bytes, TransportError> {
        let mut read = Vec::new();
        if let Inner::Closed(Closed { response: Some(response), .. }) = &mut *self.0 {
            while read.len() < limit
                && let Some(chunk) = poll_fn(|cx| Pin::new(&mut response.1).poll_next(cx)).await
            {
                let chunk = chunk?;
                read.extend_from_slice(&chunk[..chunk.len().min(limit - read.len())]);
            }
        }
        Ok(read.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Request(_) => f.write_str("the request cannot be built"),
            Inner::Closed(closed) => closed.fmt(f),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Request(error) => f.debug_tuple("Error").field(error).finish(),
            Inner::Closed(closed) => closed.fmt(f),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.0 {
            Inner::Request(error) => Some(error),
            Inner::Closed(closed) => closed.error.as_ref().map(|error| error as _),
        }
    }
}

/// Why a request could not be sent, or its response broke off.
#[derive(Debug)]
#[non_exhaustive]
pub enum TransportError {
    /// An error of the HTTP client.
    Http(reqwest::Error),
    /// A redirect that cannot be followed.
    Redirect(RedirectError),
    /// The hook of [`Builder::on_request`](super::Builder::on_request) failed.
    Hook(Box<dyn StdError + Send + Sync>),
    /// The body of the request is a stream, which can be sent once.
    Body,
    /// A header of the request is malformed.
    Header(http::Error),
    /// The URL of the request is not one of HTTP, but of this scheme.
    Scheme(String),
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}

impl From<RedirectError> for TransportError {
    fn from(error: RedirectError) -> Self {
        Self::Redirect(error)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme(scheme) => return write!(f, "the URL is of `{scheme}`, not of `http` or `https`"),
            Self::Header(_) => "a header of the request is malformed",
            Self::Http(_) => "the HTTP request failed",
            Self::Redirect(_) => "the redirect cannot be followed",
            Self::Hook(_) => "the request hook failed",
            Self::Body => {
                "the body is a stream and cannot be sent again: use `Repeat::Never`, or a body in memory"
            }
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Http(error) => Some(error),
            Self::Redirect(error) => Some(error),
            Self::Hook(error) => Some(&**error),
            Self::Header(error) => Some(error),
            Self::Body | Self::Scheme(_) => None,
        }
    }
}
