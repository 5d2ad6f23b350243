//! What can be asked.

use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, Uri};
use sse_hub::{AppendError, Health, Hub, HubError, LastEventId, Topic};
use tokio::sync::Semaphore;

use super::access::{Access, guard};
use super::rate::Rate;
use super::{Arguments, metrics, publish};

/// What the handlers share; cheap to clone.
#[derive(Clone)]
pub(super) struct App(Arc<Shared>);

pub(super) struct Shared {
    pub(super) hub: Hub,
    pub(super) access: Access,
    pub(super) rate: Option<Mutex<Rate>>,
    max_topics: usize,
    /// As many as a topic keeps: of more at a time, those who follow it would be given a gap.
    pub(super) max_events: usize,
    /// The turns of those who publish.
    pub(super) bodies: Semaphore,
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

pub(super) fn router(arguments: &Arguments, hub: Hub) -> Router {
    let app = App(Arc::new(Shared {
        hub,
        access: Access::new(arguments),
        rate: Rate::new(arguments.max_rate, Instant::now()).map(Mutex::new),
        max_topics: arguments.max_topics,
        max_events: arguments.history_events.max(1),
        bodies: Semaphore::new(publish::BODIES),
    }));
    Router::new()
        .route("/events/{topic}", get(subscribe).post(publish::publish))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/", get(|| async { asset("text/html; charset=utf-8", include_str!("page/index.html")) }))
        .route("/page.js", get(|| async { asset("text/javascript", include_str!("page/page.js")) }))
        .route("/stream.js", get(|| async { asset("text/javascript", include_str!("page/stream.js")) }))
        .route("/log.js", get(|| async { asset("text/javascript", include_str!("page/log.js")) }))
        .route("/page.css", get(|| async { asset("text/css", include_str!("page/page.css")) }))
        .layer(axum::middleware::from_fn_with_state(app.clone(), guard))
        .layer(DefaultBodyLimit::max(arguments.max_body))
        .with_state(app)
}

async fn subscribe(
    State(app): State<App>,
    Path(topic): Path<String>,
    last_event_id: LastEventId,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    app.access.may_subscribe(&headers, access_token(&uri).as_deref())?;
    let subscription = app.topic_to_follow(&topic)?.subscribe(&last_event_id).await?;
    Ok(subscription.into_response())
}

/// Whether events can be published and read now.
async fn ready(State(app): State<App>) -> Result<&'static str, Refusal> {
    match app.hub.health() {
        Health::Ready => Ok("ok\n"),
        Health::Away(reason) => Err(Refusal::retry_after(StatusCode::SERVICE_UNAVAILABLE, 1, reason)),
        _ => Err(Refusal::retry_after(StatusCode::SERVICE_UNAVAILABLE, 1, "not ready")),
    }
}

async fn metrics(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Result<Response, Refusal> {
    app.access.may_subscribe(&headers, access_token(&uri).as_deref())?;
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((content_type, metrics::render(&app.hub.metrics())).into_response())
}

fn access_token(uri: &Uri) -> Option<String> {
    let pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    pairs.into_iter().find(|(name, _)| name == "access_token").map(|(_, token)| token.into_owned())
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'";
    ([(header::CONTENT_TYPE, content_type), (header::CONTENT_SECURITY_POLICY, policy)], text).into_response()
}

impl Shared {
    pub(super) fn topic(&self, name: &str) -> Result<Topic, Refusal> {
        if name.len() > 128 || name.contains(char::is_control) {
            return Err(Refusal::bad_request(
                "a topic's name has at most 128 bytes and no control characters",
            ));
        }
        Ok(self.hub.topic(name)?)
    }

    /// The topic for one who only listens. Topics that were never published to may be half of all, lest those who listen
    /// to names of their own leave no topic to publish to.
    fn topic_to_follow(&self, name: &str) -> Result<Topic, Refusal> {
        if let Some(topic) = self.hub.get(name) {
            return Ok(topic);
        }
        let limit = self.max_topics.div_ceil(2);
        if self.hub.empty_topics() >= limit {
            let reason = format!("{limit} topics have no events yet, no more are allowed: publish first");
            return Err(Refusal::retry_after(StatusCode::SERVICE_UNAVAILABLE, 5, reason));
        }
        self.topic(name)
    }
}

/// An answer that says why not.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    header: Option<(HeaderName, HeaderValue)>,
    reason: String,
}

impl Refusal {
    fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, header: None, reason: reason.into() }
    }

    fn retry_after(status: StatusCode, seconds: u64, reason: impl Into<String>) -> Self {
        Self { header: Some((header::RETRY_AFTER, seconds.into())), ..Self::new(status, reason) }
    }

    pub(super) fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    pub(super) fn timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "the body took too long: publish less at a time")
    }

    pub(super) fn too_many(limit: usize) -> Self {
        let reason = format!("a topic keeps {limit} events: publish no more of them at a time");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, reason)
    }

    pub(super) fn busy() -> Self {
        Self::retry_after(StatusCode::SERVICE_UNAVAILABLE, 1, "too many are publishing: try again")
    }

    pub(super) fn rate(seconds: u64) -> Self {
        Self::retry_after(StatusCode::TOO_MANY_REQUESTS, seconds, "too many events: publish more slowly")
    }

    pub(super) fn host(host: &str) -> Self {
        let reason =
            format!("not served under the name {host:?}: use localhost, or start the server with --host");
        Self::new(StatusCode::FORBIDDEN, reason)
    }

    pub(super) fn origin(origin: &str) -> Self {
        let reason = format!("pages of {origin:?} are not let in: start the server with --cors-origin");
        Self::new(StatusCode::FORBIDDEN, reason)
    }

    pub(super) fn token() -> Self {
        let challenge = (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        let reason = "a bearer token is needed: send Authorization: Bearer <token>";
        Self { header: Some(challenge), ..Self::new(StatusCode::UNAUTHORIZED, reason) }
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        let header = error.retry_after().map(|after| (header::RETRY_AFTER, after.as_secs().max(1).into()));
        Self { header, ..Self::new(error.status(), error.to_string()) }
    }
}

impl From<HubError> for Refusal {
    fn from(error: HubError) -> Self {
        Self::retry_after(StatusCode::SERVICE_UNAVAILABLE, 5, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.reason + "\n").into_response();
        response.headers_mut().extend(self.header);
        response
    }
}
