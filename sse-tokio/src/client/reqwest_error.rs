//! Classification of reqwest's errors: what they imply about the request.

use std::error::Error;
use std::iter::successors;

use sse_http::client::TransportError;

/// Converts an error of reqwest. Query and credentials are left out of its text, because errors are
/// written to logs.
#[cold]
pub(super) fn error(mut error: reqwest::Error) -> TransportError {
    if let Some(url) = error.url_mut() {
        url.set_query(None);
        // These calls fail only for a URL without a host, which has no credentials.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
    }
    if is_bracketed_server_name(&error) {
        let text =
            "reqwest cannot reach an IPv6 address over HTTPS through a proxy: use a host name, or no proxy";
        TransportError::Proxy(text.into())
    } else if error.is_builder() || error.is_redirect() {
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

/// Whether reqwest took the brackets of an IPv6 address for a part of the server's name, as it does
/// after the `CONNECT` request to a proxy. Another attempt would fail in the same way.
fn is_bracketed_server_name(error: &reqwest::Error) -> bool {
    let is_ipv6 = error.url().is_some_and(|url| url.host_str().is_some_and(|host| host.starts_with('[')));
    is_ipv6
        && successors(error.source(), |&error| error.source())
            .any(|error| error.to_string().eq_ignore_ascii_case("invalid server name"))
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
    #[cfg(feature = "rustls")]
    use std::io::{Read as _, Write as _};

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

    #[cfg(feature = "rustls")]
    #[tokio::test]
    async fn an_ipv6_address_over_https_through_a_proxy_is_a_final_error_that_says_what_to_do() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let proxied = reqwest::Proxy::all(format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let proxy = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut head = [0; 1024];
            let len = connection.read(&mut head).unwrap();
            connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            (connection, String::from_utf8_lossy(&head[..len]).into_owned())
        });
        let client =
            Client::builder().tls_backend_rustls().proxy(proxied).tls_certs_only([]).build().unwrap();
        let request = Request::new(Method::GET, "https://[::1]:4433/".parse().unwrap());
        let error = error(client.execute(request).await.unwrap_err());
        assert!(
            matches!(&error, TransportError::Proxy(cause) if cause.to_string().contains("IPv6")),
            "{error:?}"
        );
        let (_connection, head) = proxy.join().unwrap();
        assert!(head.starts_with("CONNECT [::1]:4433 HTTP/1.1\r\n"), "{head}");
    }
}
