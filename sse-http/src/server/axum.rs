//! Axum integration: bodies as responses, and the last event ID as an extractor.

use std::convert::Infallible;

use axum_core::BoxError;
use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use futures_core::Stream;
use http::request::Parts;
use proto::Timer;

use super::{EncodedEvent, LastEventId, Sse, response};

impl<S, I, T, E> IntoResponse for Sse<S, T, E>
where
    S: Stream<Item = Result<I, E>> + Send + 'static,
    I: Into<EncodedEvent> + 'static,
    T: Timer<Sleep: Send> + Send + 'static,
    E: Into<BoxError> + Send + 'static,
{
    fn into_response(self) -> Response {
        response(Body::new(self))
    }
}

impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, &parts.uri))
    }
}
