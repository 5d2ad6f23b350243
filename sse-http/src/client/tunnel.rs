//! Tunnel through an HTTP proxy (`CONNECT`; RFC 9110, 9.3.6), without I/O.

use std::error::Error;
use std::fmt;

use http::StatusCode;
use url::Url;

use super::authorization;
use super::interim::{is_complete, status};

/// The opening of a tunnel through an HTTP proxy (`CONNECT`; RFC 9110, 9.3.6), without I/O.
///
/// **Write [`request`](Self::request) to the proxy, then pass everything that it sends to
/// [`answer`](Self::answer), until that returns true.** Then the connection leads to the host of
/// the URL, and TLS can begin.
///
/// # Example
///
/// ```
/// use sse_http::client::{Tunnel, Url};
///
/// let proxy = Url::parse("http://user:secret@proxy.example:3128")?;
/// let mut tunnel = Tunnel::new(&proxy, &Url::parse("https://events.example/live")?);
/// assert!(tunnel.request().starts_with(b"CONNECT events.example:443 HTTP/1.1\r\n"));
///
/// let mut input = &b"HTTP/1.1 200 Connection established\r\n\r\nTLS"[..];
/// assert!(tunnel.answer(&mut input)?, "the tunnel is open");
/// assert_eq!(input, b"TLS", "these bytes are of the host");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Tunnel {
    request: Vec<u8>,
    /// The head that the proxy is sending.
    head: Vec<u8>,
}

/// Why a proxy opened no tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TunnelError {
    /// The proxy refused with this status.
    Refused(StatusCode),
    /// The proxy's answer is not HTTP/1.
    NotHttp,
    /// The head of the proxy's answer is longer than [`Tunnel::HEAD`].
    TooLong,
    /// The proxy closed the connection.
    Closed,
}

impl Tunnel {
    /// The largest head of a proxy's answer, in bytes.
    pub const HEAD: usize = 16 << 10;

    /// Asks `proxy` for a connection to the host of `url`, with the credentials in the URL of the
    /// proxy. The proxy gets nothing else of the request.
    pub fn new(proxy: &Url, url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
        if let Some(value) = authorization(proxy) {
            request.extend([b"Proxy-Authorization: ", value.as_bytes(), b"\r\n"].concat());
        }
        request.extend(b"\r\n");
        Self { request, head: Vec::new() }
    }

    /// The request to write to the proxy.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Takes the proxy's answer from `input`, and no byte after it. Returns true once the tunnel is
    /// open, false if more input is needed. An empty input says that the proxy closed the
    /// connection.
    ///
    /// A client that cannot keep unused bytes reads and passes one byte at a time.
    ///
    /// # Errors
    ///
    /// If the proxy refuses, closes the connection, or does not answer in HTTP/1.
    pub fn answer(&mut self, input: &mut &[u8]) -> Result<bool, TunnelError> {
        if input.is_empty() {
            return Err(TunnelError::Closed);
        }
        while let Some((byte, rest)) = input.split_first() {
            if self.head.len() == Self::HEAD {
                return Err(TunnelError::TooLong);
            }
            self.head.push(*byte);
            *input = rest;
            if is_complete(&self.head) {
                match status(&self.head).ok_or(TunnelError::NotHttp)? {
                    // Another head follows (RFC 9110, 15.2).
                    status if status.is_informational() => self.head.clear(),
                    status if status.is_success() => return Ok(true),
                    status => return Err(TunnelError::Refused(status)),
                }
            }
        }
        Ok(false)
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The request is left out, because it holds credentials.
        f.debug_struct("Tunnel").field("head", &self.head.len()).finish_non_exhaustive()
    }
}

impl fmt::Display for TunnelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused(status) => {
                return write!(f, "the proxy answered with status {}", status.as_u16());
            }
            Self::NotHttp => "the proxy's answer is not HTTP/1.1",
            Self::TooLong => "the head of the proxy's answer has no end within 16 KiB",
            Self::Closed => "the proxy closed the connection instead of opening a tunnel",
        })
    }
}

impl Error for TunnelError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn tunnel(proxy: &str) -> Tunnel {
        Tunnel::new(&Url::parse(proxy).unwrap(), &Url::parse("https://[::1]/secret").unwrap())
    }

    /// The outcome of an answer that arrives byte by byte, and how many bytes of it were taken.
    fn answered(answer: &[u8]) -> (Result<bool, TunnelError>, usize) {
        let mut tunnel = tunnel("http://proxy");
        for (index, byte) in answer.iter().enumerate() {
            match tunnel.answer(&mut std::slice::from_ref(byte)) {
                Ok(false) => {}
                outcome => return (outcome, index + 1),
            }
        }
        (tunnel.answer(&mut &[][..]), answer.len())
    }

    #[test]
    fn a_proxy_gets_the_host_and_its_own_credentials_alone() {
        let head = "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n";
        assert_eq!(tunnel("http://proxy").request(), (head.to_owned() + "\r\n").as_bytes());
        let credentials = "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n";
        let with_credentials = tunnel("http://me:secret@proxy");
        assert_eq!(with_credentials.request(), (head.to_owned() + credentials).as_bytes());
        assert!(!format!("{with_credentials:?}").contains("bWU6"), "{with_credentials:?}");
    }

    #[test]
    fn a_head_ends_at_an_empty_line_whose_line_end_may_be_lf() {
        for answer in [
            "HTTP/1.1 200 OK\r\nVia: b\r\n\r\n",
            "HTTP/1.1 200 OK\n\n",
            "HTTP/1.1 200 OK\nVia: b\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\n\nHTTP/1.0 204\r\n\r\n",
        ] {
            let all = [answer.as_bytes(), b"\n\nTLS"].concat();
            let mut rest = &all[..];
            assert_eq!(tunnel("http://proxy").answer(&mut rest), Ok(true), "{answer:?}");
            assert_eq!(rest, b"\n\nTLS", "{answer:?}");
            assert_eq!(answered(&all), (Ok(true), answer.len()), "{answer:?}");
        }
    }

    #[test]
    fn an_answer_that_opens_no_tunnel_is_an_error_that_says_why() {
        for (answer, error) in [
            (
                &b"HTTP/1.1 407 Who are you?\r\n\r\n"[..],
                TunnelError::Refused(StatusCode::PROXY_AUTHENTICATION_REQUIRED),
            ),
            (b"SSH-2.0 200\r\n\r\n", TunnelError::NotHttp),
            (b"HTTP/1.1 200 OK\r\n", TunnelError::Closed),
            (b"", TunnelError::Closed),
            (&[b'x'; 2 * Tunnel::HEAD], TunnelError::TooLong),
        ] {
            assert_eq!(answered(answer).0, Err(error));
        }
        assert_eq!(
            TunnelError::Refused(StatusCode::FORBIDDEN).to_string(),
            "the proxy answered with status 403"
        );
    }
}
