//! The parser against the references, with every way to cut a stream and every call of the parser.

use sse_proto::{Limits, Overflow, Parser};

use super::super::reference::reference;
use super::super::transcript::{Way, cut, listen, spans};
use super::super::{Outcome, events, frames, model};
use super::Input;

const LIMITED: u8 = 1;
const SKIP: u8 = 2;
const FLUSH: u8 = 4;
const SEEDED: u8 = 8;

/// Whole, byte by byte and cut anywhere are the same, and what the reference says, under limits.
///
/// Input: flags, the two limits, counted chunk lengths, the stream.
pub fn parse(input: &[u8]) {
    let mut input = Input::new(input);
    let (flags, event, id) = (input.byte(), input.byte(), input.byte());
    let lengths = input.counted();
    let stream = input.rest();
    let mut limits = Limits::default();
    if flags & LIMITED != 0 {
        limits = limits.with_event(event.into()).with_id(id.into());
    }
    if flags & SKIP != 0 {
        limits = limits.with_overflow(Overflow::Skip);
    }
    let flush = flags & FLUSH != 0;
    let seed = if flags & SEEDED != 0 { "seed" } else { "" };
    agree(stream, vec![cut(stream, lengths)], seed, limits, flush);
}

/// The parser says what the reference says: whole, byte by byte, and in the given chunks.
pub fn agree<'c>(stream: &'c [u8], mut cuts: Vec<Vec<&'c [u8]>>, seed: &str, limits: Limits, flush: bool) {
    let parser = Parser::with_last_event_id(seed).with_limits(limits).with_deliver_unterminated(flush);
    let expected = reference(stream, seed, limits, flush);
    cuts.extend([vec![stream], stream.chunks(1).collect()]);
    for chunks in cuts {
        for way in [Way::Frame, Way::Pair] {
            assert_eq!(listen(parser.clone(), &chunks, || way), expected, "{way:?} of {chunks:?}");
        }
        let events_only = listen(parser.clone(), &chunks, || Way::Event);
        assert_eq!(events_only, expected.clone().events_only(), "events of {chunks:?}");
        let mut ways = [Way::Event, Way::Frame, Way::Event, Way::Event, Way::Pair].into_iter().cycle();
        let mixed = listen(parser.clone(), &chunks, || ways.next().expect("it cycles"));
        assert_eq!(mixed.events_only(), expected.clone().events_only(), "mixed, of {chunks:?}");
        if expected.error.is_none() {
            spans_hold(stream, &chunks, seed, limits);
        }
    }
}

/// The bytes consumed between two events, read alone, give the second event.
fn spans_hold(stream: &[u8], chunks: &[&[u8]], seed: &str, limits: Limits) {
    let parser = |id: &str| Parser::with_last_event_id(id).with_limits(limits);
    let (spans, rest) = spans(parser(seed), chunks.iter().copied());
    let mut consumed = Vec::new();
    let mut id = seed.to_string();
    for (span, event) in spans {
        let mut alone = parser(&id);
        if !consumed.is_empty() {
            // A byte order mark is one at the start of a stream alone.
            assert_eq!(alone.next_event(&mut &b"\n"[..]), Ok(None));
        }
        let line_end = if span.ends_with(b"\r\n") { 2 } else { 1 };
        let mut unended = &span[..span.len() - line_end];
        assert_eq!(alone.clone().next_event(&mut unended), Ok(None), "{span:?} ends with its event");
        id.clone_from(&event.id);
        assert_eq!(events(alone, [&span[..]]), (vec![event], id.clone()), "{span:?} of {chunks:?}");
        consumed.extend_from_slice(&span);
    }
    consumed.extend_from_slice(&rest);
    assert_eq!(consumed, stream);
}

/// The parser against the literal model of the specification.
///
/// Input: counted chunk lengths, the stream.
pub fn differential(input: &[u8]) {
    let mut input = Input::new(input);
    let lengths = input.counted();
    let stream = input.rest();
    let expected = model(stream, "");
    let chunks = cut(stream, lengths);
    assert_eq!(frames(Parser::new(), chunks.iter().copied()), expected);
    let Outcome { events: expected, last_event_id, .. } = expected;
    assert_eq!(events(Parser::new(), chunks), (expected, last_event_id));
}
