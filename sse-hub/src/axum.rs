//! Axum integration: subscriptions and errors of the hub as responses.

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use sse_http::server::response;

use crate::{AppendError, HubError, SeveralError, SeveralTopics, Subscription};

/// Responds with the stream, and with [`Subscription::last_event_id`] in the header
/// `Last-Event-ID`, if that ID is known. `EventSource` ignores the header.
impl IntoResponse for Subscription {
    fn into_response(self) -> Response {
        let id = self.last_event_id().and_then(|id| HeaderValue::from_bytes(id.as_bytes()).ok());
        let mut response = response(Body::new(self));
        response.headers_mut().extend(id.map(|id| (HeaderName::from_static("last-event-id"), id)));
        response
    }
}

/// Responds with the stream of all topics.
impl IntoResponse for SeveralTopics {
    fn into_response(self) -> Response {
        response(Body::new(self))
    }
}

/// Responds with 400 if the topics cannot be followed together; otherwise with the response for the
/// hub's error.
impl IntoResponse for SeveralError {
    fn into_response(self) -> Response {
        match self {
            Self::Hub(error) => error.into_response(),
            _ => (StatusCode::BAD_REQUEST, self.to_string()).into_response(),
        }
    }
}

/// Responds with 204 for a topic that ended, so that clients do not reconnect (9.2.3); otherwise
/// with 503 and `Retry-After: 5`. Browsers do not reconnect after any of these.
impl IntoResponse for HubError {
    fn into_response(self) -> Response {
        if self == Self::Ended {
            return StatusCode::NO_CONTENT.into_response();
        }
        (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], self.to_string()).into_response()
    }
}

/// Responds with the status of [`AppendError::status`], and with `Retry-After` if a retry may
/// succeed.
impl IntoResponse for AppendError {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        headers.extend(self.retry_after().map(|after| (RETRY_AFTER, after.as_secs().max(1).into())));
        (self.status(), headers, self.to_string()).into_response()
    }
}
