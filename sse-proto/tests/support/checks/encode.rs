//! Check of the encoder against an independent reader, and against the parser.

use std::time::Duration;

use sse_proto::{EncodeError, EventBuilder, Parser};

use super::super::owned;
use super::super::transcript::{Said, Way, cut, listen};
use super::Input;

/// What an application passes to the builder, as often and in the order it likes.
#[derive(Clone, Debug)]
pub enum Call {
    Comment(String),
    Event(String),
    Id(String),
    Retry(Duration),
    Data(String),
}

/// The builder after these calls.
pub fn build(calls: &[Call]) -> Result<EventBuilder<'_>, EncodeError> {
    calls.iter().try_fold(EventBuilder::new(), |builder, call| {
        Ok(match call {
            Call::Comment(comment) => builder.comment(comment),
            Call::Event(event) => builder.event(event)?,
            Call::Id(id) => builder.id(id)?,
            Call::Retry(retry) => builder.retry(*retry),
            Call::Data(data) => builder.data(data),
        })
    })
}

/// The calls of one event; `None` at the end of the input.
fn calls(input: &mut Input<'_>) -> Option<Vec<Call>> {
    if input.is_empty() {
        return None;
    }
    let mut calls = Vec::new();
    loop {
        calls.push(match input.byte() {
            b'c' => Call::Comment(input.text()),
            b'e' => Call::Event(input.text()),
            b'i' => Call::Id(input.text()),
            b'r' => {
                let nanos = input.bytes(8).iter().fold(0u64, |nanos, &byte| nanos << 8 | u64::from(byte));
                Call::Retry(Duration::from_nanos(nanos))
            }
            b'd' => Call::Data(input.text()),
            _ => return Some(calls),
        });
    }
}

/// The wire has the requested fields alone, and a refused value could not have been encoded.
///
/// Input: the calls of one event, each a letter and its counted value.
pub fn encode_injection(input: &[u8]) {
    if let Some(calls) = calls(&mut Input::new(input)) {
        inject(&calls);
    }
}

/// The check of [`encode_injection`] for one event.
pub fn inject(calls: &[Call]) {
    let refused = calls.iter().any(|call| match call {
        Call::Event(event) => event.contains(['\r', '\n']),
        Call::Id(id) => id.contains(['\r', '\n', '\0']),
        _ => false,
    });
    let Ok(builder) = build(calls) else {
        assert!(refused, "{calls:?}");
        return;
    };
    assert!(!refused, "{calls:?}");
    let wire = builder.encode();
    assert_eq!((wire.len(), wire.capacity()), (builder.encoded_len(), builder.encoded_len()), "{calls:?}");
    let mut appended = "before".to_owned();
    builder.encode_into(&mut appended).expect("a string takes everything");
    assert_eq!(appended, format!("before{wire}"));

    // Between two events, so that leaks to either side are seen.
    let mut blocks = raw_blocks(&format!("data: before\n\n{wire}data: after\n\n"));
    let data = |text: &str| vec![("data".to_owned(), text.to_owned())];
    assert_eq!(blocks.remove(0), data("before"));
    assert_eq!(blocks.pop(), Some(vec![]), "{wire:?} leaves nothing open");
    let mut expected = written(calls);
    if expected.iter().all(|(name, _)| name.is_empty()) {
        expected.extend(data("after"));
    } else {
        assert_eq!(blocks.pop(), Some(data("after")), "{wire:?}");
    }
    assert_eq!(blocks, [expected], "{wire:?}");
}

/// The lines that these calls ask for, in the order in which they are written.
fn written(calls: &[Call]) -> Vec<(String, String)> {
    let lines = |name: &str, text: &str| -> Vec<(String, String)> {
        text.replace("\r\n", "\n")
            .replace('\r', "\n")
            .split('\n')
            .map(|line| (name.into(), line.into()))
            .collect()
    };
    let (mut comments, mut event, mut id, mut retry, mut data) = (vec![], None, None, None, vec![]);
    for call in calls {
        match call {
            Call::Comment(text) => comments.extend(lines("", text)),
            Call::Event(text) => event = Some(("event".to_owned(), text.clone())),
            Call::Id(text) => id = Some(("id".to_owned(), text.clone())),
            Call::Retry(time) => retry = Some(("retry".to_owned(), milliseconds(*time).to_string())),
            Call::Data(text) => data.extend(lines("data", text)),
        }
    }
    comments.into_iter().chain(event).chain(retry).chain(data).chain(id).collect()
}

fn milliseconds(time: Duration) -> u64 {
    let rounded_up = time.as_nanos().div_ceil(1_000_000);
    u64::try_from(rounded_up).unwrap_or(u64::MAX)
}

/// Every field and comment of a stream as it stands there, by the letter of the grammar of 9.2.5;
/// shares nothing with the crate.
pub fn raw_blocks(stream: &str) -> Vec<Vec<(String, String)>> {
    let stream = stream.replace("\r\n", "\n").replace('\r', "\n");
    let mut blocks = vec![];
    let mut block = vec![];
    for line in stream.split_terminator('\n') {
        if line.is_empty() {
            blocks.push(std::mem::take(&mut block));
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        block.push((name.to_owned(), value.to_owned()));
    }
    blocks.push(block);
    blocks
}

/// Reading gives the encoded event, up to the stated normalisation; the result can be encoded
/// again.
///
/// Input: counted chunk lengths, then events as for [`encode_injection`].
pub fn roundtrip(input: &[u8]) {
    let mut input = Input::new(input);
    let lengths = input.counted();
    let events: Vec<_> = std::iter::from_fn(|| calls(&mut input)).collect();
    read_back(&events, lengths);
}

/// The check of [`roundtrip`] for events that go into one stream, which is cut into chunks of these
/// lengths.
pub fn read_back(events: &[Vec<Call>], lengths: &[u8]) {
    let (mut wire, mut expected) = (String::new(), vec![]);
    let mut id = String::new();
    for calls in events {
        let Ok(builder) = build(calls) else { continue };
        builder.encode_into(&mut wire).expect("a string takes everything");
        expected.extend(frames(calls, &mut id));
    }
    let transcript = listen(Parser::new(), cut(wire.as_bytes(), lengths), || Way::Frame);
    assert_eq!(transcript.said, expected, "{wire:?}");
    assert_eq!(transcript.last_event_id, id, "{wire:?}");

    let mut again = String::new();
    for event in transcript.events() {
        let builder = EventBuilder::new().event(&event.event).and_then(|builder| builder.id(&event.id));
        builder
            .expect("what was read can be written")
            .data(&event.data)
            .encode_into(&mut again)
            .expect("as above");
    }
    let transcript_again = listen(Parser::new(), [&again], || Way::Event);
    assert_eq!(transcript_again.events(), transcript.events(), "{again:?}");
}

/// The frames that a client gets for these calls.
fn frames(calls: &[Call], last_id: &mut String) -> Vec<Said> {
    let (mut said, mut event, mut data) = (vec![], "message".to_owned(), None::<String>);
    for (name, value) in written(calls) {
        match &*name {
            "" => said.push(Said::Comment(value)),
            "event" if value.is_empty() => {}
            "event" => event = value,
            "id" => *last_id = value,
            "retry" => {
                let time = value.parse().expect("it was written as a number");
                said.push(Said::Retry(Duration::from_millis(time)));
            }
            _ => {
                data = Some(match data {
                    Some(data) => format!("{data}\n{value}"),
                    None => value,
                });
            }
        }
    }
    said.extend(data.map(|data| Said::Event(owned(&event, &data, last_id))));
    said
}
