//! Tests of reading: all events in order, or a gap.

use std::sync::Arc;

use super::{ALL, Case, batch, data};
use crate::{After, Amount, Batch, EventBuilder, Gap, Located, Place};

pub(super) async fn what_was_appended_is_read_byte_for_byte(case: Case) {
    let topic = case.topic("t");
    let events = [
        EventBuilder::new().event("é").unwrap().id("mine, ü").unwrap().data("two\nlines"),
        EventBuilder::new().data(""),
        EventBuilder::new().comment("only this"),
        EventBuilder::new(),
        EventBuilder::new().retry(std::time::Duration::from_secs(1)).data("\u{0} \u{1f600} \r\n id: 5"),
    ];
    let batch = Batch::new(&events);
    let place = case.log.append(&topic, batch.clone()).await.unwrap().first;
    let read = case.read(&topic, Place::default()).await;
    assert_eq!(read.len(), events.len());
    for ((stored, expected), new) in read.iter().zip(batch.stored(place)).zip(&batch.events) {
        assert_eq!((stored.place(), stored.id()), (expected.place(), new.id.as_ref()));
        assert_eq!((stored.bytes(), stored.wire()), (&new.bytes[..], expected.wire()));
    }
    assert!(read[0].wire().ends_with("data: two\ndata: lines\nid: mine, ü\n\n".as_bytes()));
    let large = "x".repeat(300_000);
    case.append(&topic, &[&large]).await;
    assert_eq!(data(&case.read(&topic, place.plus(4)).await), [large]);
}

pub(super) async fn pages_follow_each_other_without_holes(case: Case) {
    let topic = case.topic("t");
    let texts: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    for pair in texts.chunks(2) {
        case.append(&topic, &[&pair[0], &pair[1]]).await;
    }
    let (mut after, mut read) = (Place::default(), Vec::new());
    loop {
        let page = case.log.read(&topic, after.into(), Amount { events: 7, bytes: 1 << 20 }).await.unwrap();
        assert!(page.gap.is_none() && page.events.len() <= 7);
        let Some(last) = page.events.last() else { break };
        after = last.place();
        read.extend(data(&page.events));
    }
    assert_eq!(read, texts);
    let one = Amount { events: 100, bytes: 1 };
    let tenth = After::Number { number: 10, until: after };
    let page = case.log.read(&topic, tenth, one).await.unwrap();
    assert_eq!(data(&page.events), ["10"], "one, whatever its size");
    assert_eq!((page.after.number, page.after.stamp > 0), (10, true), "and the place is complete");
    for (number, until) in [(10, Place::new(page.after.stamp - 1, 5)), (60, after.plus(20))] {
        let page = case.log.read(&topic, After::Number { number, until }, one).await.unwrap();
        assert_eq!(page.gap, Some(Gap::UNKNOWN), "{number} is not an event of the count of {until}");
    }
}

pub(super) async fn a_place_that_the_log_does_not_have_is_a_gap(case: Case) {
    let topic = case.topic("t");
    let first = case.append(&topic, &["a", "b"]).await;
    let second = case.append(&topic, &["c"]).await;
    // A number that was given again after a loss: on after what was before it in time.
    let lost = Place::new(first.stamp + 1, 1);
    assert!(lost.stamp <= second.stamp);
    let page = case.log.read(&topic, Place::new(first.stamp, 3).into(), ALL).await.unwrap();
    assert_eq!(
        (page.gap, page.after, data(&page.events)),
        (Some(Gap::UNKNOWN), first.plus(1), vec!["c".into()])
    );
    let page = case.log.read(&topic, Place::new(second.stamp + 1, 4).into(), ALL).await.unwrap();
    assert_eq!((page.gap, page.after, page.events.len()), (Some(Gap::UNKNOWN), second, 0), "beyond the end");
    let page = case.log.read(&topic, Place::new(1, 1).into(), ALL).await.unwrap();
    assert_eq!((page.gap, data(&page.events).len()), (Some(Gap::UNKNOWN), 3), "another log's, from long ago");
}

pub(super) async fn events_are_found_by_their_ids(case: Case) {
    let topic = case.topic("t");
    let with_id = |id: &str| {
        let mut batch = batch(&["x"]);
        batch.events[0].id = Some(Arc::from(id));
        batch
    };
    let mut places = Vec::new();
    for id in ["a", "twice", "b", "twice", "last"] {
        places.push(case.log.append(&topic, with_id(id)).await.unwrap().first);
    }
    for (id, at) in [("a", 0), ("twice", 1), ("b", 2), ("last", 4)] {
        let located = case.log.locate(&topic, id).await.unwrap();
        assert_eq!(located, Located::After(places[at]), "{id}: the first that has it");
    }
    for place in &places {
        let located = case.log.locate(&topic, &place.to_string()).await.unwrap();
        assert_eq!(located, Located::After(*place), "an event with an ID also has a place");
    }
    let extent = case.log.open(&topic, Amount::NONE).await.unwrap();
    assert_eq!(extent.last_id.as_deref(), Some("last"));
    let between = Place::new(places[1].stamp, places[2].number);
    for made_up in ["nobody's".to_owned(), between.to_string(), format!("0{}", places[0]), "-1".to_owned()] {
        let located = case.log.locate(&topic, &made_up).await.unwrap();
        assert!(matches!(located, Located::Gone { missed: None, .. }), "{made_up}: {located:?}");
    }
}
