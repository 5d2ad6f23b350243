//! Classification of ureq's errors: what they imply about the request.

use sse_http::client::TransportError;
use ureq::{Error, Timeout};

/// Converts an error of ureq; `sent` says whether a part of the request may have been sent. The
/// query is left out of its text, because errors are written to logs.
pub(super) fn ureq_error(error: Error, sent: bool) -> TransportError {
    match error {
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => TransportError::ConnectTimeout,
        Error::RequireHttpsOnly(url) => {
            let url = url.split('?').next().unwrap_or_default().into();
            TransportError::Unsupported(Error::RequireHttpsOnly(url).into())
        }
        Error::BadUri(_) | Error::Http(_) | Error::InvalidProxyUrl | Error::TlsRequired => {
            TransportError::Unsupported(error.into())
        }
        error if sent => TransportError::Http(error.into()),
        error => TransportError::Connect(error.into()),
    }
}
