//! How to test a handler: read its response as a client would, without a socket and without
//! waiting.

#![cfg(test)]

use std::time::Duration;

use axum::response::IntoResponse;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use sse_hub::{EventBuilder, Hub, HubConfig, HubError, LastEventId, Subscription, Topic};
use sse_tokio::ByteBodyExt;
use sse_tokio::server::{EncodedEvent, Sse};

async fn count() -> impl IntoResponse {
    fn numbers() -> impl Stream<Item = EncodedEvent> + Send {
        let seconds = stream::iter(1..=3).then(async |n| {
            tokio::time::sleep(Duration::from_secs(1)).await;
            n
        });
        seconds.map(|n| EventBuilder::new().data(&n.to_string()).into())
    }
    Sse::new(numbers())
}

async fn follow(news: Topic, id: LastEventId) -> Result<Subscription, HubError> {
    news.subscribe(id.as_deref()).await
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_events_arrives_whole() {
    let response = count().await.into_response();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let messages: Vec<_> = response.into_body().sse().try_collect().await.unwrap();
    let data: Vec<_> = messages.iter().map(|message| message.data()).collect();
    assert_eq!(data, ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_resumes_after_its_last_event() {
    let news = Hub::new(HubConfig::default()).topic("news").unwrap();
    let id = news.publish(EventBuilder::new().data("seen")).await.unwrap();
    news.publish(EventBuilder::new().data("missed")).await.unwrap();
    let response = follow(news, LastEventId(Some(id))).await.into_response();
    let mut events = response.into_body().sse();
    assert_eq!(events.try_next().await.unwrap().unwrap().data(), "missed");
}
