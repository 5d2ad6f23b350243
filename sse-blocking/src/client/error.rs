//! Why an attempt failed.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use proto::{ErrorKind, RedirectError};
use ureq::http;

/// Why a request could not be built or sent, or its response broke off.
#[derive(Debug)]
#[non_exhaustive]
pub enum TransportError {
    /// An error of ureq.
    Http(ureq::Error),
    /// A redirect that cannot be followed.
    Redirect(RedirectError),
    /// The hook of [`Builder::on_request`](super::Builder::on_request) failed.
    Hook(Box<dyn StdError + Send + Sync>),
    /// The URL of the request is malformed.
    Url(url::ParseError),
    /// The URL of the request is not one of HTTP, but of this scheme.
    Scheme(String),
    /// A header of the request is malformed.
    Header(http::Error),
}

impl TransportError {
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Hook(_) => ErrorKind::Retryable,
            Self::Http(
                ureq::Error::BadUri(_)
                | ureq::Error::Http(_)
                | ureq::Error::InvalidProxyUrl
                | ureq::Error::RequireHttpsOnly(_)
                | ureq::Error::TlsRequired,
            ) => ErrorKind::Fatal,
            Self::Http(_) => ErrorKind::Retryable,
            _ => ErrorKind::Fatal,
        }
    }
}

impl From<ureq::Error> for TransportError {
    /// The error names no query: that is where tokens are, and errors end in logs.
    fn from(error: ureq::Error) -> Self {
        Self::Http(match error {
            ureq::Error::RequireHttpsOnly(url) => {
                ureq::Error::RequireHttpsOnly(url.split('?').next().unwrap_or_default().into())
            }
            error => error,
        })
    }
}

impl From<io::Error> for TransportError {
    fn from(error: io::Error) -> Self {
        Self::Http(error.into())
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
            Self::Http(_) => "the HTTP request failed",
            Self::Redirect(_) => "the redirect cannot be followed",
            Self::Hook(_) => "the request hook failed",
            Self::Url(_) => "the URL is malformed",
            Self::Header(_) => "a header of the request is malformed",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Http(error) => Some(error),
            Self::Redirect(error) => Some(error),
            Self::Hook(error) => Some(&**error),
            Self::Url(error) => Some(error),
            Self::Header(error) => Some(error),
            Self::Scheme(_) => None,
        }
    }
}
