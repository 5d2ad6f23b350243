//! Tests of the hub's limits and counts.

use sse_hub::{From, Hub, HubConfig, HubError, Metrics};

use super::{frame, publish, ready, secs, topic};

#[tokio::test(start_paused = true)]
async fn the_limits_of_topics_and_subscribers_free_up_when_they_leave() {
    let hub = Hub::new(HubConfig::default().with_max_topics(2).with_max_subscribers(1));
    let used = hub.topic("used").unwrap();
    let subscription = used.subscribe(From::Now).await.unwrap();
    let error = used.subscribe(From::Now).await.unwrap_err();
    assert_eq!(error, HubError::TooManySubscribers { limit: 1 });
    assert_eq!(error.to_string(), "there are 1 subscribers, no more are allowed: try again later");
    drop(subscription);
    used.subscribe(From::Now).await.unwrap();

    publish(&hub.topic("full").unwrap(), "x").await;
    let error = hub.topic("third").unwrap_err();
    assert_eq!(error, HubError::TooManyTopics { limit: 2 });
    assert_eq!(error.to_string(), "there are 2 topics, no more are allowed: use an existing one");
    hub.topic("full").unwrap();
    tokio::time::sleep(secs(3601)).await;
    let third = hub.topic("third").expect("the other one's event expired");
    assert_eq!(hub.topic("fourth").unwrap_err(), HubError::TooManyTopics { limit: 2 }, "both are held");
    drop((used, third));
    hub.expire();
    assert_eq!(hub.metrics().topics, 0);
}

#[tokio::test(start_paused = true)]
async fn topics_are_separate_and_metrics_count_them_together() {
    let (hub, one) = topic(HubConfig::default());
    let two = hub.topic("two").unwrap();
    let mut subscription = one.subscribe(From::Now).await.unwrap();
    let begin = frame(&mut subscription).await.unwrap();
    publish(&two, "x").await;
    assert_eq!(ready(&mut subscription).await, None);
    let id = publish(&hub.topic("t").unwrap(), "y").await;
    let event = frame(&mut subscription).await.unwrap();
    assert_eq!(event, format!("data: y\nid: {id}\n\n"), "the same name is the same topic");
    let Metrics { topics, subscribers, published, sent_bytes, .. } = hub.metrics();
    assert_eq!((topics, subscribers, published), (2, 1, 2));
    assert_eq!(sent_bytes, (begin.len() + event.len()) as u64);
    drop(subscription);
    assert_eq!((hub.metrics().subscribers, hub.metrics().lag), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn topics_without_events_are_counted() {
    let hub = Hub::new(HubConfig::default());
    assert!(hub.get("news").is_none());
    let news = hub.topic("news").unwrap();
    assert_eq!(hub.empty_topics(), 1);
    publish(&hub.get("news").unwrap(), "x").await;
    assert_eq!(hub.empty_topics(), 0);
    drop(hub.topic("asked for").unwrap());
    assert_eq!((hub.empty_topics(), hub.metrics().topics), (0, 1), "a topic without handles is forgotten");
    tokio::time::sleep(secs(3601)).await;
    hub.expire();
    assert_eq!(hub.empty_topics(), 1, "its event is gone");
    drop(news);
}
