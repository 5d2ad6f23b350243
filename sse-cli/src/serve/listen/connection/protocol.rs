//! How both versions of HTTP are spoken, the same on every connection.

use std::sync::LazyLock;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::PATIENCE;

/// What a connection, or a stream of HTTP/2, may hold that its client does not read: one batch of
/// events, roughly.
const WRITE_BUFFER: usize = 64 << 10;

/// What a connection of HTTP/2, and a stream of it, may hold of bodies that are not read yet. It is
/// the least that the protocol allows for a connection.
const WINDOW: u32 = (64 << 10) - 1;

/// HTTP/1.1.
pub(super) static HTTP1: LazyLock<http1::Builder> = LazyLock::new(|| {
    let mut http = http1::Builder::new();
    // Heads have their time by `Watch`: hyper's own would also end connections that are idle
    // between requests.
    http.header_read_timeout(None).max_buf_size(WRITE_BUFFER);
    http
});

/// HTTP/2.
pub(super) static HTTP2: LazyLock<http2::Builder<TokioExecutor>> = LazyLock::new(|| {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(PATIENCE)
        .max_send_buf_size(WRITE_BUFFER)
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .max_concurrent_streams(256);
    http
});
