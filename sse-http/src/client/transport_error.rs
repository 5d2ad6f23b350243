//! Error of a request that was not built, not sent, or not fully answered.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use proto::ErrorKind;

#[cfg(feature = "serde")]
use super::JsonError;
use super::{ProxyError, RedirectError};

/// An error of any type, as hooks and HTTP clients return it.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a request could not be built or sent, or its response broke off.
///
/// The HTTP client's own error is the [`source`](StdError::source), and can be downcast.
#[derive(Debug)]
#[non_exhaustive]
pub enum TransportError {
    /// The URL of the request is malformed.
    Url(url::ParseError),
    /// The URL of the request has this scheme instead of `http` or `https`.
    Scheme(String),
    /// A header or another part of the request is malformed.
    Request(http::Error),
    /// The body of the request cannot be written as JSON.
    #[cfg(feature = "serde")]
    RequestJson(serde_json::Error),
    /// The hook for requests ([`RequestHook`](super::RequestHook)) failed.
    Hook(BoxError),
    /// The body of the request is a stream that was sent already.
    BodyConsumed,
    /// A redirect that cannot be followed.
    Redirect(RedirectError),
    /// TLS cannot be set up: no enabled feature provides trusted certificates, or the platform has
    /// none.
    Tls(BoxError),
    /// The proxy cannot be used: its URL is malformed, or of a kind that this client does not
    /// support. The request was not sent without the proxy either.
    Proxy(BoxError),
    /// No connection: the name was not resolved, the host or the proxy did not accept, or the TLS
    /// handshake failed. No byte of the request was sent.
    Connect(BoxError),
    /// No connection within [`Config::connect_timeout`](proto::Config::connect_timeout). No byte of
    /// the request was sent.
    ConnectTimeout,
    /// No response head within [`Config::head_timeout`](proto::Config::head_timeout).
    HeadTimeout,
    /// The server received the request and announced that it did not process it (`REFUSED_STREAM`,
    /// `GOAWAY`; RFC 9113, 8.7).
    NotProcessed(BoxError),
    /// The HTTP client does not support this request.
    Unsupported(BoxError),
    /// The connection broke after at least a part of the request was sent.
    Http(BoxError),
    /// The body of a refused response is not the requested JSON.
    #[cfg(feature = "serde")]
    Json(JsonError),
}

impl TransportError {
    /// Whether another attempt may succeed, and whether the server certainly did not carry out the
    /// request.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Hook(_) | Self::Connect(_) | Self::NotProcessed(_) => ErrorKind::NotSent,
            Self::ConnectTimeout => ErrorKind::ConnectTimeout,
            Self::HeadTimeout => ErrorKind::HeadTimeout,
            Self::Http(_) => ErrorKind::Retryable,
            _ => ErrorKind::Fatal,
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme(scheme) => {
                return write!(f, "the scheme of the URL is `{scheme}`, not `http` or `https`");
            }
            Self::Url(_) => "the URL is malformed",
            Self::Request(_) => "the request is malformed",
            #[cfg(feature = "serde")]
            Self::RequestJson(_) => "the body of the request cannot be written as JSON",
            Self::Hook(_) => "the request hook failed",
            Self::BodyConsumed => {
                "the body is a stream and cannot be sent again: use `Repeat::Never`, or a body in memory"
            }
            Self::Redirect(_) => "the redirect cannot be followed",
            Self::Tls(_) => "TLS cannot be set up",
            Self::Proxy(_) => "the proxy cannot be used",
            Self::Connect(_) => "cannot connect",
            Self::ConnectTimeout => "connect timeout",
            Self::HeadTimeout => "head timeout",
            Self::NotProcessed(_) => "the server did not process the request",
            Self::Unsupported(_) => "the HTTP client cannot send this request",
            Self::Http(_) => "the HTTP request failed",
            #[cfg(feature = "serde")]
            Self::Json(_) => "the body of the response is not the requested JSON",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::Request(error) => Some(error),
            Self::Redirect(error) => Some(error),
            Self::Hook(error)
            | Self::Tls(error)
            | Self::Proxy(error)
            | Self::Connect(error)
            | Self::NotProcessed(error)
            | Self::Unsupported(error)
            | Self::Http(error) => Some(&**error),
            #[cfg(feature = "serde")]
            Self::RequestJson(error) => Some(error),
            #[cfg(feature = "serde")]
            Self::Json(error) => Some(error),
            Self::Scheme(_) | Self::BodyConsumed | Self::ConnectTimeout | Self::HeadTimeout => None,
        }
    }
}

impl From<io::Error> for TransportError {
    /// Converts the I/O error of a broken connection.
    fn from(error: io::Error) -> Self {
        Self::Http(error.into())
    }
}

impl From<RedirectError> for TransportError {
    fn from(error: RedirectError) -> Self {
        Self::Redirect(error)
    }
}

impl From<ProxyError> for TransportError {
    fn from(error: ProxyError) -> Self {
        Self::Proxy(error.into())
    }
}

impl From<url::ParseError> for TransportError {
    fn from(error: url::ParseError) -> Self {
        Self::Url(error)
    }
}

impl From<http::Error> for TransportError {
    fn from(error: http::Error) -> Self {
        Self::Request(error)
    }
}
