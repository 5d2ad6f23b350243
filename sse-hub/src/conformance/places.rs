//! Tests of places: numbers without holes, and rising stamps.

use super::{ALL, Case, data};
use crate::{Amount, Located, Place};

pub(super) async fn numbers_count_from_one_and_stamps_rise(case: Case) {
    let topic = case.topic("t");
    let first = case.append(&topic, &["a", "b", "c"]).await;
    let second = case.append(&topic, &["d"]).await;
    let third = case.append(&topic, &["e"]).await;
    assert_eq!((first.number, second.number, third.number), (1, 4, 5));
    assert!(first.stamp > 0 && first.stamp < second.stamp && second.stamp < third.stamp);
    let other = case.append(&case.topic("other"), &["x"]).await;
    assert_eq!(other.number, 1, "each topic counts for itself");
    let places: Vec<_> =
        case.read(&topic, Place::default()).await.iter().map(|event| event.place()).collect();
    assert_eq!(places, [first, first.plus(1), first.plus(2), second, third], "a batch has one stamp");
}

pub(super) async fn a_topic_that_never_had_an_event_has_a_place(case: Case) {
    let topic = case.topic("t");
    let extent = case.log.open(&topic, ALL).await.unwrap();
    assert_eq!((extent.start.number, extent.last.number, extent.newest.len()), (0, 0, 0));
    assert!(extent.last.stamp > 0 && extent.ended.is_none() && extent.last_id.is_none());
    // A client with this place returns, and nothing was published, at least not here.
    case.append(&case.topic("other"), &["x"]).await;
    let told = extent.last.to_string();
    let located = case.log.locate(&topic, &told).await.unwrap();
    assert!(matches!(located, Located::After(place) if place.number == 0), "{located:?}");
    case.append(&topic, &["a"]).await;
    let Located::After(place) = case.log.locate(&topic, &told).await.unwrap() else {
        panic!("it had nothing")
    };
    assert_eq!(data(&case.read(&topic, place).await), ["a"], "and misses nothing");
}

pub(super) async fn an_extent_says_where_a_topic_begins_and_ends(case: Case) {
    let topic = case.topic("t");
    let place = case.append(&topic, &["a", "b", "c", "d"]).await;
    let extent = case.log.open(&topic, Amount { events: 2, bytes: 1 << 20 }).await.unwrap();
    assert_eq!((extent.start.number, extent.last), (0, place.plus(3)));
    assert_eq!(data(&extent.newest), ["c", "d"], "the newest, in order");
    let none = case.log.open(&topic, Amount::NONE).await.unwrap();
    assert_eq!((none.newest.len(), none.last), (0, place.plus(3)));
    assert_eq!(data(&case.log.open(&topic, ALL).await.unwrap().newest), ["a", "b", "c", "d"]);
}

pub(super) async fn names_may_be_anything(case: Case) {
    let names = ["", " ", "a:b", "{a}", "%7Ba%7D", "a*?[b]", "ü/é", "..", "\u{1f600}", &"n".repeat(128)];
    for (at, name) in names.iter().enumerate() {
        case.append(&case.topic(name), &[&at.to_string()]).await;
    }
    for (at, name) in names.iter().enumerate() {
        let events = case.read(&case.topic(name), Place::default()).await;
        assert_eq!(data(&events), [at.to_string()], "{name:?}");
    }
}
