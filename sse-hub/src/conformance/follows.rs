//! Tests of feeds, which get all events that any process appends.

use std::sync::Arc;

use super::{Case, batch, data};
use crate::{Amount, Place, Update};

pub(super) async fn a_batch_comes_as_one(case: Case) {
    let topic = case.topic("t");
    case.append(&topic, &["before"]).await;
    let (mut one, _one) = case.follow(&topic).await;
    let (mut two, _two) = case.follow(&topic).await;
    let place = case.append(&topic, &["a", "b"]).await;
    case.append(&case.topic("other"), &["x"]).await;
    case.append(&topic, &["c"]).await;
    for followed in [&mut one, &mut two] {
        let events = followed.events().await;
        assert_eq!((data(&events), events[0].place()), (vec!["a".into(), "b".into()], place));
        assert_eq!(data(&followed.events().await), ["c"], "and nothing of another topic");
    }
}

pub(super) async fn nobody_is_told_after_the_end(case: Case) {
    let topic = case.topic("t");
    let (mut left, following) = case.follow(&topic).await;
    let (mut stays, _following) = case.follow(&topic).await;
    case.append(&topic, &["a"]).await;
    assert_eq!(data(&left.events().await), ["a"]);
    drop(following);
    case.append(&topic, &["b"]).await;
    assert_eq!(
        (data(&stays.events().await), data(&stays.events().await)),
        (vec!["a".into()], vec!["b".into()])
    );
    let told = std::iter::from_fn(|| left.updates.try_recv().ok());
    assert_eq!(told.filter(|update| matches!(update, Update::Appended(_))).count(), 0);
}

/// 16 publishers, each of which waits for its own event before the next.
pub(super) async fn publishers_at_once_are_in_one_order(case: Case) {
    const PUBLISHERS: usize = 16;
    const EVENTS: usize = 20;
    let topic = case.topic("t");
    let (mut followed, _following) = case.follow(&topic).await;
    let publishers = (0..PUBLISHERS).map(|publisher| {
        let (log, topic) = (Arc::clone(&case.log), topic.clone());
        tokio::spawn(async move {
            let mut places = Vec::new();
            for event in 0..EVENTS {
                let events = batch(&[&format!("{publisher} {event}"), "second"]);
                places.push(log.append(&topic, events).await.unwrap().first);
            }
            places
        })
    });
    let mut places = Vec::new();
    for publisher in publishers.collect::<Vec<_>>() {
        let own = publisher.await.unwrap();
        assert!(own.is_sorted(), "each in its order");
        places.extend(own);
    }
    places.sort_unstable();
    let total = 2 * PUBLISHERS * EVENTS;
    let numbers: Vec<_> = places.iter().map(|place| place.number).collect();
    assert!(numbers.iter().copied().eq((1..=total as u64).step_by(2)), "without holes: {numbers:?}");
    let page = case
        .log
        .read(&topic, Place::default().into(), Amount { events: total, bytes: 1 << 20 })
        .await
        .unwrap();
    assert_eq!(page.events.len(), total);
    let mut told = Vec::new();
    while told.len() < total {
        told.extend(followed.events().await);
    }
    told.sort_unstable_by_key(|event| event.place());
    assert!(told == page.events, "the feed gets the events that a read gets");
}
