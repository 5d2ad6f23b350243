//! Subscriptions and refusals as axum responses.

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use sse_http::server::response;

use crate::{AppendError, HubError, SeveralError, SeveralTopics, Subscription};

/// The stream, with the ID of the topic's newest event in the header `Last-Event-ID`, if it is
/// known.
impl IntoResponse for Subscription {
    fn into_response(self) -> Response {
        let id = self.last_event_id().and_then(|id| HeaderValue::from_bytes(id.as_bytes()).ok());
        let mut response = response(Body::new(self));
        response.headers_mut().extend(id.map(|id| (HeaderName::from_static("last-event-id"), id)));
        response
    }
}

/// The stream of all topics.
impl IntoResponse for SeveralTopics {
    fn into_response(self) -> Response {
        response(Body::new(self))
    }
}

/// 400 for topics that cannot be followed together; otherwise what the hub's refusal is.
impl IntoResponse for SeveralError {
    fn into_response(self) -> Response {
        match self {
            Self::Hub(error) => error.into_response(),
            _ => (StatusCode::BAD_REQUEST, self.to_string()).into_response(),
        }
    }
}

/// 204 for a topic that ended, which keeps clients from coming back; otherwise 503 and
/// `Retry-After: 5`. To browsers every refusal is final.
impl IntoResponse for HubError {
    fn into_response(self) -> Response {
        if self == Self::Ended {
            return StatusCode::NO_CONTENT.into_response();
        }
        (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], self.to_string()).into_response()
    }
}

/// The status that [`AppendError::status`] says, with `Retry-After` where it may work later.
impl IntoResponse for AppendError {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        headers.extend(self.retry_after().map(|after| (RETRY_AFTER, after.as_secs().max(1).into())));
        (self.status(), headers, self.to_string()).into_response()
    }
}
