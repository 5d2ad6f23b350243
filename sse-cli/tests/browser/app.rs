//! An application on `sse-tokio`, with a route for each behaviour that a client has to show.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use http_body_util::BodyExt;
use sse_hub::{Hub, HubConfig};
use sse_tokio::server::{EncodedEvent, EventBuilder, LastEventId, Sse, response};

pub(crate) fn router() -> Router {
    let requests = Arc::new(AtomicU32::new(0));
    Router::new()
        .route("/", get(|| async { Html("<!doctype html><title>a page</title>") }))
        .route("/shapes", get(shapes))
        .route("/echo", get(echo))
        .route("/enough", get(enough))
        .route(
            "/enough/count",
            get(|State(it): State<Arc<AtomicU32>>| async move { it.load(Ordering::Relaxed).to_string() }),
        )
        .with_state(requests)
        .merge(Router::new().route("/cut", get(cut)).route("/quiet", get(quiet)).with_state(numbers()))
}

/// Everything that a stream may contain, then silence.
async fn shapes() -> impl IntoResponse {
    let events = [
        EventBuilder::new().comment("not seen\ndata: by anyone"),
        EventBuilder::new().data("plain"),
        EventBuilder::new().event("named").unwrap().data("a\nb\r\nc\rd\n"),
        EventBuilder::new().data(" leading space, ünïcödé 中文 🦀 \u{2028}"),
        EventBuilder::new().event("named").unwrap().data(""),
        EventBuilder::new().event("named").unwrap(),
        EventBuilder::new().event("error").unwrap().data("a message of this type"),
        EventBuilder::new().id("last").unwrap().data("end"),
    ];
    Sse::new(stream::iter(events).chain(stream::pending()))
}

/// One event a connection: the last event ID that came with the request.
async fn echo(last_event_id: LastEventId) -> impl IntoResponse {
    let came = last_event_id.as_deref().unwrap_or("none");
    let number = came.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0);
    let id = format!("…é-{}", number + 1);
    let event = EventBuilder::new().retry(Duration::from_millis(50)).id(&id).unwrap().data(came);
    Sse::new(stream::iter([EncodedEvent::from(event)]))
}

/// Ends the first stream, then the client.
async fn enough(State(requests): State<Arc<AtomicU32>>) -> Response {
    if requests.fetch_add(1, Ordering::Relaxed) > 0 {
        return StatusCode::NO_CONTENT.into_response();
    }
    let event = EventBuilder::new().retry(Duration::from_millis(20)).data("only");
    Sse::new(stream::iter([event])).into_response()
}

/// A hub with the topic `numbers`, to which a number is published every 20 ms.
fn numbers() -> Hub {
    let hub = Hub::new(HubConfig::default().with_retry(Duration::from_millis(30)));
    let topic = hub.topic("numbers").unwrap();
    tokio::spawn(async move {
        for number in 0u32.. {
            topic.publish(EventBuilder::new().data(&number.to_string())).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    hub
}

/// The numbers, but every connection breaks inside its fifth frame.
async fn cut(State(hub): State<Hub>, last_event_id: LastEventId) -> impl IntoResponse {
    let subscription = hub.topic("numbers").unwrap().subscribe(&last_event_id).await.unwrap();
    let frames = subscription.into_data_stream().map(|frame: Result<_, Infallible>| frame.unwrap());
    let broken = frames.take(5).enumerate().map(|(at, bytes)| {
        if at < 4 {
            Ok(vec![Ok(bytes)])
        } else {
            Ok(vec![Ok(bytes.slice(..bytes.len() / 2)), Err(io::Error::other("cut"))])
        }
    });
    let frames = broken.flat_map(|frames: Result<_, Infallible>| stream::iter(frames.unwrap()));
    response(Body::from_stream(frames))
}

/// Ends the stream of a client without an ID before any event, and publishes one before it can be
/// back.
async fn quiet(State(hub): State<Hub>, last_event_id: LastEventId) -> Response {
    let topic = hub.topic("quiet").unwrap();
    let subscription = topic.subscribe(&last_event_id).await.unwrap();
    if last_event_id.0.is_some() {
        return subscription.into_response();
    }
    let publish = stream::once(async move {
        topic.publish(EventBuilder::new().data("missed")).await.unwrap();
    });
    let place = subscription.into_data_stream().take(1);
    response(Body::from_stream(place.chain(publish.filter_map(|()| async { None }))))
}
