//! A body of `http-body` → a stream of events (feature `body`).

use http_body::Body;
use http_body_util::BodyDataStream;
use proto::{EventStream, Parser};

/// Adds [`sse`](Self::sse) to the bodies of hyper, axum, tonic, reqwest: for a response that came
/// by a client of your own.
pub trait ByteBodyExt: Body + Sized {
    /// Reads this as `text/event-stream`; trailers are left out.
    ///
    /// It is up to you whether the response is one: [`is_event_stream`](crate::is_event_stream)
    /// judges its content type. For a parser of your own (limits, flushing, a last event ID) give a
    /// [`BodyDataStream`] to [`EventStream::new`].
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
