//! Conversion of URLs to addresses and requests; only loopback unless more is allowed.

use std::fmt::Write as _;
use std::net::{SocketAddr, ToSocketAddrs as _};

use http::{HeaderName, HeaderValue};
use sse_tokio::reqwest::Url;

use crate::failure::{FAILED, Failure, USAGE};

/// The addresses of a URL's host.
pub(super) fn addresses(url: &Url, remote: bool) -> Result<Vec<SocketAddr>, Failure> {
    let usage = |message: String| Failure::Other { message, code: USAGE };
    let shown = crate::request::shown(url);
    if url.scheme() != "http" {
        return Err(usage(format!(
            "{shown}: sse bench speaks plain HTTP/1.1, so the URL must begin with http://"
        )));
    }
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = (name, port)
        .to_socket_addrs()
        .map_err(|error| Failure::new(FAILED, format_args!("{shown}: cannot resolve `{name}`"), &error))?
        .collect();
    if addresses.is_empty() {
        return Err(Failure::Other { message: format!("{shown}: `{name}` has no address"), code: FAILED });
    }
    match addresses.iter().find(|address| !address.ip().to_canonical().is_loopback()) {
        Some(other) if !remote => Err(usage(format!(
            "{shown}: {} is not a loopback address. A load test can take a server down: pass --remote if it is yours",
            other.ip()
        ))),
        _ => Ok(addresses),
    }
}

/// Request line and headers; a header replaces earlier ones with its name.
pub(super) fn head(method: &str, url: &Url, headers: &[(HeaderName, HeaderValue)]) -> Vec<u8> {
    let mut target = url.path().to_owned();
    if let Some(query) = url.query() {
        write!(target, "?{query}").expect("a String takes everything");
    }
    let mut head = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
    for (at, (name, value)) in headers.iter().enumerate() {
        if headers[at + 1..].iter().all(|(later, _)| later != name) {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                head.extend_from_slice(part);
            }
        }
    }
    head
}

/// Value of the header `Host` for a URL.
pub(super) fn host(url: &Url) -> HeaderValue {
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    HeaderValue::try_from(host).expect("a host is ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(url: &str, remote: bool) -> Result<Vec<SocketAddr>, u8> {
        addresses(&url.parse().unwrap(), remote).map_err(|failure| match failure {
            Failure::Other { code, .. } => code,
            Failure::Output(_) => 0,
        })
    }

    #[test]
    fn addresses_other_than_loopback_need_remote() {
        for url in
            ["http://127.0.0.1:8080/", "http://127.9.9.9/", "http://[::1]/", "http://[::ffff:127.0.0.1]/"]
        {
            assert!(resolve(url, false).is_ok(), "{url}");
        }
        for url in
            ["http://192.0.2.1/", "http://[2001:db8::1]/", "http://0.0.0.0/", "http://[::ffff:192.0.2.1]/"]
        {
            assert_eq!(resolve(url, false), Err(USAGE), "{url}");
            assert!(resolve(url, true).is_ok(), "{url}");
        }
        assert_eq!(resolve("https://127.0.0.1/", true), Err(USAGE));
    }

    #[test]
    fn a_later_header_replaces_an_earlier_one() {
        let header = |name: &'static str, value: &'static str| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let url = "http://localhost:80/a%20b?c=d#e".parse().unwrap();
        let head = head("GET", &url, &[header("a", "1"), header("b", "2"), header("a", "3")]);
        assert_eq!(head, b"GET /a%20b?c=d HTTP/1.1\r\nb: 2\r\na: 3\r\n");
        assert_eq!(host(&url), "localhost");
    }
}
