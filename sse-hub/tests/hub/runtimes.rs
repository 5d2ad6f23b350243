//! Tests of a hub that is used in several runtimes, and without a runtime.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::time::Duration;

use sse_hub::{From, Hub, HubConfig, Log};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::remote::Remote;
use super::{data, frame, publish, secs};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

fn hub(log: &Arc<Remote>) -> Hub {
    Hub::with_log(HubConfig::default(), Arc::clone(log) as Arc<dyn Log>)
}

#[test]
fn a_topic_whose_opening_was_dropped_with_its_runtime_opens_in_another_one() {
    let log = Remote::new();
    let topic = hub(&log).topic("t").unwrap();
    let (first, other) = (runtime(), runtime());
    *log.opening.lock().unwrap() = secs(3600);
    let dropped =
        first.block_on(async { timeout(Duration::from_millis(10), topic.subscribe(From::Now)).await });
    assert!(dropped.is_err(), "the subscriber has left, and the topic is still being opened");
    let mut waiting = other.block_on(topic.subscribe(From::Earliest)).unwrap();
    *log.opening.lock().unwrap() = Duration::ZERO;
    drop(first);
    other.block_on(async {
        let mut next = timeout(secs(1), topic.subscribe(From::Now)).await.unwrap().unwrap();
        assert!(next.last_event_id().is_some(), "open again");
        let id = publish(&topic, "x").await;
        for subscription in [&mut waiting, &mut next] {
            let mut seen = Vec::new();
            while seen.is_empty() {
                seen = data(&timeout(secs(1), frame(subscription)).await.unwrap().unwrap());
            }
            assert_eq!((seen, subscription.last_event_id()), (vec!["x".to_owned()], Some(id.clone())));
        }
    });
}

#[test]
fn subscribing_outside_a_runtime_panics_and_leaves_nothing_behind() {
    let log = Remote::new();
    let hub = hub(&log);
    let topic = hub.topic("t").unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut subscribe = pin!(topic.subscribe(From::Now));
        subscribe.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }));
    assert!(panicked.is_err());
    assert_eq!((hub.metrics().subscribers, topic.subscribers()), (0, 0));
    runtime().block_on(async {
        let subscription = topic.subscribe(From::Now).await.unwrap();
        assert!(subscription.last_event_id().is_some(), "the topic opens");
    });
}

#[test]
fn events_that_were_being_read_when_a_runtime_ended_are_read_in_another_one() {
    let log = Remote::new();
    let topic = hub(&log).topic("t").unwrap();
    let (first, other) = (runtime(), runtime());
    let mut subscription = first.block_on(topic.subscribe(From::Now)).unwrap();
    other.block_on(async {
        log.mute.store(true, Ordering::Relaxed);
        publish(&topic, "missed").await;
        log.mute.store(false, Ordering::Relaxed);
        publish(&topic, "reported").await;
        assert_eq!(log.reads.load(Ordering::Relaxed), 0, "the missed event is about to be read");
    });
    drop(other);
    first.block_on(async {
        let mut seen = Vec::new();
        while seen.len() < 2 {
            seen.extend(data(&timeout(secs(1), frame(&mut subscription)).await.unwrap().unwrap()));
        }
        assert_eq!(seen, ["missed", "reported"]);
    });
}
