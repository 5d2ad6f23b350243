//! Subscriptions behind axum and hyper: the response head, resuming, and clients that disconnect.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use sse_hub::{EventBuilder, Hub, HubConfig, HubError, LastEventId, Subscription};

/// Answers one request over a pipe. The handle ends when the server is done with the connection.
async fn request(
    app: Router,
    request: Request<Empty<Bytes>>,
) -> (Response<Incoming>, [tokio::task::JoinHandle<()>; 2]) {
    let (near, far) = tokio::io::duplex(64 << 10);
    let service = TowerToHyperService::new(app);
    let server = tokio::spawn(async move {
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(far), service);
        drop(connection.await);
    });
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(near)).await.unwrap();
    let client = tokio::spawn(async move { drop(connection.await) });
    (sender.send_request(request).await.unwrap(), [server, client])
}

fn hub_app(hub: Hub) -> Router {
    async fn events(State(hub): State<Hub>, last_event_id: LastEventId) -> Result<Subscription, HubError> {
        hub.topic("t")?.subscribe(&last_event_id).await
    }
    Router::new().route("/", get(events)).with_state(hub)
}

fn get_root() -> Request<Empty<Bytes>> {
    Request::get("/").body(Empty::new()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_client_resumes_by_header_or_query() {
    let hub = Hub::new(HubConfig::default());
    let topic = hub.topic("t").unwrap();
    let first = topic.publish(EventBuilder::new().data("a")).await.unwrap();
    let second = topic.publish(EventBuilder::new().data("b")).await.unwrap();
    let by_header = Request::get("/").header("Last-Event-ID", &first).body(Empty::new()).unwrap();
    let by_query = Request::get(format!("/?lastEventId={first}")).body(Empty::new()).unwrap();
    for by in [by_header, by_query] {
        let (mut response, _) = request(hub_app(hub.clone()), by).await;
        let frame = response.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(frame, format!("data: b\nid: {second}\n\n"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_is_noticed_at_once() {
    let start = tokio::time::Instant::now();
    let hub = Hub::new(HubConfig::default());
    let (mut response, [server, client]) = request(hub_app(hub.clone()), get_root()).await;
    response.frame().await.unwrap().unwrap();
    assert_eq!(hub.metrics().subscribers, 1);
    client.abort();
    server.await.unwrap();
    assert_eq!(hub.metrics().subscribers, 0);
    assert!(start.elapsed() < Duration::from_millis(1), "without waiting for a failed write");
}

#[tokio::test(start_paused = true)]
async fn a_closed_hub_ends_the_response_cleanly() {
    let hub = Hub::new(HubConfig::default());
    let (mut response, _) = request(hub_app(hub.clone()), get_root()).await;
    response.frame().await.unwrap().unwrap();
    hub.close(Duration::from_secs(3));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "retry: 3000\n\n");
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_beyond_the_limit_gets_503_and_retry_after() {
    let hub = Hub::new(HubConfig::default().with_max_subscribers(1));
    let (_first, _) = request(hub_app(hub.clone()), get_root()).await;
    let (second, _) = request(hub_app(hub), get_root()).await;
    assert_eq!((second.status().as_u16(), &second.headers()["retry-after"]), (503, &"5".try_into().unwrap()));
    let body = second.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "there are 1 subscribers, no more are allowed: try again later");
}
