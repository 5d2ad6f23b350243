//! Body of `http-body` to stream of events (feature `body`).

use http_body::Body;
use http_body_util::BodyDataStream;
use proto::{EventStream, Parser};

/// Adds [`sse`](Self::sse) to the bodies of hyper, axum, tonic and reqwest, for a response that
/// another client received.
pub trait ByteBodyExt: Body + Sized {
    /// Reads this body as `text/event-stream`; trailers are ignored.
    ///
    /// Check the content type of the response first, with
    /// [`is_event_stream`](crate::is_event_stream). To set the parser (limits, last event ID,
    /// unterminated events), pass a [`BodyDataStream`] to [`EventStream::new`].
    ///
    /// # Example
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use http_body_util::Full;
    /// use sse_tokio::ByteBodyExt;
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let body = Full::new(&b"data: Hello\n\nevent: done\ndata\n\n"[..]);
    /// let messages: Vec<_> = body.sse().try_collect().await?;
    /// assert_eq!(messages[0].data(), "Hello");
    /// assert_eq!(messages[1].event(), "done");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap().unwrap();
    /// ```
    fn sse(self) -> EventStream<BodyDataStream<Self>, Self::Data>
    where
        Self: Unpin,
        Self::Data: AsRef<[u8]>,
    {
        EventStream::new(BodyDataStream::new(self), Parser::new())
    }
}

impl<B: Body> ByteBodyExt for B {}
