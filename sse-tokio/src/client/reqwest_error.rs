//! Classification of reqwest's errors: what they imply about the request.

#[cfg(feature = "http2")]
use std::error::Error;
#[cfg(feature = "http2")]
use std::iter::successors;

use sse_http::client::TransportError;

/// Converts an error of reqwest. Query and credentials are left out of its text, because errors are
/// written to logs.
pub(super) fn error(mut error: reqwest::Error) -> TransportError {
    if let Some(url) = error.url_mut() {
        url.set_query(None);
        // These calls fail only for a URL without a host, which has no credentials.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
    }
    if error.is_builder() || error.is_redirect() {
        TransportError::Unsupported(error.into())
    } else if error.is_connect() && error.is_timeout() {
        TransportError::ConnectTimeout
    } else if error.is_connect() {
        TransportError::Connect(error.into())
    } else if is_not_processed(&error) {
        TransportError::NotProcessed(error.into())
    } else {
        TransportError::Http(error.into())
    }
}

/// Whether the server announced that it did not process the request (RFC 9113, 8.7): it refused the
/// stream, or it announced a graceful shutdown that does not include the stream.
#[cfg(feature = "http2")]
fn is_not_processed(error: &reqwest::Error) -> bool {
    successors(error.source(), |&error| error.source())
        .filter_map(|error| error.downcast_ref::<h2::Error>())
        .any(|error| match error.reason() {
            Some(h2::Reason::REFUSED_STREAM) => error.is_remote(),
            Some(h2::Reason::NO_ERROR) => error.is_remote() && error.is_go_away(),
            _ => false,
        })
}

#[cfg(not(feature = "http2"))]
fn is_not_processed(_: &reqwest::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use reqwest::{Client, Method, Request};

    use super::*;

    #[tokio::test]
    async fn an_error_omits_the_urls_secrets_and_recognizes_a_refused_connection() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("http://me:secret@{closed}/live?key=secret").parse().unwrap();
        let theirs = Client::new().execute(Request::new(Method::GET, url)).await.unwrap_err();
        assert!(format!("{theirs:?}").contains("secret"), "{theirs:?}");
        let ours = error(theirs);
        assert!(matches!(ours, TransportError::Connect(_)), "{ours:?}");
        let printed = format!("{ours:?} {}", ours.source().unwrap());
        assert!(
            printed.contains(&format!("http://{closed}/live")) && !printed.contains("secret"),
            "{printed}"
        );
    }
}
