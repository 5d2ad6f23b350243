//! Check of every request's host name and origin, and CORS.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, StatusCode};

use super::super::listen::connection::Via;
use super::super::routes::App;
use super::site::Page;

/// Checks every request, answers preflights, and adds CORS headers to the responses.
pub(in crate::serve) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let site = &app.access.rules.site;
    let via = Via::of(request.extensions());
    let page = match site.check(request.headers(), request.uri(), via) {
        Ok(page) => page,
        Err(refusal) => return refusal.into_response(),
    };
    let origin = match &page {
        Page::Listed { origin, .. } => HeaderValue::try_from(origin.as_str()).ok(),
        Page::Own | Page::Unknown => None,
    };
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    request.extensions_mut().insert(page);
    let mut response =
        if preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !site.origins.is_empty() {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    let Some(origin) = origin else { return response };
    let mut insert =
        |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    if site.credentials {
        insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    if preflight {
        insert(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, DELETE");
        insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, cache-control, content-type, idempotency-key, last-event-id, sse-event, sse-id",
        );
        insert(header::ACCESS_CONTROL_MAX_AGE, "600");
    } else {
        insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, "last-event-id, retry-after");
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    response
}
