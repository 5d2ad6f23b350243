//! HTTP client over reqwest, with tokio's clock.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http::{Request, Response};
use http_body_util::BodyDataStream;
use sse_http::client::{Attempt, Client, TransportError};

use super::connecting::Connecting;
use super::reqwest_error::error;
use super::upload::{Refusal, Upload};
use crate::clock::Clock;

/// The client of an [`EventSource`](super::EventSource): reqwest, and tokio's clock.
#[derive(Debug)]
pub struct Http {
    pub(super) client: reqwest::Client,
    /// Whether the client is the user's own, which follows redirects by its own policy.
    pub(super) redirects: bool,
    /// The body of the request, if that is a stream; `None` once it was sent.
    pub(super) stream: Mutex<Option<reqwest::Body>>,
    pub(super) clock: Clock,
    /// Counts the connections of the source's own client; nothing is known of a client of the
    /// user.
    pub(super) connecting: Connecting,
}

/// The body of a response, as a stream of its chunks.
#[derive(Debug)]
pub struct Body(BodyDataStream<reqwest::Body>);

impl Client for Http {
    type Body = Body;
    type Clock = Clock;

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn is_connecting(&self) -> bool {
        self.connecting.is_connecting()
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        let empty = stream.is_none() && request.body().is_empty();
        let refusal = Refusal::default();
        let request = request.map(|bytes| match stream {
            Some(stream) => stream,
            // reqwest cannot repeat an upload, as a redirect that it follows requires.
            None if bytes.len() > Attempt::LARGE && !self.redirects => {
                reqwest::Body::wrap(Upload::new(bytes, refusal.clone()))
            }
            None => bytes.into(),
        });
        let mut request = reqwest::Request::try_from(request).map_err(error)?;
        if empty {
            *request.body_mut() = None;
        }
        let response = self.client.execute(request).await.map_err(error)?;
        if !response.status().is_success() {
            refusal.set();
        }
        let url = response.url().clone();
        let mut response = Response::from(response);
        if self.redirects {
            response.extensions_mut().insert(url);
        }
        Ok(response.map(|body| Body(BodyDataStream::new(body))))
    }
}

impl Stream for Body {
    type Item = Result<Bytes, TransportError>;

    // Inlined, because it runs for each chunk, and only converts the rare error.
    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx).map_err(error)
    }
}
