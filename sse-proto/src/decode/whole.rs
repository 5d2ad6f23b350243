//! Fast lane: borrows blocks that are complete in the chunk.
//!
//! All or nothing: a block that ends in the chunk, has at most one line of data, is valid UTF-8 and
//! within the limits is read without a buffer, and so is one comment or `retry` line at the start
//! of a block. Anything else is declined, and [`push`](super::push) reads it from its start. So
//! this lane needs no difficult rule. Two shortcuts before it, `line` and `comments`, keep what the
//! chunk cuts: they begin the value in the buffers.

use core::time::Duration;

use super::field::{self, DATA, Kind, Start, line_end};
use super::find;
use super::parser::Parser;
use super::push::{Done, State};
use super::read::Read;
use super::text::utf8;

/// The smallest input that this lane tries, in bytes: `push` reads shorter ones as fast.
pub(super) const fn least(frames: bool) -> usize {
    if frames { 2 } else { 8 }
}

/// Whether a line begins with `data: `, and two more bytes follow, so that one load of eight bytes
/// shows it.
#[inline(always)]
pub(super) fn is_data(line: &[u8]) -> bool {
    line.len() >= 8 && Start::of(line).starts_with(DATA)
}

/// The rest after a line end and a blank line; `None` if `rest` does not begin with them.
#[inline(always)]
fn blank(rest: &[u8]) -> Option<&[u8]> {
    // (The two bytes at once.)
    if let Some((b"\n\n", rest)) = rest.split_first_chunk() {
        return Some(rest);
    }
    let line = &rest[line_end(rest)..];
    if line.len() == rest.len() || line_end(line) == 0 { None } else { Some(&line[line_end(line)..]) }
}

/// The value of a line, whether it is plain, and the rest after the line; `None` if the line does
/// not end in the chunk or is not valid UTF-8.
#[inline(always)]
fn value(rest: &[u8]) -> Option<(&str, bool, &[u8])> {
    let (text, after) = find::plain_text::<true>(rest)?;
    let end = line_end(after);
    if end > 0 || after.is_empty() {
        return if end > 0 { Some((text, true, &after[end..])) } else { None };
    }
    let (value, after) = rest.split_at(find::end_of_line(rest, text.len()));
    let end = line_end(after);
    if end == 0 { None } else { Some((utf8(value)?, false, &after[end..])) }
}

impl Parser {
    /// Whether the input begins with a block that may be complete in the chunk.
    #[inline(always)]
    pub(super) fn may_be_whole<const FRAMES: bool>(&self, input: &[u8]) -> bool {
        self.state == State::Block && input.len() >= least(FRAMES) && !(FRAMES && self.block.diagnose)
    }

    /// Reads a block that [may be whole](Self::may_be_whole); `None` if it declines.
    #[inline(always)]
    pub(super) fn whole<'c, const FRAMES: bool>(&mut self, input: &mut &'c [u8]) -> Option<Read<&'c str>> {
        let mut rest = *input;
        let (mut event, mut data, mut id) = ("", None, None);
        // At least what the limit of the event measures: comments and a replaced type are in it. If
        // it is too much, the block is only declined.
        let mut size = 0;
        loop {
            let (kind, start) = Start::of(rest).field().unwrap_or((Kind::Unknown, 0));
            let (text, plain, after) = value(rest.get(start..)?)?;
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
            } else if kind == Kind::Unknown && text.len() > field::NAME {
                // (A line of up to five bytes may be a name without a colon, like `data`.)
                size -= text.len();
            } else if matches!(kind, Kind::Comment | Kind::Retry) && size <= self.block.limits.event {
                // (At the start of a block alone: so no line is searched for each frame after it.)
                if FRAMES && rest.len() < input.len() {
                    return None;
                }
                let time = if kind == Kind::Retry { field::retry(text.as_bytes()) } else { None };
                if let Some(ms) = time {
                    // A decline may still follow, and the other lane sets the same time again.
                    self.block.retry = Some(Duration::from_millis(ms));
                }
                if FRAMES && (kind == Kind::Comment || time.is_some()) {
                    self.end_line(input, after);
                    let is_comment = kind == Kind::Comment;
                    return Some(if is_comment { Read::Comment(text) } else { Read::Pushed(Done::Retry) });
                }
            } else {
                return None;
            }
            rest = after;
            if line_end(rest) > 0 {
                break;
            }
        }
        self.end_block(input, &rest[line_end(rest)..]);
        if let Some(id) = id {
            self.block.set_last_event_id(id);
        }
        Some(data.map_or(Read::Pushed(Done::Block), |data| Read::Whole(event, data)))
    }

    /// Skips unreported comments at the start of a block; true if the chunk is used up.
    #[inline(always)]
    pub(super) fn keep_alives<const FRAMES: bool>(&mut self, input: &mut &[u8]) -> bool {
        !FRAMES && input.starts_with(b":") && self.state == State::Block && self.comments(input)
    }

    /// **Shortcut**: the most common event, in a small stack frame. Without it (instructions):
    /// openai at 16k +123 %, tiny at 16k +156 %.
    ///
    /// Reads a block of `data: `, text, and a blank line. `None` for any other block, of which a
    /// part of the first line may then have been read.
    #[inline(never)]
    pub(super) fn line<'c>(&mut self, input: &mut &'c [u8]) -> Option<&'c str> {
        let (data, rest) = find::plain_text::<false>(&input[DATA.len..])
            .filter(|(data, _)| data.len() <= self.block.limits.event)?;
        if let Some(rest) = blank(rest) {
            self.end_block(input, rest);
            return Some(data);
        }
        // (The text is handed on, not searched again. Without it: openai at 64 +22 %.)
        if rest.is_empty() || is_data(rest.get(1..)?) {
            self.begin_with(Kind::Data, data.as_bytes(), true);
            self.consume(input, rest);
            return None;
        }
        if line_end(rest) > 0 { None } else { self.raw_line(input, data.len()) }
    }

    /// [`line`](Self::line), of text that is not plain from `at` on. (Out of line, so that plain
    /// text costs no more. Without it: chinese at 16k +18 %, chinese at 64 +14 %.)
    #[inline(never)]
    fn raw_line<'c>(&mut self, input: &mut &'c [u8], at: usize) -> Option<&'c str> {
        let rest = &input[DATA.len..];
        let (data, rest) = rest.split_at(find::end_of_line(rest, at));
        if data.len() > self.block.limits.event {
            return None;
        }
        if rest.is_empty() {
            self.begin_with(Kind::Data, data, false);
            self.consume(input, rest);
            return None;
        }
        let (data, rest) = (utf8(data)?, blank(rest)?);
        self.end_block(input, rest);
        Some(data)
    }

    /// **Shortcut**: lines of plain comments, which servers send as keep-alives. Without it
    /// (instructions): keep-alive at 16k +124 %, keep-alive at 64 +47 %, keep-alive with one event
    /// per chunk +83 %, comments at 64 +33 %.
    ///
    /// Reads comments that are not reported, and the blank lines after them; true if the chunk is
    /// then used up.
    #[inline(never)]
    fn comments(&mut self, input: &mut &[u8]) -> bool {
        let mut rest = *input;
        while let [b':', text @ ..] = rest {
            let Some((text, after)) = find::plain_text::<true>(text) else { break };
            if text.len() > self.block.limits.event {
                break;
            }
            match blank(after) {
                Some(after) => {
                    self.end_block(input, after);
                    rest = after;
                }
                None if line_end(after) > 0 => {
                    rest = &after[line_end(after)..];
                    self.end_line(input, rest);
                }
                None if after.is_empty() && !text.is_empty() => {
                    self.begin_with(
                        Kind::Unreported,
                        text.strip_prefix(' ').unwrap_or(text).as_bytes(),
                        true,
                    );
                    self.consume(input, after);
                    return true;
                }
                None => break,
            }
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
    use crate::{Frame, Limits, Overflow};

    /// What `next_event` and `next_frame` return, with the other lane alone.
    #[expect(unsafe_code, reason = "see `Text::as_str`")]
    fn pushed<const FRAMES: bool>(parser: &mut Parser, input: &mut &[u8]) -> String {
        loop {
            match parser.push::<FRAMES>(input) {
                Done::Block => {}
                Done::Failed => return format!("{:?}", Err::<(), _>(parser.error(input))),
                // SAFETY: it was read just now.
                done => return format!("{:?}", Ok::<_, ()>(unsafe { parser.lend(Read::Pushed(done)) })),
            }
        }
    }

    /// The results of a parser for these chunks, from events or from frames, of both lanes or of
    /// one.
    fn transcript(mut parser: Parser, chunks: &[&[u8]], frames: bool, both: bool) -> Vec<String> {
        let mut said = Vec::new();
        for mut input in chunks.iter().copied() {
            loop {
                let next = match (frames, both) {
                    (true, true) => format!("{:?}", parser.next_frame(&mut input)),
                    (true, false) => pushed::<true>(&mut parser, &mut input),
                    (false, true) => {
                        format!("{:?}", parser.next_event(&mut input).map(|event| event.map(Frame::Event)))
                    }
                    (false, false) => pushed::<false>(&mut parser, &mut input),
                };
                let span = parser.span();
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
                let both = transcript(parser.clone(), &chunks, frames, true);
                prop_assert_eq!(both, transcript(parser, &chunks, frames, false));
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
            ("unknown: line\n: c\n", true),
            (": c\nretry: 1\n", true),
            (": c\n", false),
        ] {
            let stream = block.repeat(1000);
            let before = find::tests::SEARCHED.get();
            transcript(Parser::new(), &[stream.as_bytes()], frames, true);
            let searched = find::tests::SEARCHED.get() - before;
            assert!(searched <= 4 * stream.len(), "{searched} of {} bytes, {block:?}", stream.len());
        }
    }
}
