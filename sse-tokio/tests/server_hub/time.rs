//! The hub and time: what is too old, what a comment is not sent for, who waits. Time is virtual.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use sse_tokio::server::{EventBuilder, HistoryLimits, Hub, HubConfig, Subscription, Topic};
use tokio::time::{Instant, advance, timeout};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

async fn publish(topic: &Topic, data: &str) -> String {
    topic.publish(EventBuilder::new().data(data)).await.unwrap()
}

/// The next frame, waiting for it for less than the keep-alive; `None` if there is none.
async fn frame(subscription: &mut Subscription) -> Option<Bytes> {
    let frame = timeout(secs(1), subscription.frame()).await.ok()?;
    Some(frame.unwrap().unwrap().into_data().unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_event_spares_the_comment_that_was_due() {
    let topic = Hub::new(HubConfig::default()).topic("t").unwrap();
    let mut quick = topic.subscribe(None).await.unwrap();
    let mut slow = topic.subscribe(None).await.unwrap();
    assert!(frame(&mut quick).await.unwrap().ends_with(b"-0\n\n"), "its place");
    assert!(frame(&mut slow).await.unwrap().ends_with(b"-0\n\n"), "its place");
    assert_eq!(frame(&mut quick).await, None);
    advance(secs(14)).await;
    assert_eq!(frame(&mut quick).await.unwrap(), ": \n");
    let id = publish(&topic, "x").await;
    assert_eq!(frame(&mut slow).await.unwrap(), format!("id: {id}\ndata: x\n\n"));
    assert_eq!(frame(&mut slow).await, None, "the event said that the connection lives");
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_does_not_put_the_comment_off() {
    let topic = Hub::new(HubConfig::default()).topic("t").unwrap();
    let mut first = topic.subscribe(None).await.unwrap();
    assert!(frame(&mut first).await.is_some(), "its place");
    assert_eq!(frame(&mut first).await, None);
    let _second = topic.subscribe(None).await.unwrap();
    advance(secs(14)).await;
    assert_eq!(frame(&mut first).await.unwrap(), ": \n");
}

#[tokio::test(start_paused = true)]
async fn who_leaves_leaves_nothing() {
    let topic = Hub::new(HubConfig::default()).topic("t").unwrap();
    let stays = topic.subscribe(None).await.unwrap();
    for _ in 0..100 {
        drop(topic.subscribe(None).await.unwrap());
    }
    assert_eq!(format!("{topic:?}"), "Topic { members: 1, .. }");
    drop(stays);
    assert_eq!(format!("{topic:?}"), "Topic { members: 0, .. }");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_not_resumed_from() {
    let history = HistoryLimits { age: secs(60), ..HistoryLimits::default() };
    let topic = Hub::new(HubConfig { history, ..HubConfig::default() }).topic("t").unwrap();
    let first = publish(&topic, "a").await;
    advance(secs(30)).await;
    let second = publish(&topic, "b").await;
    publish(&topic, "c").await;
    advance(secs(40)).await;
    let mut resumed = topic.subscribe(Some(&second)).await.unwrap();
    assert!(frame(&mut resumed).await.unwrap().ends_with(b"data: c\n\n"));
    advance(secs(60)).await;
    for (id, missed) in [(first, 2), (second, 1)] {
        let mut late = topic.subscribe(Some(&id)).await.unwrap();
        let told = frame(&mut late).await.unwrap();
        let told = std::str::from_utf8(&told).unwrap();
        assert!(told.contains("event: gap\n"), "{told}");
        assert!(told.contains(&format!("data: {{\"missed\":{missed}}}\n\n")), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_ids_of_one_hub_mean_nothing_to_another() {
    let topics = [(); 2].map(|()| Hub::new(HubConfig::default()).topic("t").unwrap());
    let ids = [publish(&topics[0], "a").await, publish(&topics[1], "a").await];
    assert_ne!(ids[0], ids[1]);
    publish(&topics[1], "b").await;
    let mut restarted = topics[1].subscribe(Some(&ids[0])).await.unwrap();
    let told = frame(&mut restarted).await.unwrap();
    assert!(told.ends_with(b"data: {\"missed\":null}\n\n"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_close_reaches_who_waits_at_once() {
    let hub = Hub::new(HubConfig { keep_alive: Duration::MAX, ..HubConfig::default() });
    let mut waiting = hub.topic("t").unwrap().subscribe(None).await.unwrap();
    assert!(frame(&mut waiting).await.unwrap().ends_with(b"-0\n\n"), "its place");
    let start = Instant::now();
    let waiting = tokio::spawn(async move { timeout(secs(3600), waiting.collect()).await.is_ok() });
    tokio::task::yield_now().await;
    hub.close(secs(1));
    hub.close(secs(2));
    assert!(waiting.await.unwrap());
    assert_eq!(start.elapsed(), Duration::ZERO);
}
