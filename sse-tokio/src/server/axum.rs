//! Bodies as axum responses, the last event ID as an axum extractor.

use std::convert::Infallible;

use axum_core::BoxError;
use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use futures_core::Stream;
use http::StatusCode;
use http::header::RETRY_AFTER;
use http::request::Parts;

use super::{EncodedEvent, HubError, LastEventId, Log, Sse, Subscription, response};

impl<S, T, E> IntoResponse for Sse<S, E>
where
    S: Stream<Item = Result<T, E>> + Send + 'static,
    T: Into<EncodedEvent> + 'static,
    E: Into<BoxError> + Send + 'static,
{
    fn into_response(self) -> Response {
        response(Body::new(self))
    }
}

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

impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, &parts.uri))
    }
}
