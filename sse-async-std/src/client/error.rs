//! Why a client ended, and why an attempt of it failed.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use http::StatusCode;
use proto::{ClientError, ErrorKind, RedirectError};

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
/// # async fn example(mut source: sse_async_std::EventSource) -> Result<(), Box<dyn std::error::Error>> {
/// if let Some(Err(mut error)) = source.next().await {
///     let body = error.body(64 * 1024).await?;
///     eprintln!("{error}: {}", String::from_utf8_lossy(&body));
/// }
/// # Ok(()) }
/// ```
pub type Error = ClientError<Head, Body, TransportError>;

/// Why a request could not be sent, or its response broke off.
#[derive(Debug)]
#[non_exhaustive]
pub enum TransportError {
    /// The name did not resolve, or nobody answered, or TLS failed.
    Connect(io::Error),
    /// An error of hyper.
    Http(hyper::Error),
    /// A redirect that cannot be followed.
    Redirect(RedirectError),
    /// The hook of [`Builder::on_request`](super::Builder::on_request) failed.
    Hook(Box<dyn StdError + Send + Sync>),
    /// A header of the request is malformed.
    Header(http::Error),
    /// The URL of the request is malformed.
    Url(url::ParseError),
    /// The URL of the request is not one of HTTP, but of this scheme.
    Scheme(String),
    /// The proxy that the environment or the builder names is not one of HTTP. Nothing was sent around it.
    ProxyScheme,
    /// The proxy refused to connect, with this status.
    Proxy(StatusCode),
    /// HTTPS cannot be had: no feature is enabled that knows whom to trust, or the platform does not tell.
    Tls(Box<dyn StdError + Send + Sync>),
}

impl TransportError {
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Connect(_) | Self::Hook(_) | Self::Proxy(_) => ErrorKind::Retryable,
            Self::Http(error) if !error.is_user() => ErrorKind::Retryable,
            _ => ErrorKind::Fatal,
        }
    }
}

impl From<io::Error> for TransportError {
    fn from(error: io::Error) -> Self {
        Self::Connect(error)
    }
}

impl From<hyper::Error> for TransportError {
    fn from(error: hyper::Error) -> Self {
        Self::Http(error)
    }
}

impl From<RedirectError> for TransportError {
    fn from(error: RedirectError) -> Self {
        Self::Redirect(error)
    }
}

impl From<url::ParseError> for TransportError {
    fn from(error: url::ParseError) -> Self {
        Self::Url(error)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme(scheme) => return write!(f, "the URL is of `{scheme}`, not of `http` or `https`"),
            Self::Proxy(status) => return write!(f, "the proxy answered `CONNECT` with status {status}"),
            Self::ProxyScheme => "the proxy is not of HTTP: name one by `http://host:port`, or none",
            Self::Connect(_) => "the connection cannot be made",
            Self::Http(_) => "the HTTP request failed",
            Self::Redirect(_) => "the redirect cannot be followed",
            Self::Hook(_) => "the request hook failed",
            Self::Header(_) => "a header of the request is malformed",
            Self::Url(_) => "the URL is malformed",
            Self::Tls(_) => "TLS cannot be set up",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Connect(error) => Some(error),
            Self::Http(error) => Some(error),
            Self::Redirect(error) => Some(error),
            Self::Hook(error) | Self::Tls(error) => Some(&**error),
            Self::Header(error) => Some(error),
            Self::Url(error) => Some(error),
            Self::Scheme(_) | Self::ProxyScheme | Self::Proxy(_) => None,
        }
    }
}
