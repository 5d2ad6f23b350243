//! Tests of subscribers that read from the log because their events are no longer in memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sse_hub::{From, Hub, Log, Topic};
use tokio::time::timeout;

use super::remote::Remote;
use super::{data, frame, publish, ready, secs};

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
