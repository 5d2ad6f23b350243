//! HTTP routes of `sse serve`.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;
use http::{StatusCode, Uri};
use sse_hub::{Health, Hub, HubError, LastEventId, SeveralTopics, Topic};
use tokio::sync::Semaphore;

use super::access::{Access, Caller, Grant, guard};
use super::metrics::Counters;
use super::rate::Rate;
use super::refusal::Refusal;
use super::stream::{Stream, placed};
use super::{Arguments, publish, topics};

/// State that the handlers share; cheap to clone.
#[derive(Clone)]
pub(super) struct App(Arc<Shared>);

pub(super) struct Shared {
    pub(super) hub: Hub,
    pub(super) access: Access,
    counters: Counters,
    pub(super) rate: Option<Mutex<Rate>>,
    max_topics: usize,
    /// Permits for reading the bodies of publishers.
    pub(super) bodies: Semaphore,
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

pub(super) fn router(arguments: &Arguments, hub: Hub, access: Access, counters: Counters) -> Router {
    let app = App(Arc::new(Shared {
        hub,
        access,
        counters,
        rate: Rate::new(arguments.max_rate, Instant::now()).map(Mutex::new),
        max_topics: arguments.max_topics,
        bodies: Semaphore::new(publish::BODIES),
    }));
    // Probes ask by address, whatever name the server has.
    let probes = Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready));
    let probes = probes.method_not_allowed_fallback(other_method);
    Router::new()
        .route("/events", get(subscribe_several).head(head_several))
        .route("/events/{topic}", get(subscribe).head(last).post(publish::publish).delete(topics::end))
        .route("/topics", get(topics::list))
        .route("/metrics", get(metrics))
        .route("/", get(|| async { asset("text/html; charset=utf-8", include_str!("page/index.html")) }))
        .route("/page.js", get(|| async { asset("text/javascript", include_str!("page/page.js")) }))
        .route("/stream.js", get(|| async { asset("text/javascript", include_str!("page/stream.js")) }))
        .route("/topics.js", get(|| async { asset("text/javascript", include_str!("page/topics.js")) }))
        .route("/log.js", get(|| async { asset("text/javascript", include_str!("page/log.js")) }))
        .route("/page.css", get(|| async { asset("text/css", include_str!("page/page.css")) }))
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
        .layer(axum::middleware::from_fn_with_state(app.clone(), guard))
        .layer(DefaultBodyLimit::max(arguments.max_body))
        .merge(probes)
        .with_state(app)
}

async fn subscribe(
    State(app): State<App>,
    Path(topic): Path<String>,
    last_event_id: LastEventId,
    caller: Caller,
) -> Result<Response, Refusal> {
    let grant = app.access.following(&caller)?;
    grant.require([&*topic])?;
    let mut subscription = app.topic_to_follow(&topic).await?.subscribe(&last_event_id).await?;
    if let Some(remaining) = grant.remaining() {
        subscription = subscription.end_after(remaining);
    }
    Ok(Stream::from(subscription).into_response())
}

/// Follows all topics that the query names (`topic=a&topic=b`); with `label=type` the topic is part
/// of each event's type.
async fn subscribe_several(
    State(app): State<App>,
    last_event_id: LastEventId,
    uri: Uri,
    caller: Caller,
) -> Result<Response, Refusal> {
    let grant = app.access.following(&caller)?;
    if last_event_id.as_deref().is_some_and(|id| id.len() > 4096) {
        return Err(Refusal::bad_request(
            "the last event ID has more than 4096 bytes: it is not one of this server",
        ));
    }
    let (names, label) = named(&uri, &grant)?;
    let mut topics = Vec::new();
    for name in &names {
        topics.push(app.topic_to_follow(name).await?);
    }
    let mut several = SeveralTopics::subscribe(&topics, &last_event_id).await?;
    if let Some(remaining) = grant.remaining() {
        several = several.end_after(remaining);
    }
    Ok(Stream::from(if label { several.label_types() } else { several }).into_response())
}

/// The topics that a query names, each once, and whether its events tell their topic. Checked
/// before any topic is made.
fn named<'a>(uri: &'a Uri, grant: &Grant) -> Result<(Vec<Cow<'a, str>>, bool), Refusal> {
    let (mut names, mut label) = (Vec::new(), false);
    for (key, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        match &*key {
            "topic" if !names.contains(&value) => names.push(value),
            "label" => label = value == "type",
            _ => {}
        }
    }
    SeveralTopics::check(names.iter().map(|name| &**name))?;
    grant.require(names.iter().map(|name| &**name))?;
    names.iter().try_for_each(|name| check_name(name))?;
    Ok((names, label))
}

/// Answers HEAD for several topics: the headers of GET, without a stream and without creating a
/// topic.
async fn head_several(State(app): State<App>, uri: Uri, caller: Caller) -> Result<Response, Refusal> {
    named(&uri, &app.access.following(&caller)?)?;
    Ok(placed(axum::body::Body::empty(), None))
}

/// Answers HEAD: the headers of GET, without a stream and without creating a topic.
async fn last(
    State(app): State<App>,
    Path(topic): Path<String>,
    caller: Caller,
) -> Result<Response, Refusal> {
    app.access.following(&caller)?.require([&*topic])?;
    check_name(&topic)?;
    let id = match app.hub.last_event_id(&topic).await {
        Ok(id @ Some(_)) => id,
        Ok(None) => return Err(HubError::Ended.into()),
        // A stream would wait: so it is a 200, without the ID.
        Err(_) => None,
    };
    Ok(placed(axum::body::Body::empty(), id))
}

/// Whether events can be published and read now.
async fn ready(State(app): State<App>) -> Result<String, Refusal> {
    match app.hub.health() {
        Health::Ready => Ok("ok\n".to_owned()),
        Health::AtRisk(reason) => Ok(format!("ok, but events may be lost: {reason}\n")),
        Health::Away(reason) => Err(Refusal::retry_after(StatusCode::SERVICE_UNAVAILABLE, 1, reason)),
        _ => Err(Refusal::retry_after(StatusCode::SERVICE_UNAVAILABLE, 1, "not ready")),
    }
}

async fn metrics(State(app): State<App>, caller: Caller) -> Result<Response, Refusal> {
    app.access.following(&caller)?.require_everything()?;
    // Where anyone may follow, the names of topics may still be secret.
    let named = app.access.listing(&caller).is_ok_and(|grant| grant.is_everything());
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((content_type, app.counters.render(&app.hub, named)).into_response())
}

/// Refuses a path that is not of this server; for a topic whose name has a slash, with the remedy.
async fn nothing_here(uri: Uri) -> Refusal {
    let reason = match uri.path().strip_prefix("/events/") {
        Some("") => "the topic's name is missing: use /events/TOPIC",
        Some(_) => {
            "a topic's name is one segment of the path: write a slash in it as %2F, as in /events/news%2Fsport"
        }
        None => "there is no such page: topics are at /events/TOPIC",
    };
    Refusal::new(StatusCode::NOT_FOUND, reason)
}

async fn other_method() -> Refusal {
    let reason = "this path does not accept this method: the header Allow lists the accepted ones";
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, reason)
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'";
    ([(header::CONTENT_TYPE, content_type), (header::CONTENT_SECURITY_POLICY, policy)], text).into_response()
}

/// The longest name of a topic, in bytes.
pub(super) const NAME_BYTES: usize = 128;

/// Returns an error if a text is not the name of a topic.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.len() > NAME_BYTES || name.contains(char::is_control) {
        return Err(Refusal::bad_request("a topic's name has 1 to 128 bytes and no control characters"));
    }
    Ok(())
}

impl Shared {
    pub(super) fn topic(&self, name: &str) -> Result<Topic, Refusal> {
        check_name(name)?;
        Ok(self.hub.topic(name)?)
    }

    /// The topic for a client that follows it. At most half of the topics may have no events, so
    /// that subscribers of invented names leave room for publishers.
    async fn topic_to_follow(&self, name: &str) -> Result<Topic, Refusal> {
        if let Some(topic) = self.hub.get(name) {
            return Ok(topic);
        }
        check_name(name)?;
        let limit = self.max_topics.div_ceil(2);
        if self.hub.empty_topics() >= limit && !self.hub.has_events(name).await {
            let reason = format!("{limit} topics have no events yet, no more are allowed: publish first");
            return Err(Refusal::retry_after(StatusCode::SERVICE_UNAVAILABLE, 5, reason));
        }
        self.topic(name)
    }
}
