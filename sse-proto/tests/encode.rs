//! The encoder: its cases, and that no input to it adds a field or an event.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

mod support;

use std::time::Duration;

use proptest::prelude::*;
use serde::Deserialize;
use sse_proto::{EncodeError, EventBuilder};
use support::checks::encode::{Call, inject, read_back};

#[derive(Deserialize)]
struct Case {
    name: String,
    fields: Fields,
    wire: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    comment: Option<String>,
    event: Option<String>,
    id: Option<String>,
    retry: Option<u64>,
    data: Option<String>,
}

impl Fields {
    fn build(&self) -> Result<EventBuilder<'_>, EncodeError> {
        let mut builder = EventBuilder::new();
        if let Some(comment) = &self.comment {
            builder = builder.comment(comment);
        }
        if let Some(event) = &self.event {
            builder = builder.event(event)?;
        }
        if let Some(id) = &self.id {
            builder = builder.id(id)?;
        }
        if let Some(retry) = self.retry {
            builder = builder.retry(Duration::from_millis(retry));
        }
        if let Some(data) = &self.data {
            builder = builder.data(data);
        }
        Ok(builder)
    }
}

#[test]
fn the_builder_returns_the_id_that_was_set() {
    assert_eq!(EventBuilder::new().last_event_id(), None);
    assert_eq!(EventBuilder::new().id("7").unwrap().data("x").last_event_id(), Some("7"));
}

#[test]
fn cases() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("data/encode.json")).unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let wire = case.fields.build().ok().map(|builder| builder.encode());
        assert_eq!(wire, case.wire, "{}", case.name);
    }
}

// 9.2.6: an ID counts from the blank line on; clients that take it at its line skip no cut event
// this way.
#[test]
fn fields_are_written_in_one_order_with_the_id_last_and_lines_end_with_lf() {
    let builder = EventBuilder::new().data("d").retry(Duration::from_millis(1500)).id("i").unwrap();
    let builder = builder.event("e").unwrap().comment("c");
    assert_eq!(builder.encode(), ": c\nevent: e\nretry: 1500\ndata: d\nid: i\n\n");
}

#[test]
fn a_repeated_field_is_written_as_a_client_would_read_it() {
    let builder = EventBuilder::new().comment("a").comment("b").data("c\n").data("").data("d");
    let builder = builder.event("old").unwrap().event("new").unwrap().id("1").unwrap().id("2").unwrap();
    assert_eq!(builder.encode(), ": a\n: b\nevent: new\ndata: c\ndata: \ndata: \ndata: d\nid: 2\n\n");
    assert_eq!(builder.encoded_len(), builder.encode().len());
}

// 9.2.5: `end-of-line` is CRLF, LF or CR.
#[test]
fn every_line_break_of_the_format_splits_and_no_other() {
    let wire = EventBuilder::new().data("a\rb\nc\r\nd\n\re\u{b}\u{c}\u{85}\u{2028}\u{2029}f").encode();
    assert_eq!(
        wire,
        "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\u{b}\u{c}\u{85}\u{2028}\u{2029}f\n\n"
    );
}

#[test]
fn the_length_of_an_event_is_known_before_it_is_encoded_whatever_its_line_breaks() {
    let texts =
        ["a", "a\nb", "a\rb", "a\r\nb", "a\nb\nc\rd\re\rf", "a\r\nb\r\nc\r\nd\re", "\r\n\n\r\r\n\r\n"]
            .map(String::from);
    // Line breaks are summed up in parts of 255 bytes.
    let long = (250..260).flat_map(|len| {
        ["\r", "\n", "\r\n", "\n\r"]
            .map(|end| format!("\r{}{end}x{end}{end}{}", "a".repeat(len), "\r\n".repeat(300)))
    });
    for text in texts.into_iter().chain(long) {
        let text = text.as_str();
        for builder in [EventBuilder::new().data(text), EventBuilder::new().comment(text).comment(text)] {
            assert_eq!(builder.encoded_len(), builder.encode().len(), "{text:?}");
        }
    }
}

// 9.2.6: an empty `data` is an event, an empty `id` resets the last event ID.
#[test]
fn empty_values_are_written() {
    assert_eq!(EventBuilder::new().encode(), "");
    assert_eq!(EventBuilder::new().data("").encode(), "data: \n\n");
    assert_eq!(EventBuilder::new().comment("").encode(), ": \n");
    assert_eq!(EventBuilder::new().id("").unwrap().encode(), "id: \n\n");
    assert_eq!(EventBuilder::new().event("").unwrap().data("x").encode(), "event: \ndata: x\n\n");
}

// 9.2.6: `retry` is a number of milliseconds in ASCII digits.
#[test]
fn retry_is_whole_milliseconds_rounded_up() {
    for (retry, wire) in [
        (Duration::ZERO, "retry: 0\n\n"),
        (Duration::from_nanos(1), "retry: 1\n\n"),
        (Duration::from_micros(9_999), "retry: 10\n\n"),
        (Duration::from_secs(3), "retry: 3000\n\n"),
        (Duration::MAX, "retry: 18446744073709551615\n\n"),
    ] {
        let builder = EventBuilder::new().retry(retry);
        assert_eq!(builder.encode(), wire);
        assert_eq!(builder.encoded_len(), wire.len());
    }
}

#[test]
fn a_refusal_says_which_field_which_character_and_where() {
    let error = EventBuilder::new().event("né\rw").unwrap_err();
    assert_eq!((error.field(), error.character(), error.offset()), ("event", '\r', 3));
    let error = EventBuilder::new().id("4\0b\n").unwrap_err();
    assert_eq!((error.field(), error.character(), error.offset()), ("id", '\0', 1));
    assert_eq!(error.to_string(), "id must not contain '\\0', found at byte 1: remove it or send it as data");
    assert!(EventBuilder::new().event("a\0b").is_ok(), "NUL is harmless outside IDs");
}

/// A text in which whatever could be taken for structure is likely.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            "\r", "\n", "\r\n", "\n\n", "\0", ":", " ", "data", "é", "\u{feff}",
            "data: x", "event: x", "id: 9", "retry: 1",
        ])
        .prop_map(String::from),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        hostile().prop_map(Call::Comment),
        hostile().prop_map(Call::Event),
        hostile().prop_map(Call::Id),
        any::<Duration>().prop_map(Call::Retry),
        hostile().prop_map(Call::Data),
    ]
}

proptest! {
    #[test]
    fn an_encoded_event_reads_back_as_exactly_its_fields(calls in prop::collection::vec(call(), 0..8)) {
        inject(&calls);
    }

    #[test]
    fn encoded_events_read_back_unchanged(
        events in prop::collection::vec(prop::collection::vec(call(), 1..6), 0..6),
        lengths in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        read_back(&events, &lengths);
    }
}
