//! Tunnel through an HTTP proxy.

use std::io;

use async_net::TcpStream;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use http::StatusCode;
use sse_http::client::{Url, authorization};

/// The largest head of a proxy's answer, in bytes.
const HEAD: usize = 16 << 10;

/// Requests from the proxy at the other end of `socket` a connection to the host of `url` (RFC
/// 9110, 9.3.6).
pub(super) async fn tunnel(socket: &mut TcpStream, proxy: &Url, url: &Url) -> io::Result<()> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    if let Some(value) = authorization(proxy) {
        request.extend([b"Proxy-Authorization: ", value.as_bytes(), b"\r\n"].concat());
    }
    request.extend(b"\r\n");
    socket.write_all(&request).await?;
    // Byte by byte, because the bytes after the head belong to the tunnel.
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD {
            return Err(io::Error::other("the head of the proxy's answer has no end within 16 KiB"));
        }
        if socket.read(&mut byte).await? == 0 {
            return Err(io::Error::other("the proxy closed the connection instead of opening a tunnel"));
        }
        head.push(byte[0]);
    }
    match status(&head) {
        Some(status) if status.is_success() => Ok(()),
        Some(status) => Err(io::Error::other(format!("the proxy answered with status {}", status.as_u16()))),
        None => Err(io::Error::other("the proxy's answer is not HTTP/1.1")),
    }
}

/// The status in a head. Some proxies leave out the reason phrase, and the blank before it (RFC
/// 9112, 4).
fn status(head: &[u8]) -> Option<StatusCode> {
    let mut words = head.split(|byte| byte.is_ascii_whitespace());
    words.next().filter(|version| version.starts_with(b"HTTP/1."))?;
    StatusCode::from_bytes(words.next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_proxys_answer_needs_no_reason_phrase() {
        for head in
            ["HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.0 200\r\n\r\n", "HTTP/1.1 200 \r\n\r\n"]
        {
            assert_eq!(status(head.as_bytes()), Some(StatusCode::OK), "{head:?}");
        }
        for head in ["SSH-2.0 200\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "\r\n\r\n"] {
            assert_eq!(status(head.as_bytes()), None, "{head:?}");
        }
    }
}
