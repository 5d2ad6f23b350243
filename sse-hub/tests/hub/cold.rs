//! Tests of subscribers that read from the log because their events are no longer in memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use proto::Parser;
use sse_hub::{From, GAP_EVENT, Hub, Log, Topic};
use tokio::time::timeout;

use super::remote::Remote;
use super::{data, frame, messages, publish, ready, secs};

/// A topic of a hub that keeps four events in memory.
fn topic(log: &Arc<Remote>) -> Topic {
    let hub = Hub::with_log(super::small().with_keep_alive(secs(3600)), Arc::clone(log) as Arc<dyn Log>);
    hub.topic("t").unwrap()
}

#[tokio::test(start_paused = true)]
async fn subscribers_that_are_not_polled_while_they_read_the_log_do_not_delay_others() {
    let log = Remote::new();
    let topic = topic(&log);
    let mut ids = Vec::new();
    for number in 0..100 {
        ids.push(publish(&topic, &number.to_string()).await);
    }
    let mut stalled = Vec::new();
    for id in &ids[..80] {
        let mut subscription = topic.subscribe(From::After(id)).await.unwrap();
        assert_eq!(ready(&mut subscription).await, None, "it reads the log");
        stalled.push(subscription);
    }
    let mut other = topic.subscribe(From::After(&ids[89])).await.unwrap();
    let first = timeout(secs(60), frame(&mut other)).await.unwrap().unwrap();
    assert_eq!(data(&first), (90..100).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_is_ahead_of_the_updates_of_the_log_waits_for_them() {
    let log = Remote::new();
    let topic = topic(&log);
    let _open = topic.subscribe(From::Now).await.unwrap();
    publish(&topic, "a").await;
    log.mute.store(true, Ordering::Relaxed);
    let id = publish(&topic, "b").await;
    let mut subscription = topic.subscribe(From::After(&id)).await.unwrap();
    assert!(timeout(secs(60), frame(&mut subscription)).await.is_err(), "nothing follows");
    let reads = log.reads.load(Ordering::Relaxed);
    assert!(reads < 100, "{reads} reads in a minute");
    log.mute.store(false, Ordering::Relaxed);
    publish(&topic, "c").await;
    let next = timeout(secs(1), frame(&mut subscription)).await.unwrap().unwrap();
    assert_eq!(data(&next), ["c"]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_whose_newest_events_are_damaged_opens_with_a_gap() {
    let log = Remote::new();
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(publish(&topic(&log), &number.to_string()).await);
    }
    log.damaged.store(true, Ordering::Relaxed);
    let topic = topic(&log);
    let mut subscription = topic.subscribe(From::After(&ids[0])).await.unwrap();
    let gap = timeout(secs(60), frame(&mut subscription)).await.unwrap().unwrap();
    let gap = messages(&mut Parser::new(), &gap);
    assert_eq!((gap[0].event(), gap[0].data()), (GAP_EVENT, r#"{"missed":2}"#));
    publish(&topic, "next").await;
    let next = timeout(secs(60), frame(&mut subscription)).await.unwrap().unwrap();
    assert_eq!(data(&next), ["next"]);
}
