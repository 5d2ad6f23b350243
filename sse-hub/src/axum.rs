//! Subscriptions and refusals as axum responses.

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;
use sse_http::server::response;

use crate::{HubError, Log, Subscription};

impl<L: Log> IntoResponse for Subscription<L> {
    fn into_response(self) -> Response {
        response(Body::new(self))
    }
}

/// 503 and `Retry-After: 5`: what a handler returns beside a [`Subscription`]. To browsers every refusal is final.
impl IntoResponse for HubError {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], self.to_string()).into_response()
    }
}
