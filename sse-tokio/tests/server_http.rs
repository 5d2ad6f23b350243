//! Bodies behind axum and hyper: the head, errors.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use futures_util::stream;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use sse_tokio::server::{EventBuilder, Sse};

/// Answers one request over a pipe.
async fn request(app: Router, request: Request<Empty<Bytes>>) -> Response<Incoming> {
    let (near, far) = tokio::io::duplex(64 << 10);
    let service = TowerToHyperService::new(app);
    tokio::spawn(async move {
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(far), service);
        drop(connection.await);
    });
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(near)).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    sender.send_request(request).await.unwrap()
}

fn get_root() -> Request<Empty<Bytes>> {
    Request::get("/").body(Empty::new()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_a_response() {
    let handler = || async { Sse::new(stream::iter(["a"].map(|data| EventBuilder::new().data(data)))) };
    let response = request(Router::new().route("/", get(handler)), get_root()).await;
    assert_eq!(response.status(), 200);
    let headers = response.headers();
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(headers["cache-control"], "no-cache, no-transform");
    assert_eq!(headers["x-accel-buffering"], "no");
    assert!(!headers.contains_key("content-encoding") && !headers.contains_key("content-length"));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "data: a\n\n");
}

#[tokio::test(start_paused = true)]
async fn the_events_before_an_error_arrive() {
    let items = || stream::iter([Ok(EventBuilder::new().data("a")), Err("broken")]);
    let handler = move || async move { Sse::try_new(items()) };
    let mut response = request(Router::new().route("/", get(handler)), get_root()).await;
    assert_eq!(response.frame().await.unwrap().unwrap().into_data().unwrap(), "data: a\n\n");
    assert!(response.frame().await.unwrap().is_err(), "the end is not a clean one");
}

#[tokio::test(start_paused = true)]
async fn the_head_comes_before_the_first_event() {
    let handler = || async { Sse::new(stream::pending::<EventBuilder<'static>>()).keep_alive(Duration::MAX) };
    let response = request(Router::new().route("/", get(handler)), get_root()).await;
    assert_eq!(response.status(), 200);
}
