//! The replay log: bounds, cursors, gaps, and a model of it under arbitrary operations.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::time::Duration;

use proptest::prelude::*;
use sse_proto::{Cursor, Gap, History, HistoryLimits, Instant};

const LIMITS: HistoryLimits =
    HistoryLimits::new().with_events(4).with_bytes(1000).with_age(Duration::from_secs(60));

fn at(seconds: u64) -> Instant {
    Instant::from_epoch(Duration::from_secs(seconds))
}

/// A log with the epoch "e" and the events "1" to `count`, one a second.
fn numbered(limits: HistoryLimits, count: u64) -> History<String> {
    let mut history = History::with_epoch(limits, "e").unwrap();
    for number in 1..=count {
        assert_eq!(history.next_id(), Some(format!("e-{number}")));
        history.append(at(number), None, number.to_string());
    }
    history
}

fn rest(history: &History<String>, mut cursor: Cursor) -> Vec<&str> {
    std::iter::from_fn(|| history.read(&mut cursor).unwrap().map(String::as_str)).collect()
}

fn missed(result: Result<Cursor, Gap>) -> Option<u64> {
    result.unwrap_err().missed
}

#[test]
fn skipping_to_a_position_evicts_what_lies_before_it_alone() {
    let mut history = numbered(LIMITS, 4);
    history.skip_to(2);
    assert_eq!((history.oldest(), history.end(), history.len()), (Cursor::at(2), Cursor::at(4), 2));
    history.skip_to(1);
    assert_eq!(history.len(), 2);
    history.skip_to(9);
    assert_eq!((history.oldest(), history.end(), history.bytes()), (Cursor::at(9), Cursor::at(9), 0));
}

// 9.2.4: `Last-Event-ID` names the place to resume from.
#[test]
fn a_log_resumes_after_the_ids_that_it_gave() {
    let history = numbered(LIMITS, 4);
    for (id, expected) in [("e-0", vec!["1", "2", "3", "4"]), ("e-2", vec!["3", "4"]), ("e-4", vec![])] {
        assert_eq!(rest(&history, history.after(id).unwrap()), expected);
    }
}

#[test]
fn events_exactly_at_the_limits_are_kept() {
    let limits = LIMITS.with_bytes(6);
    let mut history = History::new(limits);
    history.append(at(0), Some("id"), "four".to_owned());
    assert_eq!(rest(&history, history.oldest()), ["four"], "the ID counts, and there is room for both");
    history.append(at(0), None, String::new());
    assert_eq!(rest(&history, history.oldest()), ["four", ""]);
    history.append(at(0), None, "x".to_owned());
    assert_eq!(rest(&history, history.oldest()), ["", "x"]);
    history.append(at(0), None, "x".to_owned());
    history.append(at(0), None, "x".to_owned());
    assert_eq!(rest(&history, history.oldest()), ["", "x", "x", "x"]);
    history.append(at(0), None, "x".to_owned());
    assert_eq!(rest(&history, history.oldest()), ["x"; 4]);
    history.expire(at(60));
    assert_eq!(rest(&history, history.oldest()), ["x"; 4]);
    history.expire(at(61));
    assert_eq!(history.oldest(), history.end());
}

#[test]
fn a_gap_has_the_number_of_missed_events_if_known() {
    let history = numbered(LIMITS, 10);
    assert_eq!(
        rest(&history, history.after("e-6").unwrap()),
        ["7", "8", "9", "10"],
        "all that followed is kept"
    );
    assert_eq!(missed(history.after("e-5")), Some(1));
    assert_eq!(missed(history.after("e-0")), Some(6));
    for unknown in ["", "e", "e-", "e-11", "e-+7", "e-7 ", "e-99999999999999999999", "f-7", "7", "E-7"] {
        assert_eq!(missed(history.after(unknown)), None, "{unknown:?}");
    }
}

#[test]
fn a_reader_that_fell_behind_gets_a_gap_with_its_size_and_continues() {
    let mut history = numbered(LIMITS, 10);
    let mut cursor = history.after("e-6").unwrap();
    for number in 11..=13 {
        history.append(at(number), None, number.to_string());
    }
    assert_eq!(history.lag(cursor), 7);
    assert_eq!(history.read(&mut cursor).unwrap_err().missed, Some(3));
    assert_eq!(cursor, history.oldest());
    assert_eq!(rest(&history, cursor), ["10", "11", "12", "13"]);
    assert!(!history.is_empty());
    assert!(History::<String>::new(LIMITS).is_empty());
}

// 9.2.4: `Last-Event-ID`.
#[test]
fn a_log_resumes_after_the_ids_of_the_application() {
    let mut history = History::new(LIMITS);
    assert_eq!(history.next_id(), None);
    for id in ["a", "b", "", "c"] {
        history.append(at(0), Some(id), format!("after {id}"));
    }
    assert_eq!(rest(&history, history.after("b").unwrap()), ["after ", "after c"]);
    assert_eq!(missed(history.after("")), None, "an empty ID is none");
    history.append(at(0), Some("d"), String::new());
    assert_eq!(missed(history.after("a")), None, "evicted with its ID");
    assert_eq!(rest(&history, history.after("d").unwrap()), Vec::<&str>::new());
}

#[test]
fn an_id_given_twice_means_its_first_event_as_long_as_one_is_kept() {
    let mut history = History::new(LIMITS);
    let mut append = |id, item: &str| {
        history.append(at(0), id, item.to_owned());
        history.clone()
    };
    for (id, item) in [("x", "1"), ("y", "2"), ("x", "3")] {
        append(Some(id), item);
    }
    let history = append(Some("z"), "4");
    assert_eq!(rest(&history, history.after("x").unwrap()), ["2", "3", "4"]);
    let history = append(None, "5");
    assert_eq!(
        rest(&history, history.after("x").unwrap()),
        ["2", "3", "4", "5"],
        "the first is gone, nothing after it"
    );
    let history = append(Some("x"), "6");
    assert_eq!(
        missed(history.after("x")),
        None,
        "which of them a client had cannot be known, so 4 and 5 are not skipped"
    );
    append(None, "7");
    let history = append(None, "8");
    assert_eq!(missed(history.after("x")), None, "the last of them is kept");
    for item in ["9", "10"] {
        append(None, item);
    }
    let history = append(Some("x"), "11");
    assert_eq!(
        rest(&history, history.after("x").unwrap()),
        Vec::<&str>::new(),
        "they were forgotten: it is new"
    );
}

#[test]
fn an_id_of_the_log_that_the_application_repeats_skips_no_event() {
    let mut history = numbered(LIMITS, 2);
    history.append(at(2), Some("e-1"), "again".to_owned());
    assert_eq!(
        rest(&history, history.after("e-1").unwrap()),
        ["2", "again"],
        "a reader after the first lacks the second"
    );
    history.append(at(2), None, "4".to_owned());
    history.append(at(2), None, "5".to_owned());
    assert_eq!(rest(&history, history.after("e-1").unwrap()), ["2", "again", "4", "5"]);
    history.append(at(2), None, "6".to_owned());
    assert_eq!(missed(history.after("e-1")), Some(1), "the ID may belong to the evicted event");
    history.append(at(2), Some("e-9"), "ahead".to_owned());
    assert_eq!(
        rest(&history, history.after("e-9").unwrap()),
        Vec::<&str>::new(),
        "one that is not given yet is new"
    );
}

#[test]
fn a_client_without_an_event_can_resume_where_it_began() {
    let mut history = numbered(LIMITS, 2);
    let begin = history.id_before(history.end()).unwrap();
    history.append(at(3), None, "3".to_owned());
    assert_eq!(rest(&history, history.after(&begin).unwrap()), ["3"]);

    let empty = numbered(LIMITS, 0);
    assert_eq!(empty.id_before(empty.end()).as_deref(), Some("e-0"));
    history.append(at(3), Some("own"), "4".to_owned());
    assert_eq!(history.id_before(history.end()).as_deref(), Some("own"));
    let bare = History::<String>::new(LIMITS);
    assert_eq!(bare.id_before(bare.end()), None);
}

#[test]
fn a_cursor_at_an_evicted_event_gets_a_gap_and_continues_at_the_oldest() {
    let mut history = numbered(LIMITS, 1);
    let mut cursor = history.oldest();
    for number in 2..=10 {
        history.append(at(number), None, number.to_string());
    }
    assert_eq!(history.lag(cursor), 10);
    assert_eq!(history.read(&mut cursor).unwrap_err().missed, Some(6));
    assert_eq!(rest(&history, cursor), ["7", "8", "9", "10"]);
}

#[test]
fn bytes_are_bounded_but_the_newest_event_is_kept() {
    let mut history = History::new(LIMITS.with_bytes(10));
    let mut cursor = history.end();
    history.append(at(0), Some("id"), "12345678".to_owned());
    assert_eq!((history.len(), history.bytes()), (1, 10));
    history.append(at(0), None, "x".to_owned());
    assert_eq!((history.len(), history.bytes()), (1, 1), "the ID counts too");
    assert_eq!(history.read(&mut cursor).unwrap_err().missed, Some(1));
    assert_eq!(history.read(&mut cursor), Ok(Some(&"x".to_owned())));
    let giant = "y".repeat(1000);
    history.append(at(0), None, giant.clone());
    assert_eq!(history.read(&mut cursor), Ok(Some(&giant)));
}

#[test]
fn events_expire_after_their_age() {
    let mut history = numbered(LIMITS, 3);
    assert_eq!(history.next_expiry(), Some(at(61)));
    history.expire(at(61));
    assert_eq!(history.len(), 3);
    history.expire(at(63));
    assert_eq!(history.len(), 1);
    history.append(at(200), None, "4".to_owned());
    assert_eq!(rest(&history, history.oldest()), ["4"]);
    history.expire(at(1000));
    assert!(history.is_empty());
    assert_eq!((history.bytes(), history.next_expiry()), (0, None));
    assert_eq!(history.after("e-4"), Ok(history.end()), "nothing that followed is gone");
    assert_eq!(missed(history.after("e-3")), Some(1));
}

#[test]
fn an_epoch_that_cannot_be_an_id_is_refused() {
    assert!(History::<String>::with_epoch(LIMITS, "a\nb").is_err());
    assert!(History::<String>::with_epoch(LIMITS, "with-hyphen-1").is_ok());
}

#[derive(Clone, Debug)]
enum Operation {
    Append { id: Option<u8>, len: usize },
    Expire,
    Wait(u64),
}

proptest! {
    /// The log against a list of everything that was ever appended.
    #[test]
    fn a_log_equals_the_end_of_a_list_that_keeps_everything(
        operations in prop::collection::vec(prop_oneof![
            6 => (prop::option::of(0..200u8), 0..40usize).prop_map(|(id, len)| Operation::Append { id, len }),
            1 => Just(Operation::Expire),
            2 => (0..30u64).prop_map(Operation::Wait),
        ], 0..60),
    ) {
        let limits = HistoryLimits::new().with_events(5).with_bytes(100).with_age(Duration::from_secs(20));
        let mut history = History::with_epoch(limits, "e").unwrap();
        let mut all: Vec<String> = vec![];
        let mut now = at(0);
        for operation in operations {
            match operation {
                Operation::Append { id, len } => {
                    all.push("x".repeat(len));
                    let id = id.map(|id| id.to_string());
                    history.append(now, id.as_deref(), all[all.len() - 1].clone());
                }
                Operation::Expire => history.expire(now),
                Operation::Wait(seconds) => now += Duration::from_secs(seconds),
            }
            prop_assert!(history.len() <= 5);
            prop_assert!(history.bytes() <= 100);
            prop_assert_eq!(history.lag(history.oldest()), history.len() as u64);
            for position in 0..=all.len() {
                let kept = all.len() - history.len();
                match history.after(&format!("e-{position}")) {
                    Ok(cursor) => {
                        prop_assert!(position >= kept);
                        prop_assert_eq!(rest(&history, cursor), all[position..].iter().collect::<Vec<_>>());
                    }
                    Err(gap) => prop_assert_eq!(gap.missed, Some((kept - position) as u64)),
                }
            }
        }
    }
}
