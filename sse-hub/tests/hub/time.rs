//! The hub and time: expiry, keep-alive comments, waiting.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use sse_hub::{From, HistoryLimits, Hub, HubConfig, Subscription};
use tokio::time::{Instant, advance, timeout};

use super::{data, frame, publish, ready, secs, topic};

/// The next frame, waiting for it for less than the keep-alive; `None` if there is none.
async fn soon(subscription: &mut Subscription) -> Option<Bytes> {
    timeout(secs(1), frame(subscription)).await.ok()?
}

// 9.2.7: a comment line every 15 seconds or so.
#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_a_comment_to_every_subscriber() {
    let start = tokio::time::Instant::now();
    let at = || start.elapsed().as_secs();
    let (_, topic) = topic(HubConfig::default());
    tokio::time::sleep(secs(100)).await;
    let mut first = topic.subscribe(From::Now).await.unwrap();
    let mut second = topic.subscribe(From::Now).await.unwrap();
    frame(&mut first).await.unwrap();
    frame(&mut second).await.unwrap();
    assert_eq!(ready(&mut first).await, None, "the silence before it came does not count");
    for expected in [115, 130] {
        let (one, two) = tokio::join!(frame(&mut first), frame(&mut second));
        assert_eq!((one.unwrap(), two.unwrap(), at()), (": \n".into(), ": \n".into(), expected));
    }

    let (one, two, ()) = tokio::join!(frame(&mut first), frame(&mut second), async {
        tokio::time::sleep(secs(10)).await;
        publish(&topic, "x").await;
    });
    assert_eq!((data(&one.unwrap()), data(&two.unwrap()), at()), (vec!["x".into()], vec!["x".into()], 140));
    drop(second);
    assert_eq!(frame(&mut first).await.unwrap(), ": \n");
    assert_eq!(at(), 155, "an interval after the event");
}

// 9.2.6: an event with a type is dispatched, a comment is not.
#[tokio::test(start_paused = true)]
async fn a_heartbeat_replaces_the_comment_and_is_not_an_event_of_the_topic() {
    let config = HubConfig::default().with_heartbeat("alive").unwrap();
    let (hub, topic) = topic(config);
    let mut subscription = topic.subscribe(From::Now).await.unwrap();
    frame(&mut subscription).await.unwrap();
    let id = topic.last_event_id().await.unwrap();
    for _ in 0..2 {
        assert_eq!(frame(&mut subscription).await.unwrap(), "event: alive\ndata: \n\n");
    }
    assert_eq!(topic.last_event_id().await.unwrap(), id);
    assert_eq!((hub.metrics().published, subscription.lag()), (0, 0));
}

// 9.2.6: an event without a type is a `message`; 9.2.3: the client itself fires `open` and `error`.
#[test]
fn a_heartbeat_must_not_reach_the_handlers_of_other_events() {
    for wrong in ["", "message", "open", "error", sse_hub::GAP_EVENT, "two\nlines", "two\rlines"] {
        assert!(HubConfig::default().with_heartbeat(wrong).is_err(), "{wrong:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn latency_is_measured_for_live_subscribers_and_not_for_replays() {
    let (hub, topic) = topic(HubConfig::default());
    let observed = || hub.metrics().latency.buckets.iter().sum::<u64>();
    publish(&topic, "old").await;
    let mut replays = topic.subscribe(From::Earliest).await.unwrap();
    let mut live = topic.subscribe(From::Now).await.unwrap();
    for subscription in [&mut replays, &mut live] {
        while ready(subscription).await.is_some() {}
    }
    assert_eq!(observed(), 0);
    publish(&topic, "new").await;
    for subscription in [&mut replays, &mut live] {
        assert!(ready(subscription).await.is_some());
    }
    assert_eq!(observed(), 2, "one for each frame");
}

#[tokio::test(start_paused = true)]
async fn a_keep_alive_of_duration_max_sends_no_comments() {
    let (_, topic) = topic(HubConfig::default().with_keep_alive(Duration::MAX));
    let mut subscription = topic.subscribe(From::Now).await.unwrap();
    frame(&mut subscription).await.unwrap();
    let day = secs(86_400);
    assert!(tokio::time::timeout(day, frame(&mut subscription)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_event_postpones_the_comment_that_was_due() {
    let topic = Hub::new(HubConfig::default()).topic("t").unwrap();
    let mut quick = topic.subscribe(From::Now).await.unwrap();
    let mut slow = topic.subscribe(From::Now).await.unwrap();
    assert!(soon(&mut quick).await.unwrap().ends_with(b"-0\n\n"), "its place");
    assert!(soon(&mut slow).await.unwrap().ends_with(b"-0\n\n"), "its place");
    assert_eq!(soon(&mut quick).await, None);
    advance(secs(14)).await;
    assert_eq!(soon(&mut quick).await.unwrap(), ": \n");
    let id = publish(&topic, "x").await;
    assert_eq!(soon(&mut slow).await.unwrap(), format!("data: x\nid: {id}\n\n"));
    assert_eq!(soon(&mut slow).await, None, "the event said that the connection lives");
}

#[tokio::test(start_paused = true)]
async fn a_new_subscriber_does_not_postpone_the_comment() {
    let topic = Hub::new(HubConfig::default()).topic("t").unwrap();
    let mut first = topic.subscribe(From::Now).await.unwrap();
    assert!(soon(&mut first).await.is_some(), "its place");
    assert_eq!(soon(&mut first).await, None);
    let _second = topic.subscribe(From::Now).await.unwrap();
    advance(secs(14)).await;
    assert_eq!(soon(&mut first).await.unwrap(), ": \n");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_subscription_leaves_no_member_behind() {
    let hub = Hub::new(HubConfig::default());
    let topic = hub.topic("t").unwrap();
    let stays = topic.subscribe(From::Now).await.unwrap();
    assert_eq!(format!("{stays:?}"), "Subscription { lag: 0, .. }");
    assert!(format!("{hub:?}").starts_with("Hub { config: HubConfig { "), "{hub:?}");
    for _ in 0..100 {
        drop(topic.subscribe(From::Now).await.unwrap());
    }
    assert_eq!(format!("{topic:?}"), "Topic { members: 1, .. }");
    drop(stays);
    assert_eq!(format!("{topic:?}"), "Topic { members: 0, .. }");
}

#[tokio::test(start_paused = true)]
async fn expired_events_are_not_resumed_from() {
    let history = HistoryLimits::new().with_age(secs(60));
    let topic = Hub::new(HubConfig::default().with_history(history)).topic("t").unwrap();
    let first = publish(&topic, "a").await;
    advance(secs(30)).await;
    let second = publish(&topic, "b").await;
    publish(&topic, "c").await;
    advance(secs(40)).await;
    let mut resumed = topic.subscribe(From::After(&second)).await.unwrap();
    assert_eq!(data(&soon(&mut resumed).await.unwrap()), ["c"]);
    advance(secs(60)).await;
    for (id, missed) in [(first, 2), (second, 1)] {
        let mut late = topic.subscribe(From::After(&id)).await.unwrap();
        let told = soon(&mut late).await.unwrap();
        let told = std::str::from_utf8(&told).unwrap();
        assert!(told.contains("event: gap\n"), "{told}");
        assert!(told.contains(&format!("data: {{\"missed\":{missed}}}\n")), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_ids_of_one_hub_mean_nothing_to_another() {
    let topics = [(); 2].map(|()| Hub::new(HubConfig::default()).topic("t").unwrap());
    let ids = [publish(&topics[0], "a").await, publish(&topics[1], "a").await];
    assert_ne!(ids[0], ids[1]);
    publish(&topics[1], "b").await;
    let mut restarted = topics[1].subscribe(From::After(&ids[0])).await.unwrap();
    let told = soon(&mut restarted).await.unwrap();
    assert!(told.starts_with(b"event: gap\ndata: {\"missed\":null}\nid: "), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn closing_the_hub_ends_waiting_subscriptions_at_once() {
    let hub = Hub::new(HubConfig::default().with_keep_alive(Duration::MAX));
    let mut waiting = hub.topic("t").unwrap().subscribe(From::Now).await.unwrap();
    assert!(soon(&mut waiting).await.unwrap().ends_with(b"-0\n\n"), "its place");
    let start = Instant::now();
    let waiting = tokio::spawn(async move { timeout(secs(3600), waiting.collect()).await.is_ok() });
    tokio::task::yield_now().await;
    hub.close(secs(1));
    hub.close(secs(2));
    assert!(waiting.await.unwrap());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn max_age_ends_subscriptions_at_spread_times() {
    let config = HubConfig::default()
        .with_max_age(secs(1000))
        .with_retry(secs(2))
        .with_retry_spread(secs(4))
        .with_keep_alive(Duration::MAX);
    let topic = Hub::new(config).topic("t").unwrap();
    let start = Instant::now();
    let follow = |_| {
        let topic = topic.clone();
        async move {
            let mut subscription = topic.subscribe(From::Now).await.unwrap();
            let mut last = Bytes::new();
            while let Some(bytes) = frame(&mut subscription).await {
                last = bytes;
            }
            let last = std::str::from_utf8(&last).unwrap().to_owned();
            let retry = last.strip_prefix("retry: ").unwrap().trim_end().parse::<u64>().unwrap();
            (start.elapsed(), retry)
        }
    };
    let mut left = futures_util::future::join_all((0..100).map(follow)).await;
    assert!(left.iter().all(|(after, _)| (secs(900)..=secs(1001)).contains(after)), "{left:?}");
    assert!(left.iter().all(|(_, retry)| (2000..=6000).contains(retry)), "{left:?}");
    left.sort_unstable();
    assert!(left[99].0 - left[0].0 > secs(20), "not all at once: {left:?}");
    left.sort_unstable_by_key(|(_, retry)| *retry);
    assert!(left[99].1 - left[0].1 > 1000, "nor back all at once: {left:?}");
    assert_eq!(topic.subscribers(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_is_always_behind_ends_at_its_max_age() {
    let config = HubConfig::default().with_max_age(secs(100)).with_retry(secs(2));
    let topic = Hub::new(config).topic("t").unwrap();
    let mut subscription = topic.subscribe(From::Now).await.unwrap();
    frame(&mut subscription).await.unwrap();
    let mut frames = 0;
    loop {
        publish(&topic, "more").await;
        let bytes = frame(&mut subscription).await.unwrap();
        if bytes == "retry: 2000\n\n" {
            break;
        }
        frames += 1;
        advance(secs(1)).await;
    }
    assert!((90..=101).contains(&frames), "{frames}");
}

#[tokio::test(start_paused = true)]
async fn end_after_ends_one_subscription_although_its_topic_is_silent() {
    for (max_age, times, expected) in
        [(1000, &[60][..], 60), (50, &[60], 50), (1000, &[60, 30], 30), (1000, &[30, 60], 30)]
    {
        let config = HubConfig::default().with_max_age(secs(max_age)).with_keep_alive(Duration::MAX);
        let topic = Hub::new(config).topic("t").unwrap();
        let mut other = topic.subscribe(From::Now).await.unwrap();
        frame(&mut other).await.unwrap();
        let subscription = topic.subscribe(From::Now).await.unwrap();
        let mut subscription = times.iter().fold(subscription, |it, time| it.end_after(secs(*time)));
        let start = Instant::now();
        while frame(&mut subscription).await.is_some() {}
        let after = start.elapsed();
        assert!((secs(expected * 9 / 10)..=secs(expected)).contains(&after), "{times:?}: {after:?}");
    }
}
