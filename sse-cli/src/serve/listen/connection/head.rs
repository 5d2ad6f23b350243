//! The head of a request, apart from the buffer that it came in.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Uri};

/// Copies what the head of a request of HTTP/1.1 has in hyper's read buffer.
///
/// hyper reads on while the request is answered, so that it sees the client leave, and allocates a
/// second buffer of 8 kB if anything still points into the first one. Both are allocated at the
/// same time then, on every connection.
pub(super) fn detach<B>(request: &mut Request<B>) {
    let uri = request.uri().to_string();
    if let Ok(uri) = Uri::from_maybe_shared(Bytes::from(uri)) {
        *request.uri_mut() = uri;
    }
    detach_values(request.headers_mut());
}

fn detach_values(headers: &mut HeaderMap) {
    // One allocation for all values.
    let mut copies = BytesMut::with_capacity(headers.values().map(HeaderValue::len).sum());
    for value in headers.values_mut() {
        copies.extend_from_slice(value.as_bytes());
        // A value that hyper accepts, and this does not, stays where it is.
        if let Ok(mut copy) = HeaderValue::from_maybe_shared(copies.split().freeze()) {
            copy.set_sensitive(value.is_sensitive());
            *value = copy;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detached_head_is_equal_and_points_to_nothing_of_before() {
        let buffer = Bytes::from_static(b"/events/a%20b?x=1|text/event-stream|caf\xe9|");
        let request = || {
            let value = |range| HeaderValue::from_maybe_shared(buffer.slice(range)).expect("a value");
            Request::get(Uri::from_maybe_shared(buffer.slice(..17)).expect("a URI"))
                .header("accept", value(18..35))
                .header("x-name", value(36..40))
                .header("x-name", value(40..40))
                .body(())
                .expect("a request")
        };
        let mut detached = request();
        detach(&mut detached);
        assert_eq!(detached.uri(), request().uri());
        assert_eq!(detached.headers(), request().headers());
        let inside = buffer.as_ptr_range();
        for value in detached.headers().values().filter(|value| !value.is_empty()) {
            assert!(!inside.contains(&value.as_bytes().as_ptr()), "{value:?}");
        }
        let path = detached.uri().path().as_ptr();
        assert!(!inside.contains(&path));
    }
}
