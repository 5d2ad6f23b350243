//! Tests of the tail alone, with updates in any order.

use proto::Gap;

use super::*;
use crate::log::{Extent, Page};

fn stored(stamp: u64, numbers: std::ops::RangeInclusive<u64>) -> Vec<Stored> {
    let data: Vec<_> = numbers.clone().map(|number| format!("data: {number}\n")).collect();
    Stored::batch(Place::new(stamp, *numbers.start()), data.iter().map(|data| (None, data.as_bytes())))
}

fn tail(extent: Extent) -> Tail {
    let mut tail = Tail::new(HistoryLimits::default());
    tail.load(extent, Instant::ZERO);
    tail
}

fn read(tail: &mut Tail, cursor: &mut Cursor) -> String {
    let bytes = tail.read(cursor).unwrap().unwrap_or_default();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn events_are_read_once_and_in_order_whatever_the_order_of_updates() {
    let mut tail = tail(Extent { last: Place::new(10, 3), ..Extent::default() });
    let mut cursor = tail.end();
    assert_eq!(tail.appended(stored(11, 4..=5), Instant::ZERO), TailChange::Grown);
    assert_eq!(tail.appended(stored(11, 4..=5), Instant::ZERO), TailChange::Unchanged, "again");
    assert_eq!(tail.appended(stored(14, 8..=8), Instant::ZERO), TailChange::Incomplete, "a hole");
    let page = Page { gap: None, after: Place::new(11, 5), events: stored(13, 6..=7) };
    assert_eq!(tail.repaired(tail.repair(), page, Instant::ZERO), (TailChange::Grown, true));
    let page = Page { gap: None, after: Place::new(13, 7), events: stored(14, 8..=8) };
    assert_eq!(tail.repaired(tail.repair(), page, Instant::ZERO), (TailChange::Grown, false));
    let text = read(&mut tail, &mut cursor);
    let data: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(data, ["4", "5", "6", "7", "8"]);
}

#[test]
fn lost_events_are_a_gap_of_unknown_size_for_readers_that_had_them() {
    let mut tail = tail(Extent { last: Place::new(10, 3), ..Extent::default() });
    let mut cursor = tail.end();
    assert_eq!(
        tail.appended(stored(20, 1..=1), Instant::ZERO),
        TailChange::Incomplete,
        "a number given again"
    );
    let page = Page { gap: Some(Gap::UNKNOWN), after: Place::new(15, 0), events: stored(20, 1..=1) };
    assert_eq!(tail.repaired(tail.repair(), page, Instant::ZERO), (TailChange::Grown, false));
    assert_eq!(tail.read(&mut cursor), Err(Gap::UNKNOWN));
    assert_eq!(tail.id_before(cursor).as_deref(), Some("15-0"));
    assert_eq!(read(&mut tail, &mut cursor), "data: 1\nid: 20-1\n\n");
    assert_eq!(tail.after("10-3"), None);
    assert_eq!(tail.after("20-1"), Some(cursor));
}

#[test]
fn a_batch_is_one_frame_whatever_its_size() {
    let mut tail = tail(Extent::default());
    let mut cursor = tail.end();
    let large = "x".repeat(FRAME);
    let events = [(None, large.as_bytes()), (None, b"data: 2\n" as &[u8])];
    tail.appended(Stored::batch(Place::new(1, 1), events), Instant::ZERO);
    tail.appended(stored(2, 3..=3), Instant::ZERO);
    let mut other = cursor;
    let frame = tail.read(&mut cursor).unwrap().unwrap();
    assert!(frame.ends_with(b"data: 2\nid: 1-2\n\n"));
    assert_eq!(tail.read(&mut other).unwrap().unwrap().as_ptr(), frame.as_ptr(), "shared");
    assert_eq!(read(&mut tail, &mut cursor), "data: 3\nid: 2-3\n\n");
}

#[test]
fn the_first_event_after_a_stamp_is_found() {
    let mut tail = tail(Extent { last: Place::new(5, 1), ..Extent::default() });
    tail.appended(stored(10, 2..=3), Instant::ZERO);
    tail.appended(stored(12, 4..=4), Instant::ZERO);
    for (stamp, number) in [(0, 1), (9, 1), (10, 3), (11, 3), (12, 4), (99, 4)] {
        let cursor = tail.after_stamp(stamp);
        assert_eq!(tail.place(cursor).unwrap().number, number, "{stamp}");
    }
}

#[test]
fn a_loss_that_is_found_late_is_a_gap_only_for_readers_before_it() {
    let mut tail = tail(Extent { last: Place::new(10, 3), ..Extent::default() });
    let mut before = tail.end();
    tail.appended(stored(11, 4..=5), Instant::ZERO);
    let mut at = tail.end();
    tail.appended(stored(30, 6..=7), Instant::ZERO);
    assert_eq!(tail.after("11-5"), Some(at), "nothing is known of the loss");
    tail.lose(20);
    assert_eq!(tail.after("11-5"), None);
    assert_eq!(tail.read(&mut before), Err(Gap::UNKNOWN));
    assert_eq!((before, tail.id_before(before)), (at, Some("20-5".to_owned())));
    assert!(read(&mut tail, &mut at).starts_with("data: 6\n"));
    assert_eq!(tail.after("20-5"), Some(before));
    let end = tail.end();
    tail.lose(20);
    tail.lose(99);
    assert_eq!((tail.end(), tail.after("30-7")), (end, Some(end)), "nothing came after that one");
}

#[test]
fn a_loss_that_is_reported_while_the_topic_opens_is_kept() {
    let mut tail = Tail::new(HistoryLimits::default());
    tail.lose(20);
    let newest = [stored(11, 4..=5), stored(30, 6..=6)].concat();
    tail.load(
        Extent { start: Place::new(11, 3), last: Place::new(30, 6), newest, ..Extent::default() },
        Instant::ZERO,
    );
    assert_eq!(tail.after("11-5"), None);
    assert!(tail.after("30-6").is_some());
}

#[test]
fn a_cursor_before_the_oldest_event_has_no_place_and_no_id() {
    let mut tail = Tail::new(HistoryLimits::default().with_events(2));
    tail.load(Extent { last: Place::new(10, 3), ..Extent::default() }, Instant::ZERO);
    let cursor = tail.end();
    assert_eq!(tail.id_before(cursor).as_deref(), Some("10-3"));
    for (stamp, number) in [(11, 4), (12, 5)] {
        tail.appended(stored(stamp, number..=number), Instant::ZERO);
        assert_eq!(tail.id_before(cursor).as_deref(), Some("10-3"), "its next event is kept");
    }
    tail.appended(stored(13, 6..=6), Instant::ZERO);
    assert_eq!((tail.place(cursor), tail.id_before(cursor)), (None, None));
    assert_eq!(tail.floor(), Place::new(11, 4));
}

#[test]
fn a_repair_adds_no_events_to_a_topic_that_was_ended_meanwhile() {
    let mut tail = tail(Extent { last: Place::new(10, 3), ..Extent::default() });
    assert_eq!(tail.appended(stored(12, 5..=5), Instant::ZERO), TailChange::Incomplete, "a hole");
    let from = tail.repair();
    tail.unload();
    assert_eq!(tail.appended(stored(20, 6..=6), Instant::ZERO), TailChange::Unchanged, "it is not open");
    let page = Page { gap: None, after: Place::new(10, 3), events: stored(11, 4..=5) };
    assert_eq!(tail.repaired(from, page, Instant::ZERO), (TailChange::Unchanged, false));
    assert!(tail.is_empty());
    assert_eq!(tail.repair().1, None, "nothing is read for it");
    let extent = Extent { start: Place::new(12, 5), last: Place::new(12, 5), ..Extent::default() };
    assert_eq!(
        tail.load(extent, Instant::ZERO),
        TailChange::Incomplete,
        "the update of before is not forgotten"
    );
}
