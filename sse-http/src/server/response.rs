//! Response headers of an event stream.

use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};

/// A 200 response that streams `body` as events through any proxy.
///
/// - `Content-Type: text/event-stream`;
/// - `Cache-Control: no-cache, no-transform`: no cache answers a reconnection, and no intermediary
///   compresses the stream (RFC 9111 5.2.2.6), which would hold events back until its block is
///   full;
/// - `X-Accel-Buffering: no`: otherwise nginx buffers events until the response ends.
///
/// There is no `Content-Encoding`; do not add one.
pub fn response<B>(body: B) -> Response<B> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
