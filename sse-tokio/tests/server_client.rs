//! This project's client and hub over real sockets, while the connections between them break.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use futures_util::{StreamExt, future, stream};
use http_body_util::BodyExt;
use sse_hub::{EventBuilder, Hub, HubConfig, LastEventId, Topic, response};
use sse_tokio::{Event, EventSource};

/// Follows the topic, but passes only a limited number of bytes, different each time, and then
/// breaks the connection.
async fn breaking(
    State((topic, seed)): State<(Topic, Arc<AtomicU64>)>,
    last_event_id: LastEventId,
) -> impl IntoResponse {
    let subscription = topic.subscribe(&last_event_id).await.unwrap();
    let mut room = (seed.fetch_add(1, Ordering::Relaxed) * 7919 % 1500) as usize + 100;
    let frames = subscription.into_data_stream().flat_map(move |frame: Result<_, Infallible>| {
        let mut bytes = frame.unwrap();
        let cut = bytes.len() > room;
        bytes.truncate(room);
        room -= bytes.len();
        let sent = stream::once(async { Some(Ok(bytes)) });
        let end = stream::once(async move {
            // With an error at once hyper would throw away what it has not written yet.
            tokio::task::yield_now().await;
            cut.then(|| Err(io::Error::other("cut")))
        });
        sent.chain(end).filter_map(future::ready)
    });
    response(Body::from_stream(frames))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_subscriber_resumes_without_loss_under_load() {
    const SUBSCRIBERS: usize = 50;
    const EVENTS: u32 = 300;
    let hub = Hub::new(HubConfig::default().with_retry(Duration::from_millis(1)));
    let topic = hub.topic("t").unwrap();
    let state = (topic.clone(), Arc::new(AtomicU64::new(1)));
    let app = Router::new().route("/", get(breaking)).with_state(state.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let open = Arc::new(tokio::sync::Semaphore::new(0));
    let subscribers = (0..SUBSCRIBERS).map(|_| {
        let (url, open) = (url.clone(), Arc::clone(&open));
        tokio::spawn(async move {
            let mut source = EventSource::get(&url).unwrap();
            let (mut numbers, mut breaks) = (vec![], 0);
            while numbers.len() < EVENTS as usize {
                match source.next().await.unwrap().unwrap() {
                    Event::Open(_) if numbers.is_empty() => open.add_permits(1),
                    Event::Message(message) => numbers.push(message.data().parse::<u32>().unwrap()),
                    Event::Disconnected { .. } => breaks += 1,
                    _ => {}
                }
            }
            (numbers, breaks)
        })
    });
    let subscribers: Vec<_> = subscribers.collect();
    drop(open.acquire_many(SUBSCRIBERS as u32).await.unwrap());
    for number in 0..EVENTS {
        topic.publish(EventBuilder::new().data(&number.to_string())).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let expected: Vec<u32> = (0..EVENTS).collect();
    let all = tokio::time::timeout(Duration::from_secs(60), future::join_all(subscribers)).await.unwrap();
    for (at, subscriber) in all.into_iter().enumerate() {
        let (numbers, breaks) = subscriber.unwrap();
        assert_eq!(numbers, expected, "subscriber {at}");
        assert!(breaks > 3, "subscriber {at} was cut off {breaks} times only");
    }
    assert_eq!(hub.metrics().gaps, 0);
}
