//! A hub behind axum: `curl -N localhost:3000/events` follows, `curl localhost:3000/events -d text`
//! publishes.
//!
//! `cargo run -p sse-hub --features axum --example serve`

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use axum::serve::ListenerExt;
use sse_hub::{AppendError, EventBuilder, Hub, HubConfig, HubError, LastEventId, Subscription, Topic};

async fn follow(State(topic): State<Topic>, last_event_id: LastEventId) -> Result<Subscription, HubError> {
    topic.subscribe(&last_event_id).await
}

async fn publish(State(topic): State<Topic>, body: String) -> Result<String, AppendError> {
    topic.publish(EventBuilder::new().data(&body)).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let topic = Hub::new(HubConfig::default()).topic("events")?;
    let app = Router::new().route("/events", get(follow).post(publish)).with_state(topic);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    // An event is a small write, which must not wait until the one before is acknowledged.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, app).await?;
    Ok(())
}
