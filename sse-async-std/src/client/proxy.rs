//! Tunnel through an HTTP proxy.

use std::io;

use async_net::TcpStream;
use futures_io::AsyncRead;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use sse_http::client::{Url, authorization, tunnel_status};

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
    loop {
        match tunnel_status(&head(socket).await?) {
            // Another head follows (RFC 9110, 15.2).
            Some(status) if status.is_informational() => {}
            Some(status) if status.is_success() => return Ok(()),
            Some(status) => {
                return Err(io::Error::other(format!("the proxy answered with status {}", status.as_u16())));
            }
            None => return Err(io::Error::other("the proxy's answer is not HTTP/1.1")),
        }
    }
}

/// Reads a head of the proxy.
async fn head(socket: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    // Byte by byte, because the bytes after the head belong to the tunnel.
    let mut head = Vec::new();
    let mut byte = [0];
    // A line may end without a carriage return (RFC 9112, 2.2).
    while !head.ends_with(b"\n\r\n") && !head.ends_with(b"\n\n") {
        if head.len() == HEAD {
            return Err(io::Error::other("the head of the proxy's answer has no end within 16 KiB"));
        }
        if socket.read(&mut byte).await? == 0 {
            return Err(io::Error::other("the proxy closed the connection instead of opening a tunnel"));
        }
        head.push(byte[0]);
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use futures_lite::future::block_on;

    use super::*;

    #[test]
    fn a_head_ends_at_an_empty_line_whose_line_end_may_be_lf() {
        for answer in
            ["HTTP/1.1 200 OK\r\nVia: b\r\n\r\n", "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 OK\nVia: b\r\n\r\n"]
        {
            let all = [answer.as_bytes(), b"\n\nTLS"].concat();
            let mut rest = &all[..];
            assert_eq!(block_on(head(&mut rest)).unwrap(), answer.as_bytes());
            assert_eq!(rest, b"\n\nTLS");
        }
    }

    #[test]
    fn a_head_that_is_cut_or_too_long_is_an_error_that_says_so() {
        for (mut answer, error) in [
            (&b"HTTP/1.1 200 OK\r\n"[..], "closed the connection"),
            (&[b'x'; 2 * HEAD], "no end within 16 KiB"),
        ] {
            let text = block_on(head(&mut answer)).unwrap_err().to_string();
            assert!(text.contains(error), "{text}");
        }
    }
}
