//! Body of a response, which drives the I/O of its own connection.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::Body as _;
use hyper::body::Incoming;
use sse_http::client::TransportError;

use super::transport::error;

/// Body of a response, as a stream of chunks. It drives its connection while it is polled.
pub struct Body {
    incoming: Incoming,
    connection: Connection,
}

impl Body {
    pub(super) fn new(incoming: Incoming, connection: Connection) -> Self {
        Self { incoming, connection }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(frame) => frame,
                // The connection now has a waker, so poll it again.
                Poll::Pending => {
                    self.connection.poll(cx);
                    ready!(Pin::new(&mut self.incoming).poll_frame(cx))
                }
            };
            match frame.transpose().map_err(error)? {
                None => return Poll::Ready(None),
                // A frame without data is trailers.
                Some(frame) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Body").field(&self.incoming).finish()
    }
}

/// The future that drives the I/O of one connection; `None` when it has ended. Its result is
/// reported to the body.
pub(super) struct Connection(Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send + Sync>>>);

impl Connection {
    pub(super) fn new(connection: impl Future<Output = hyper::Result<()>> + Send + Sync + 'static) -> Self {
        Self(Some(Box::pin(connection)))
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.0
            && connection.as_mut().poll(cx).is_ready()
        {
            self.0 = None;
        }
    }
}
