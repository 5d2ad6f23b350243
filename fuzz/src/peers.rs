//! Comparison with the two conforming peers, which get the same chunks.
//!
//! The comparison ignores these known differences:
//!
//! - A `retry` that no `u32` (sse-core) or no `u64` (sse-parse) can hold is ignored by the peer;
//!   this project's parser saturates.
//! - The peers report no comments, and their limits count differently, so they run without limits.

use std::num::NonZeroUsize;

use sse_proto::Parser;

use crate::support::checks::Input;
use crate::support::transcript::cut;
use crate::support::{Owned, frames, owned};

/// Results that all three parsers report: the events, the reconnection times in milliseconds, the
/// last event ID.
#[derive(Debug, PartialEq)]
struct Told {
    events: Vec<Owned>,
    retries: Vec<u64>,
    last_event_id: String,
}

/// Feeds the input to this project's parser and to each peer, and compares the results.
pub fn agree(input: &[u8]) {
    let mut input = Input::new(input);
    let lengths = input.counted();
    let stream = input.rest();
    let chunks = cut(stream, lengths);
    let outcome = frames(Parser::new(), chunks.iter().copied());
    let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).expect("it was a u64");
    let retries: Vec<u64> = outcome.retries.into_iter().map(milliseconds).collect();
    let mut ours = Told { events: outcome.events, retries, last_event_id: outcome.last_event_id };

    if !ours.retries.contains(&u64::MAX) {
        let last = ours.retries.last().copied().into_iter().collect();
        let theirs = sse_parse(&chunks);
        let all = std::mem::replace(&mut ours.retries, last);
        assert_eq!(theirs, ours, "sse-parse, {chunks:?}");
        ours.retries = all;
    }
    ours.retries.retain(|&time| time <= u32::MAX.into());
    assert_eq!(sse_core(&chunks), ours, "sse-core, {chunks:?}");
}

/// Results of sse-parse, which reports only the last reconnection time.
fn sse_parse(chunks: &[&[u8]]) -> Told {
    let mut parser = sse_parse::SseParser::new();
    for chunk in chunks {
        parser.feed(chunk);
    }
    let events = std::iter::from_fn(|| parser.next_event());
    let events = events.map(|event| owned(&event.event, &event.data, &event.id)).collect();
    let retry = parser.retry().map(|time| time.as_millis() as u64);
    Told { events, retries: retry.into_iter().collect(), last_event_id: parser.last_event_id().into() }
}

fn sse_core(chunks: &[&[u8]]) -> Told {
    let mut decoder = sse_core::SseDecoder::with_limit(NonZeroUsize::MAX);
    let (mut events, mut retries) = (vec![], vec![]);
    for mut chunk in chunks.iter().copied() {
        while let Some(event) = decoder.next(&mut chunk) {
            match event.expect("there is no limit") {
                sse_core::SseEvent::Message(event) => {
                    let id = event.last_event_id.as_deref().unwrap_or_default();
                    events.push(owned(&event.event, &event.data, id));
                }
                sse_core::SseEvent::Retry(time) => retries.push(time.into()),
            }
        }
    }
    let last_event_id = decoder.last_event_id().map_or_else(String::new, |id| id.to_string());
    Told { events, retries, last_event_id }
}
