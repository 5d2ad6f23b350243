//! The stream of a subscriber as the body of a response, and why it ended.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use http::header::{HeaderName, HeaderValue};
use http_body::Frame;
use sse_hub::{End, SeveralTopics, Subscription, response};

/// A stream that notes its end in the [`Ending`] of its response.
pub(super) struct Stream {
    topics: Topics,
    ending: Ending,
}

enum Topics {
    One(Subscription),
    Several(SeveralTopics),
}

/// Why a stream ended, once it has: an extension of its response, for the log and the metrics.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending(Arc<OnceLock<End>>);

impl Ending {
    /// Why the stream ended, in a few words; `None` while it goes on, and if the client left first.
    pub(super) fn text(&self) -> Option<&'static str> {
        self.0.get().map(|end| match end {
            End::HubClosed => "server stopped",
            End::TopicEnded => "topic ended",
            End::Expired => "token expired",
            End::MaxAge => "max age",
            End::Lagged => "too slow",
            _ => "stream ended",
        })
    }
}

impl Topics {
    fn end(&self) -> Option<End> {
        match self {
            Self::One(subscription) => subscription.end(),
            Self::Several(several) => several.end(),
        }
    }
}

impl From<Subscription> for Stream {
    fn from(subscription: Subscription) -> Self {
        Self { topics: Topics::One(subscription), ending: Ending::default() }
    }
}

impl From<SeveralTopics> for Stream {
    fn from(several: SeveralTopics) -> Self {
        Self { topics: Topics::Several(several), ending: Ending::default() }
    }
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = ready!(match &mut self.topics {
            Topics::One(subscription) => Pin::new(subscription).poll_frame(cx),
            Topics::Several(several) => Pin::new(several).poll_frame(cx),
        });
        // The last frame is the farewell: it is not polled again.
        if let Some(end) = self.topics.end() {
            self.ending.0.get_or_init(|| end);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.topics.end().is_some()
    }
}

impl IntoResponse for Stream {
    fn into_response(self) -> Response {
        let ending = self.ending.clone();
        let id = match &self.topics {
            Topics::One(subscription) => subscription.last_event_id(),
            Topics::Several(_) => None,
        };
        let mut response = placed(Body::new(self), id);
        response.extensions_mut().insert(ending);
        response
    }
}

/// The head of a stream, with the ID of the topic's newest event if it is known.
pub(super) fn placed(body: Body, id: Option<String>) -> Response {
    let mut response = response(body);
    let id = id.and_then(|id| HeaderValue::from_bytes(id.as_bytes()).ok());
    response.headers_mut().extend(id.map(|id| (HeaderName::from_static("last-event-id"), id)));
    response
}
