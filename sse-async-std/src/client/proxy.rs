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
        if head.len() == HEAD || socket.read(&mut byte).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(byte[0]);
    }
    let status =
        head.split(|&byte| byte == b' ').nth(1).and_then(|status| StatusCode::from_bytes(status).ok());
    match status {
        Some(status) if status.is_success() => Ok(()),
        Some(status) => Err(io::Error::other(format!("the proxy answered with status {}", status.as_u16()))),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}
