//! The cases of `data/parse.json`: the examples of the specification, the web platform tests, the
//! suites of other implementations, and real streams.

mod support;

use serde::Deserialize;
use sse_proto::{Finish, Parser};
use support::{Owned, events, frames, model, owned};

#[derive(Deserialize)]
struct Case {
    name: String,
    source: String,
    chunks: Vec<Chunk>,
    expect: Vec<Expected>,
    retry: Option<u64>,
    last_event_id: String,
    #[serde(default)]
    initial_last_event_id: String,
    comments: Option<Vec<String>>,
    lenient_eof: Option<Vec<Expected>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Chunk {
    Text(String),
    Base64 { b64: String },
}

#[derive(Deserialize)]
struct Expected {
    event: String,
    data: String,
    id: String,
}

impl Chunk {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Base64 { b64 } => base64(b64),
        }
    }
}

impl Case {
    fn parser(&self) -> Parser {
        Parser::with_last_event_id(self.initial_last_event_id.as_str())
    }

    fn expected(&self) -> Vec<Owned> {
        self.expect.iter().map(|event| owned(&event.event, &event.data, &event.id)).collect()
    }

    /// Asserts the outcome of a way to cut the stream, through `next_frame` and `next_event`.
    fn check(&self, chunks: &[&[u8]]) {
        let label = format!("{} ({}), chunks {:?}", self.name, self.source, lengths(chunks));
        let outcome = frames(self.parser(), chunks.iter().copied());
        assert_eq!(outcome.events, self.expected(), "{label}");
        assert_eq!(outcome.last_event_id, self.last_event_id, "{label}");
        assert_eq!(
            outcome.retries.last().map(|time| time.as_millis()),
            self.retry.map(u128::from),
            "{label}"
        );
        if let Some(comments) = &self.comments {
            // The cases have comments as they stand after the colon.
            let comments: Vec<&str> =
                comments.iter().map(|text| text.strip_prefix(' ').unwrap_or(text)).collect();
            assert_eq!(outcome.comments, comments, "{label}");
        }
        assert_eq!(
            events(self.parser(), chunks.iter().copied()),
            (self.expected(), self.last_event_id.clone()),
            "{label}"
        );
    }
}

fn lengths(chunks: &[&[u8]]) -> Vec<usize> {
    chunks.iter().map(|chunk| chunk.len()).take(8).collect()
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("data/parse.json")).expect("the test data is well-formed")
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for symbol in text.bytes().filter(|&symbol| symbol != b'=') {
        let digit = ALPHABET.iter().position(|&letter| letter == symbol).expect("the test data is base64");
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

// 9.2.5, 9.2.6.
#[test]
fn every_case_parses_in_its_given_chunks() {
    for case in cases() {
        let chunks: Vec<Vec<u8>> = case.chunks.iter().map(Chunk::bytes).collect();
        case.check(&chunks.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
}

// 9.2.5, 9.2.6.
#[test]
fn every_case_parses_whole_and_byte_by_byte() {
    for case in cases() {
        let stream: Vec<u8> = case.chunks.iter().flat_map(Chunk::bytes).collect();
        case.check(&[&stream]);
        case.check(&stream.chunks(1).collect::<Vec<_>>());
    }
}

#[test]
fn every_case_parses_cut_in_two_anywhere() {
    for case in cases() {
        let stream: Vec<u8> = case.chunks.iter().flat_map(Chunk::bytes).collect();
        // A case of a hundred kilobytes is cut in as many places as a small one.
        for at in (0..=stream.len()).step_by(stream.len() / 2000 + 1) {
            case.check(&[&stream[..at], &stream[at..]]);
        }
    }
}

#[test]
fn the_model_parses_every_case() {
    for case in cases() {
        let stream: Vec<u8> = case.chunks.iter().flat_map(Chunk::bytes).collect();
        let outcome = model(&stream, &case.initial_last_event_id);
        assert_eq!(outcome.events, case.expected(), "{}", case.name);
        assert_eq!(outcome.last_event_id, case.last_event_id, "{}", case.name);
        assert_eq!(outcome, frames(case.parser(), [&stream[..]]), "{}", case.name);
    }
}

// 9.2.6: an incomplete event is discarded.
#[test]
fn the_end_of_a_case_drops_or_delivers_its_unterminated_event() {
    let mut flushed_cases = 0;
    for case in cases() {
        let Some(expected) = &case.lenient_eof else { continue };
        flushed_cases += 1;
        let stream: Vec<u8> = case.chunks.iter().flat_map(Chunk::bytes).collect();
        for flush in [false, true] {
            let mut parser = case.parser().with_deliver_unterminated(flush);
            let mut input = &stream[..];
            while parser.next_event(&mut input).expect("within the limits").is_some() {}
            let last_event_id = parser.last_event_id().to_string();
            match parser.finish() {
                Finish::Flushed(event) => {
                    assert!(flush, "{}", case.name);
                    let event = owned(event.event, event.data, event.id);
                    let expected =
                        expected.iter().map(|e| owned(&e.event, &e.data, &e.id)).collect::<Vec<_>>();
                    assert_eq!([event][..], expected[..], "{}", case.name);
                }
                other => assert_eq!((other, flush), (Finish::Dropped, false), "{}", case.name),
            }
            assert_eq!(parser.last_event_id(), last_event_id);
        }
    }
    assert_eq!(flushed_cases, 3);
}
