//! Classification of ureq's errors: what they imply about the request.

use std::io;

use sse_http::client::TransportError;
use ureq::{Error, Timeout};

/// Converts an error of ureq. The query is left out of its text, because errors are written to
/// logs.
pub(super) fn error(error: Error) -> TransportError {
    match error {
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => TransportError::ConnectTimeout,
        Error::RequireHttpsOnly(url) => {
            let url = url.split('?').next().unwrap_or_default().into();
            TransportError::Unsupported(Error::RequireHttpsOnly(url).into())
        }
        Error::BadUri(_) | Error::Http(_) | Error::InvalidProxyUrl | Error::TlsRequired => {
            TransportError::Unsupported(error.into())
        }
        Error::Io(io) if is_unreachable(io.kind()) => TransportError::Connect(io.into()),
        Error::HostNotFound | Error::ConnectionFailed | Error::ConnectProxyFailed(_) | Error::Tls(_) => {
            TransportError::Connect(error.into())
        }
        #[cfg(feature = "rustls")]
        Error::Rustls(_) => TransportError::Connect(error.into()),
        #[cfg(feature = "native-tls")]
        Error::NativeTls(_) => TransportError::Connect(error.into()),
        error => TransportError::Http(error.into()),
    }
}

/// Whether an error of this kind can only come from connecting.
fn is_unreachable(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::AddrNotAvailable
    )
}
