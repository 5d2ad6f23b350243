//! The fast lane: blocks that lie whole in the chunk, borrowed as they are.
//!
//! All or nothing: a block that ends in the chunk, has one line of data, is valid UTF-8 and within
//! the limits is read without a buffer. Any other block is declined without a change, and
//! [`push`](super::push) reads it. So this lane needs no difficult rule: it declines such a block.

use core::time::Duration;

use super::field::{self, Kind, Name, Start, line_end};
use super::find::{self, Stops};
use super::parser::Parser;
use super::text::utf8;

/// What a block gave.
pub(super) enum Whole<'c> {
    /// The type, and the data.
    Event(&'c str, &'c str),
    Comment(&'c str),
    /// The reconnection time was set.
    Retry,
    /// A block that is not an event.
    Block,
    Declined,
}

/// As nearly all events start.
pub(super) const DATA: Name = Name::new("data: ");

/// The lines that are looked at a word at a time.
pub(super) const WORD: usize = 8;

/// The least that is read this way. An event takes a word or more; a comment that is lent does not.
pub(super) const fn least(frames: bool) -> usize {
    if frames { 1 } else { WORD }
}

/// What follows `data: `, if a block starts with it.
#[inline(always)]
pub(super) fn data(block: &[u8]) -> Option<&[u8]> {
    if block.len() >= WORD && Start::of(block).starts_with(DATA) { Some(&block[DATA.len..]) } else { None }
}

/// What follows a line end and a blank line.
#[inline(always)]
pub(super) fn blank(rest: &[u8]) -> Option<&[u8]> {
    // (The two bytes at once.)
    if let Some((b"\n\n", rest)) = rest.split_first_chunk() {
        return Some(rest);
    }
    let line = &rest[line_end(rest)..];
    if line.len() == rest.len() || line_end(line) == 0 { None } else { Some(&line[line_end(line)..]) }
}

/// A value, if its line ends in the chunk and it is valid UTF-8; whether it is plain; and what
/// follows the line.
#[inline(always)]
fn value(rest: &[u8]) -> Option<(&str, bool, &[u8])> {
    let (text, after) = find::plain_text::<true>(rest)?;
    let end = line_end(after);
    if end > 0 || after.is_empty() {
        return if end > 0 { Some((text, true, &after[end..])) } else { None };
    }
    let (value, after) = rest.split_at(find::line_end(rest, text.len()));
    let end = line_end(after);
    if end == 0 { None } else { Some((utf8(value)?, false, &after[end..])) }
}

impl Parser {
    /// Reads a block of which nothing is in the buffers.
    #[inline(always)]
    pub(super) fn whole<'c, const FRAMES: bool>(&mut self, input: &mut &'c [u8]) -> Whole<'c> {
        #[cfg(test)]
        if self.push_only {
            return Whole::Declined;
        }
        if FRAMES && self.block.diagnose {
            return Whole::Declined;
        }
        let mut rest = *input;
        let (mut event, mut data, mut id) = ("", None, None);
        // More than what the limit of the event measures, where a type is replaced; never less.
        let mut size = 0;
        loop {
            let start = Start::of(rest);
            let (kind, colon) = match start.field() {
                Some((kind, colon)) => (kind, colon + usize::from(start.has_space(colon))),
                None => (Kind::Unknown, 0),
            };
            let Some((text, plain, after)) = rest.get(colon..).and_then(value) else {
                return Whole::Declined;
            };
            size += text.len();
            if kind == Kind::Data && data.is_none() && size <= self.block.limits.event {
                data = Some(text);
            } else if kind == Kind::Event && size <= self.block.limits.event {
                event = text;
            } else if kind == Kind::Id
                && text.len() <= self.block.limits.id
                && (plain || !text.contains('\0'))
            {
                size -= text.len();
                id = Some(text);
            } else if kind == Kind::Unknown && start.bare(text.len()) == Kind::Unknown {
                size -= text.len();
            } else if matches!(kind, Kind::Comment | Kind::Retry) && size <= self.block.limits.event {
                if FRAMES && rest.len() < input.len() {
                    return Whole::Declined;
                }
                let time = if kind == Kind::Retry { field::retry(text.as_bytes()) } else { None };
                if let Some(ms) = time {
                    // A decline may still follow, and the other lane sets the same time again.
                    self.block.retry = Some(Duration::from_millis(ms));
                }
                if FRAMES && (kind == Kind::Comment || time.is_some()) {
                    self.consume(input, after);
                    return if kind == Kind::Comment { Whole::Comment(text) } else { Whole::Retry };
                }
            } else {
                return Whole::Declined;
            }
            rest = after;
            if line_end(rest) > 0 {
                break;
            }
        }
        self.consume(input, &rest[line_end(rest)..]);
        self.end_block(0);
        if let Some(id) = id {
            self.block.set_last_event_id(id);
        }
        data.map_or(Whole::Block, |data| Whole::Event(event, data))
    }

    /// Skips comments that `next_event` does not report, at the start of a block; true if the chunk
    /// is used up.
    #[inline(always)]
    pub(super) fn skip_comments(&mut self, input: &mut &[u8]) -> bool {
        matches!(**input, [b':', ..]) && self.comments(input)
    }

    /// Skips blocks of one plain comment each, which servers send as keep-alives; true if the chunk
    /// is used up.
    ///
    /// **Shortcut**: short lines by a mask of 64 bytes. Without it (instructions): keep-alive at
    /// 16k +109 %, keep-alive at 64 +40 %, keep-alive with an event a chunk +90 %.
    #[inline(never)]
    fn comments(&mut self, input: &mut &[u8]) -> bool {
        #[cfg(test)]
        if self.push_only {
            return false;
        }
        let chunk = *input;
        let mut stops = Stops::new(chunk);
        let mut at = 0;
        while let Some(b':') = chunk.get(at) {
            let end = stops.next(chunk, at);
            if end - at > self.block.limits.event {
                break;
            }
            match blank(&chunk[end..]) {
                Some(rest) => at = chunk.len() - rest.len(),
                None if end == chunk.len() && end - at > 1 => {
                    if at > 0 {
                        self.end_block(at);
                    }
                    self.begin_skipped(&chunk[at + 1..]);
                    self.consume(input, &[]);
                    return true;
                }
                None => break,
            }
        }
        if at > 0 {
            self.consume(input, &chunk[at..]);
            self.end_block(0);
        }
        input.is_empty() && !self.block.is_large()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;
    use std::format;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;
    use crate::{Limits, Overflow};

    /// What a parser says of chunks, by one way to ask for it.
    fn transcript(mut parser: Parser, chunks: &[&[u8]], frames: bool) -> Vec<String> {
        let mut said = Vec::new();
        for mut input in chunks.iter().copied() {
            loop {
                let (next, span) = if frames {
                    (format!("{:?}", parser.next_frame(&mut input)), parser.span())
                } else {
                    (format!("{:?}", parser.next_event(&mut input)), parser.span())
                };
                let ends = next == "Ok(None)" || next.starts_with("Err");
                let span = if next.contains("Event") && !ends { span } else { 0 };
                said.push(format!("{next} {span} {} {:?}", parser.last_event_id(), parser.retry()));
                if ends {
                    break;
                }
            }
        }
        said.push(format!("{} {:?}", parser.skipped(), parser.finish()));
        said
    }

    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let texts: Vec<&[u8]> = [
            &b"data: x"[..],
            b"data: {\"a\": 1, \"b\": 2, \"c\": \"0123456789\"}",
            b"data",
            b"data:",
            b"data: gr\xc3\xbcn",
            b"data: \xff",
            b"event: add",
            b"event",
            b"id: 7",
            b"id: a\0b",
            b"id: \xff",
            b"retry: 5",
            b"retry: x",
            b": c",
            b":",
            b": keep-alive",
            b"unknown: x",
            b"i",
            b"",
            b"",
            b"",
            b"",
        ]
        .into();
        let line = (select(texts), select(&["\n", "\n", "\n", "\r", "\r\n"][..]));
        vec(line, 0..20).prop_map(|lines| {
            lines.iter().flat_map(|(line, end)| [line, end.as_bytes()]).collect::<Vec<_>>().concat()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_parser_gives_equal_results_without_the_fast_lane(
            stream in stream(),
            cuts in vec(any::<Index>(), 0..4),
            (event, id, skip, frames) in (0..40usize, 0..3usize, any::<bool>(), any::<bool>()),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut start = 0;
            for end in cuts.into_iter().chain([stream.len()]) {
                chunks.push(&stream[start..end]);
                start = end;
            }
            let overflow = if skip { Overflow::Skip } else { Overflow::Fail };
            for limits in [Limits::NONE, Limits::default().with_event(event).with_id(id).with_overflow(overflow)] {
                let parser = Parser::new().with_limits(limits);
                let mut alone = parser.clone();
                alone.push_only = true;
                prop_assert_eq!(transcript(parser, &chunks, frames), transcript(alone, &chunks, frames));
            }
        }
    }

    #[test]
    fn time_is_linear_where_every_block_is_declined() {
        for (block, frames) in [
            ("data: x\n: c\ndata: y\n\n", false),
            ("event: e\ndata: x\nretry: 1\nid: 1\n\n", true),
            ("id: a\0b\ndata: x\n\n", true),
            // No end of a block.
            ("unknown: line\n", false),
            ("event: e\nretry: 1\n", true),
            (": c\n", false),
        ] {
            let stream = block.repeat(1000);
            let before = find::SEARCHED.get();
            transcript(Parser::new(), &[stream.as_bytes()], frames);
            let searched = find::SEARCHED.get() - before;
            assert!(searched <= 4 * stream.len(), "{searched} of {} bytes, {block:?}", stream.len());
        }
    }
}
