//! A server of axum's own `Sse`, an event every 200 ms: axum-events PORT

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_util::{Stream, StreamExt, stream};

async fn events(headers: HeaderMap) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let events = stream::iter(last.unwrap_or(0) + 1..).then(|n| async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok(Event::default().id(n.to_string()).data(format!("event {n}")))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

#[tokio::main]
async fn main() {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("give a port");
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    axum::serve(listener, Router::new().route("/", get(events))).await.expect("the listener works");
}
