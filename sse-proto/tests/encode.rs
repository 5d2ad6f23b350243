//! The encoder: its cases, and that no input to it adds a field or an event.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::time::Duration;

use proptest::prelude::*;
use serde::Deserialize;
use sse_proto::{EncodeError, EventBuilder, Frame, Message, Parser};

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
fn cases() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("data/encode.json")).unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let wire = case.fields.build().ok().map(|builder| builder.encode());
        assert_eq!(wire, case.wire, "{}", case.name);
    }
}

#[test]
fn fields_come_in_one_order_and_lines_end_with_lf() {
    let builder = EventBuilder::new().data("d").retry(Duration::from_millis(1500)).id("i").unwrap();
    let builder = builder.event("e").unwrap().comment("c");
    assert_eq!(builder.encode(), ": c\nevent: e\nid: i\nretry: 1500\ndata: d\n\n");
}

#[test]
fn a_repeated_field_is_written_as_a_client_would_read_it() {
    let builder = EventBuilder::new().comment("a").comment("b").data("c\n").data("").data("d");
    let builder = builder.event("old").unwrap().event("new").unwrap().id("1").unwrap().id("2").unwrap();
    assert_eq!(builder.encode(), ": a\n: b\nevent: new\nid: 2\ndata: c\ndata: \ndata: \ndata: d\n\n");
    assert_eq!(builder.encoded_len(), builder.encode().len());
}

#[test]
fn every_line_break_of_the_format_splits_and_no_other() {
    let wire = EventBuilder::new().data("a\rb\nc\r\nd\n\re\u{b}\u{c}\u{85}\u{2028}\u{2029}f").encode();
    assert_eq!(
        wire,
        "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\u{b}\u{c}\u{85}\u{2028}\u{2029}f\n\n"
    );
}

#[test]
fn empty_values_are_written() {
    assert_eq!(EventBuilder::new().encode(), "");
    assert_eq!(EventBuilder::new().data("").encode(), "data: \n\n");
    assert_eq!(EventBuilder::new().comment("").encode(), ": \n");
    assert_eq!(EventBuilder::new().id("").unwrap().encode(), "id: \n\n");
    assert_eq!(EventBuilder::new().event("").unwrap().data("x").encode(), "event: \ndata: x\n\n");
}

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

/// Every field and comment of one stream as written, by the letter of the grammar of 9.2.5; shares nothing
/// with the crate.
fn raw_blocks(stream: &str) -> Vec<Vec<(String, String)>> {
    let stream = stream.replace("\r\n", "\n").replace('\r', "\n");
    let mut blocks = vec![vec![]];
    for line in stream.split_terminator('\n') {
        if line.is_empty() {
            blocks.push(vec![]);
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        blocks.last_mut().unwrap().push((name.to_owned(), value.to_owned()));
    }
    blocks
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

fn hostile_fields() -> impl Strategy<Value = Fields> {
    use prop::option::of;
    (of(hostile()), of(hostile()), of(hostile()), of(any::<u64>()), of(hostile()))
        .prop_map(|(comment, event, id, retry, data)| Fields { comment, event, id, retry, data })
}

proptest! {
    #[test]
    fn nothing_but_the_given_fields_is_read_back(fields in hostile_fields()) {
        let refused = fields.event.as_ref().is_some_and(|event| event.contains(['\r', '\n']))
            || fields.id.as_ref().is_some_and(|id| id.contains(['\r', '\n', '\0']));
        let Ok(builder) = fields.build() else {
            prop_assert!(refused);
            return Ok(());
        };
        prop_assert!(!refused);

        let mut expected: Vec<(String, String)> = vec![];
        let lines = |text: &Option<String>| match text {
            Some(text) => text.replace("\r\n", "\n").replace('\r', "\n").split('\n').map(String::from).collect(),
            None => vec![],
        };
        expected.extend(lines(&fields.comment).into_iter().map(|line| (String::new(), line)));
        expected.extend(fields.event.iter().map(|event| ("event".into(), event.clone())));
        expected.extend(fields.id.iter().map(|id| ("id".into(), id.clone())));
        expected.extend(fields.retry.iter().map(|retry| ("retry".into(), retry.to_string())));
        expected.extend(lines(&fields.data).into_iter().map(|line| ("data".into(), line)));

        // Between two events, so that leaks to either side are seen.
        let wire = builder.encode();
        let stream = format!("data: before\n\n{wire}data: after\n\n");
        let data = |text: &str| vec![("data".to_owned(), text.to_owned())];
        let mut blocks = raw_blocks(&stream);
        prop_assert_eq!(blocks.remove(0), data("before"));
        prop_assert_eq!(blocks.pop().unwrap(), vec![]);
        if expected.iter().all(|(name, _)| name.is_empty()) {
            expected.extend(data("after"));
        } else {
            prop_assert_eq!(blocks.pop().unwrap(), data("after"));
        }
        prop_assert_eq!(blocks, vec![expected]);
    }

    /// Up to the normalisation: line breaks become LF, an empty type `message`, without data there is no
    /// event.
    #[test]
    fn the_parser_gives_it_back(fields in hostile_fields()) {
        let Ok(wire) = fields.build().map(|builder| builder.encode()) else { return Ok(()) };
        let (mut parser, mut input) = (Parser::with_last_event_id("before"), wire.as_bytes());
        let (mut events, mut comments): (Vec<Message>, Vec<String>) = (vec![], vec![]);
        while let Some(frame) = parser.next_frame(&mut input).unwrap() {
            match frame {
                Frame::Event(event) => events.push(event.into()),
                Frame::Comment(comment) => comments.push(comment.to_owned()),
                Frame::Retry(retry) => prop_assert_eq!(Some(retry), fields.retry.map(Duration::from_millis)),
                frame => prop_assert!(false, "{frame:?}"),
            }
        }
        let unify = |text: &String| text.replace("\r\n", "\n").replace('\r', "\n");
        prop_assert_eq!(events.len(), usize::from(fields.data.is_some()));
        if let Some(event) = events.first() {
            prop_assert_eq!(Some(event.data().to_owned()), fields.data.as_ref().map(unify));
            let given = fields.event.as_deref().filter(|event| !event.is_empty());
            prop_assert_eq!(event.event(), given.unwrap_or("message"));
        }
        prop_assert_eq!(fields.comment.as_ref().map(unify), (!comments.is_empty()).then(|| comments.join("\n")));
        prop_assert_eq!(parser.last_event_id(), fields.id.as_deref().unwrap_or("before"));
        prop_assert_eq!(parser.retry(), fields.retry.map(Duration::from_millis));
    }

    #[test]
    fn the_length_is_known_beforehand(fields in hostile_fields()) {
        if let Ok(builder) = fields.build() {
            let wire = builder.encode();
            prop_assert_eq!(wire.len(), builder.encoded_len());
            prop_assert_eq!(wire.capacity(), wire.len(), "one allocation");
            let mut appended = String::from("before");
            builder.encode_into(&mut appended).unwrap();
            prop_assert_eq!(appended, format!("before{wire}"));
        }
    }
}
