//! Code that several test targets share: a literal model of the specification, and ways to feed the
//! parser.
#![allow(dead_code, unreachable_pub, reason = "each target uses a part")]

pub mod checks;
pub mod reference;
pub mod transcript;

use std::time::Duration;

use sse_proto::{Frame, Parser};

/// An event, owned: type, data, last event ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    pub event: String,
    pub data: String,
    pub id: String,
}

pub fn owned(event: &str, data: &str, id: &str) -> Owned {
    Owned { event: event.into(), data: data.into(), id: id.into() }
}

/// All that a stream says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub events: Vec<Owned>,
    pub comments: Vec<String>,
    pub retries: Vec<Duration>,
    pub last_event_id: String,
}

/// The naive twin: 9.2.6 word by word, over the whole stream at once.
pub fn model(stream: &[u8], last_event_id: &str) -> Outcome {
    let text = String::from_utf8_lossy(stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream)).into_owned();
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop(); // what is not terminated does not count
    let mut outcome = Outcome { last_event_id: last_event_id.into(), ..Outcome::default() };
    let (mut data, mut event, mut id) = (String::new(), String::new(), last_event_id.to_string());
    for line in lines {
        if line.is_empty() {
            outcome.last_event_id.clone_from(&id);
            if !data.is_empty() {
                data.pop();
                let event = if event.is_empty() { "message" } else { &event };
                outcome.events.push(owned(event, &data, &id));
            }
            data.clear();
            event.clear();
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "" => outcome.comments.push(value.into()),
            "event" => event = value.into(),
            "data" => {
                data.push_str(value);
                data.push('\n');
            }
            "id" if !value.contains('\0') => id = value.into(),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                outcome.retries.push(Duration::from_millis(value.parse().unwrap_or(u64::MAX)));
            }
            _ => {}
        }
    }
    outcome
}

/// Feeds chunks through `next_frame`.
pub fn frames<'c>(mut parser: Parser, chunks: impl IntoIterator<Item = &'c [u8]>) -> Outcome {
    let mut outcome = Outcome::default();
    for mut input in chunks {
        while let Some(frame) = parser.next_frame(&mut input).expect("within the limits") {
            match frame {
                Frame::Event(event) => outcome.events.push(owned(event.event, event.data, event.id)),
                Frame::Comment(comment) => outcome.comments.push(comment.into()),
                Frame::Retry(time) => outcome.retries.push(time),
                other => panic!("unexpected {other:?}"),
            }
        }
        assert!(input.is_empty(), "the input is used up");
    }
    outcome.last_event_id = parser.last_event_id().into();
    assert_eq!(parser.retry(), outcome.retries.last().copied());
    outcome
}

/// Feeds chunks through `next_event`; what it does not report is taken from the parser's own
/// account.
pub fn events<'c>(mut parser: Parser, chunks: impl IntoIterator<Item = &'c [u8]>) -> (Vec<Owned>, String) {
    let mut events = Vec::new();
    for mut input in chunks {
        while let Some(event) = parser.next_event(&mut input).expect("within the limits") {
            events.push(owned(event.event, event.data, event.id));
        }
        assert!(input.is_empty(), "the input is used up");
    }
    (events, parser.last_event_id().into())
}
