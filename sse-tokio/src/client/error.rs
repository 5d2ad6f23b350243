//! Why a client ended, and why an attempt of it failed.

use std::error::Error as StdError;
use std::fmt;

use proto::{ClientError, RedirectError};

use super::transport::{Body, Head};

/// Why there will be no further event.
///
/// It says [why](ClientError::reason), and has the response if there was one: its [head](ClientError::head) at once, its
/// [body](ClientError::body) when asked for.
///
/// # Example
///
/// ```no_run
/// # use futures_util::StreamExt;
/// # use std::time::Duration;
/// # async fn example(mut source: sse_tokio::EventSource) -> Result<(), Box<dyn std::error::Error>> {
/// if let Some(Err(mut error)) = source.next().await {
///     let body = tokio::time::timeout(Duration::from_secs(5), error.body(64 * 1024)).await??;
///     eprintln!("{error}: {}", String::from_utf8_lossy(&body));
/// }
/// # Ok(()) }
/// ```
pub type Error = ClientError<Head, Body, TransportError>;

/// Why a request could not be sent, or its response broke off.
#[derive(Debug)]
#[non_exhaustive]
pub enum TransportError {
    /// An error of the HTTP client. Its URL is without the query.
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
    /// The error names neither query nor credentials: that is where tokens are, and errors end in logs.
    fn from(mut error: reqwest::Error) -> Self {
        if let Some(url) = error.url_mut() {
            url.set_query(None);
            // They fail for a URL without a host, which has none.
            let _ = url.set_username("").and_then(|()| url.set_password(None));
        }
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
