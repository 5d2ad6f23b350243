//! The parser: any bytes, cut anywhere, go to the buffers of the [block](super::block).
//!
//! ```text
//!          byte            colon               any byte              LF, CR
//!   Line ────────▶ Head ──────────▶ Colon(kind) ────────▶ Value(kind) ────────▶ Line, or Block
//!                    └──────────────── LF, CR ──────────────▲
//!                      another byte: no name is as long ────┘
//! ```

use super::field::{Kind, Prefix, Start, line_end};
use super::find;
use super::parser::Parser;
use super::whole::{self, DATA};
use crate::Overflow;

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// At the start of a line, and the block is empty: all buffers are dead, and hold text.
    Block,
    /// The same, but an LF or a byte order mark may have to be skipped first.
    Unsettled,
    /// At the start of a line.
    Line,
    /// In the name.
    Head(Prefix),
    /// After the colon: one space is not part of the value.
    Colon(Kind),
    /// In the value, which has [begun](super::block::Block::begin).
    Value(Kind),
    /// In a block that is left out; `in_line` unless at the start of a line.
    Skipping { in_line: bool },
    /// A value of this kind was over its limit: for good.
    Failed(Kind),
}

/// Why [`Parser::push`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// The chunk is used up.
    NeedData,
    /// A block is next, which may lie whole in the chunk.
    Block,
    Event,
    Comment,
    Retry,
    Ignored,
    Skipped,
    Failed,
}

impl Parser {
    /// Reads on to the next frame, or to a block that [`whole`](Self::whole) may read; comments and
    /// reconnection times are frames with `FRAMES` alone.
    #[inline(never)]
    pub(super) fn push<const FRAMES: bool>(&mut self, input: &mut &[u8]) -> Done {
        if !self.is_settled() && self.settle(input, whole::least(FRAMES)) {
            return Done::Block;
        }
        let chunk = *input;
        let mut at = 0;
        let done = loop {
            if let State::Value(kind) = self.state {
                // (A value may end here that `within` has read.)
                if !matches!(chunk.get(at), Some(b'\n' | b'\r')) {
                    let Some(end) = self.value(kind, chunk, at) else { continue };
                    at = end;
                }
                if at == chunk.len() {
                    break Done::NeedData;
                }
                at += line_end(&chunk[at..]);
                if self.goes_on(kind, &chunk[at..]) {
                    at += DATA.len;
                    continue;
                }
                let took_effect = self.block.end(kind);
                self.state = if self.block.is_empty() { State::Block } else { State::Line };
                match kind {
                    Kind::Comment if FRAMES => break Done::Comment,
                    Kind::Retry if FRAMES && took_effect => break Done::Retry,
                    _ if FRAMES && !took_effect && self.block.diagnose => break Done::Ignored,
                    _ => {}
                }
            } else {
                let (len, done) = self.head::<FRAMES>(&chunk[at..], at);
                at += len;
                if let Some(done) = done {
                    break done;
                }
            }
        };
        self.consume(input, &chunk[at..]);
        done
    }

    /// Reads a value from `at` as far as the chunk goes, and lines of data that follow one of data;
    /// returns the end of the last, or `None` if that is over the limit.
    #[inline(always)]
    fn value(&mut self, kind: Kind, chunk: &[u8], mut at: usize) -> Option<usize> {
        loop {
            let rest = &chunk[at..];
            let (len, plain) = find::line(rest);
            if !self.block.push(kind, &rest[..len], plain) {
                self.overflow(kind);
                return None;
            }
            at += len;
            let next = at + line_end(&rest[len..]);
            if !self.goes_on(kind, &chunk[next..]) {
                return Some(at);
            }
            at = next + DATA.len;
        }
    }

    /// **Shortcut**: a run of data lines, past [`head`](Self::head). Without it (instructions):
    /// 20-lines at 16k +78 %, 20-lines at 64 +22 %.
    ///
    /// Begins a line of data, if one follows another.
    #[inline(always)]
    fn goes_on(&mut self, kind: Kind, next: &[u8]) -> bool {
        kind == Kind::Data && whole::data(next).is_some() && self.block.begin_next_line()
    }

    /// **Shortcut**: one small function for what most small chunks are. Without it (instructions):
    /// 64k-line at 64 +31 %, openai at 64 +13 %, openai at 1 +35 %.
    ///
    /// Reads a chunk that lies within a value, or the end of a value; false if there is more in the
    /// chunk.
    #[inline(never)]
    pub(super) fn within(&mut self, kind: Kind, input: &mut &[u8]) -> bool {
        let (len, plain) = find::line(input);
        if !self.block.push(kind, &input[..len], plain) {
            return false;
        }
        self.block_len += len as u64;
        *input = &input[len..];
        input.is_empty()
    }

    /// Reads what is not a value, up to one, or to the end of the block or of the chunk; returns
    /// its length.
    #[inline(always)]
    fn head<const FRAMES: bool>(&mut self, rest: &[u8], at: usize) -> (usize, Option<Done>) {
        if rest.is_empty() {
            return (0, self.need_data());
        }
        match self.state {
            State::Block | State::Line if line_end(rest) > 0 => {
                let end = line_end(rest);
                self.state = State::Block;
                self.end_block(at + end);
                let done = match self.block.dispatch() {
                    true => Some(Done::Event),
                    // Else nothing but the short way would come of it.
                    false if rest.len() - end >= whole::least(FRAMES) => Some(Done::Block),
                    false => None,
                };
                (end, done)
            }
            State::Head(prefix) => {
                self.name::<FRAMES>(prefix.followed_by(Start::of(rest)), prefix.len(), rest.len())
            }
            State::Colon(kind) => {
                self.begin(kind);
                (usize::from(rest[0] == b' '), None)
            }
            State::Skipping { in_line } => {
                let (len, skipped) = self.skip(in_line, rest, at);
                (len, if skipped && FRAMES { Some(Done::Skipped) } else { None })
            }
            State::Failed(_) => (rest.len(), Some(Done::Failed)),
            _ => self.name::<FRAMES>(Start::of(rest), 0, rest.len()),
        }
    }

    /// Reads the name of a field, of which so many bytes were seen before, and what follows it up
    /// to the value.
    #[inline(always)]
    fn name<const FRAMES: bool>(&mut self, start: Start, seen: usize, len: usize) -> (usize, Option<Done>) {
        match start.name_end() {
            None => match Prefix::new(start, seen + len) {
                Some(prefix) => {
                    self.state = State::Head(prefix);
                    (len, self.need_data())
                }
                None => self.begin_unknown(start, seen, 0),
            },
            Some((b':', _)) => {
                let (mut kind, colon) = start.field().unwrap_or((Kind::Unknown, seen));
                if kind == Kind::Comment && !FRAMES {
                    kind = Kind::Skipped;
                }
                if kind == Kind::Unknown && self.block.diagnose {
                    return self.begin_unknown(start, seen, 0);
                }
                if colon - seen == len {
                    self.state = State::Colon(kind);
                    return (len, self.need_data());
                }
                self.begin(kind);
                (colon - seen + usize::from(start.has_space(colon)), None)
            }
            Some((end, at)) => {
                match if matches!(end, b'\n' | b'\r') { start.bare(at) } else { Kind::Unknown } {
                    Kind::Unknown => self.begin_unknown(start, seen, at - seen),
                    kind => {
                        self.begin(kind);
                        (at - seen, None)
                    }
                }
            }
        }
    }

    /// Begins a line without effect, of which the last chunk had `seen` bytes, and this one the
    /// next `len`. It counts as a value from its start on where it is reported.
    #[inline]
    fn begin_unknown(&mut self, start: Start, seen: usize, len: usize) -> (usize, Option<Done>) {
        self.begin(Kind::Unknown);
        if self.block.diagnose {
            self.block.push_ignored(&start.bytes()[..seen]);
            return (0, None);
        }
        (len, None)
    }

    /// The chunk is used up, outside of a value.
    #[inline]
    fn need_data(&mut self) -> Option<Done> {
        if self.block.is_large() {
            self.block.shrink();
        }
        Some(if let State::Failed(_) = self.state { Done::Failed } else { Done::NeedData })
    }

    /// Reads a line of a block that is left out, and returns its length; and whether that ends the
    /// block.
    #[inline(never)]
    fn skip(&mut self, in_line: bool, rest: &[u8], at: usize) -> (usize, bool) {
        let (mut len, _) = find::line(rest);
        let end = line_end(&rest[len..]);
        let blank = !in_line && len == 0;
        if blank {
            self.left_out = self.block_len.wrapping_add(at as u64);
            self.skipped += 1;
            self.end_block(at + end);
        }
        len += end;
        self.state = if blank { State::Block } else { State::Skipping { in_line: end == 0 } };
        (len, blank)
    }

    /// Reads the first line of data of a block, of whose plain text the chunk has so much.
    pub(super) fn begin_data(&mut self, input: &mut &[u8], len: usize) {
        let (line, rest) = input.split_at(DATA.len + len);
        self.begin(Kind::Data);
        if !self.block.push(Kind::Data, &line[DATA.len..], true) {
            self.overflow(Kind::Data);
        }
        self.consume(input, rest);
    }

    /// Reads the start of a comment that is not reported, up to the end of the chunk.
    pub(super) fn begin_skipped(&mut self, text: &[u8]) {
        self.begin(Kind::Skipped);
        self.block.push(Kind::Skipped, text.strip_prefix(b" ").unwrap_or(text), true);
    }

    #[inline]
    fn begin(&mut self, kind: Kind) {
        self.state = State::Value(kind);
        if !self.block.begin(kind) {
            self.overflow(kind);
        }
    }

    /// The value is over its limit.
    #[cold]
    fn overflow(&mut self, kind: Kind) {
        self.block.clear();
        self.block.shrink();
        self.state = match self.block.limits.overflow {
            Overflow::Fail => State::Failed(kind),
            Overflow::Skip => State::Skipping { in_line: true },
        };
    }
}
