//! Transcript of a parser's results for a stream, in order, by each of its methods.

use std::time::Duration;

use sse_proto::{Error, Finish, Frame, Parser};

use super::{Owned, owned};

/// A frame, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Event(Owned),
    Comment(String),
    Retry(Duration),
    Skipped(u64),
}

impl From<Frame<'_>> for Said {
    fn from(frame: Frame<'_>) -> Self {
        match frame {
            Frame::Event(event) => Self::Event(event.into()),
            Frame::Comment(comment) => Self::Comment(comment.into()),
            Frame::Retry(time) => Self::Retry(time),
            Frame::Skipped { bytes } => Self::Skipped(bytes),
            other => panic!("unexpected {other:?}"),
        }
    }
}

impl From<sse_proto::Event<'_>> for Owned {
    fn from(event: sse_proto::Event<'_>) -> Self {
        owned(event.event, event.data, event.id)
    }
}

/// State of the parser at the end of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End {
    #[default]
    Complete,
    Dropped,
    Flushed(Owned),
}

/// All that a stream said, under whatever limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    pub said: Vec<Said>,
    pub error: Option<Error>,
    pub last_event_id: String,
    pub retry: Option<Duration>,
    pub skipped: u64,
    pub end: End,
}

impl Transcript {
    /// The same without what `next_event` does not report.
    pub fn events_only(mut self) -> Self {
        self.said.retain(|said| matches!(said, Said::Event(_)));
        self
    }

    pub fn events(&self) -> Vec<&Owned> {
        self.said
            .iter()
            .filter_map(|said| if let Said::Event(event) = said { Some(event) } else { None })
            .collect()
    }
}

/// A way to call the parser for the next item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Event,
    Frame,
    /// `advance`, then `frame`, on a copy of the input that is gone by the next call: nothing of it
    /// may be needed.
    Pair,
}

/// Feeds chunks to the end, each call in the way that `way` says, and asserts what holds whatever
/// comes.
pub fn listen(
    mut parser: Parser,
    chunks: impl IntoIterator<Item = impl AsRef<[u8]>>,
    mut way: impl FnMut() -> Way,
) -> Transcript {
    let mut transcript = Transcript::default();
    for chunk in chunks {
        let mut input = chunk.as_ref();
        loop {
            match ask(&mut parser, &mut input, way()) {
                Ok(Some(said)) => {
                    assert_eq!(transcript.error, None, "an error stays");
                    transcript.said.push(said);
                }
                Ok(None) => {
                    assert_eq!(transcript.error, None, "an error stays");
                    break;
                }
                Err(error) => {
                    assert_eq!(*transcript.error.get_or_insert(error), error, "an error stays");
                    break;
                }
            }
        }
        assert!(input.is_empty(), "the input is used up");
    }
    transcript.last_event_id = parser.last_event_id().into();
    transcript.retry = parser.retry();
    transcript.skipped = parser.skipped();
    transcript.end = match parser.finish() {
        Finish::Complete => End::Complete,
        Finish::Dropped => End::Dropped,
        Finish::Flushed(event) => End::Flushed(event.into()),
    };
    assert_eq!(parser.last_event_id(), transcript.last_event_id, "the end commits no ID");
    transcript
}

fn ask(parser: &mut Parser, input: &mut &[u8], way: Way) -> Result<Option<Said>, Error> {
    match way {
        Way::Event => Ok(parser.next_event(input)?.map(|event| Said::Event(event.into()))),
        Way::Frame => Ok(parser.next_frame(input)?.map(Said::from)),
        Way::Pair => {
            let copy = input.to_vec();
            let mut rest = &copy[..];
            let step = parser.advance(&mut rest);
            *input = &input[copy.len() - rest.len()..];
            let step = step?;
            let said = parser.frame(step, &copy).map(Said::from);
            assert_eq!(said.is_none(), step.needs_data());
            Ok(said)
        }
    }
}

/// The events of a stream, each with the bytes that were consumed for it, and what was consumed
/// after the last one.
pub fn spans<'c>(
    mut parser: Parser,
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> (Vec<(Vec<u8>, Owned)>, Vec<u8>) {
    let mut spans = Vec::new();
    let mut span = Vec::new();
    for mut input in chunks {
        loop {
            let before = input;
            let event = parser.next_event(&mut input).expect("within the limits").map(Owned::from);
            span.extend_from_slice(&before[..before.len() - input.len()]);
            let Some(event) = event else { break };
            if before[..before.len() - input.len()].ends_with(b"\r") {
                assert!(!input.starts_with(b"\n"), "an LF in the same chunk goes with its CR");
            }
            spans.push((std::mem::take(&mut span), event));
        }
    }
    (spans, span)
}

/// Cuts a stream into chunks of these lengths, over and over; whole if there are none. A length of
/// zero is an empty chunk.
pub fn cut<'c>(stream: &'c [u8], lengths: &[u8]) -> Vec<&'c [u8]> {
    if lengths.iter().all(|&length| length == 0) {
        return vec![stream];
    }
    let mut rest = stream;
    let mut chunks = Vec::new();
    for &length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, tail) = rest.split_at(rest.len().min(length.into()));
        chunks.push(chunk);
        rest = tail;
    }
    chunks
}
