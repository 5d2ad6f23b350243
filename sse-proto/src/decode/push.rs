//! The parser: any bytes, cut anywhere, go to the buffers of the [block](super::block).
//!
//! ```text
//!                 byte           colon              byte                LF, CR
//!   Block, Line ───────▶ Head ─────────▶ Colon ───────────▶ Value ─────────────▶ Line, or Block
//!                          └─────────── LF, CR ───────────────▲
//!                            a sixth byte: no name is as long ┘
//! ```

use super::field::{DATA, Kind, Prefix, Start, line_end};
use super::find;
use super::parser::Parser;
use super::whole;
use crate::Overflow;

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// At the start of the stream, in the byte order mark, of which so many bytes were seen.
    Bom(usize),
    /// At the start of a line, and nothing to lose before it: the block may lie whole in the chunk.
    Block,
    /// At the start of a line.
    Line,
    /// The same, but the last chunk ended with a CR, of which an LF may be left.
    Cr,
    /// In the name.
    Head(Prefix),
    /// After the colon: one space is not part of the value.
    Colon(Kind),
    /// In the value, which has [begun](super::block::Block::begin).
    Value(Kind),
    /// A value of this kind was over its limit: for good.
    Failed(Kind),
}

/// Why [`Parser::push`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// The chunk is used up.
    NeedData,
    /// A block is next, which may lie whole in the chunk.
    Block,
    /// An event is in the buffers.
    Event,
    /// A comment is there.
    Comment,
    /// A line without effect is there.
    Ignored,
    /// The reconnection time was set.
    Retry,
    /// A block was over a limit, and left out.
    Skipped,
    Failed,
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

impl Parser {
    /// Reads on to the next frame, or to a block that [`whole`](Self::whole) may read; comments and
    /// reconnection times are frames with `FRAMES` alone.
    #[inline(never)]
    pub(super) fn push<const FRAMES: bool>(&mut self, input: &mut &[u8]) -> Done {
        let chunk = *input;
        let mut at = 0;
        let done = loop {
            let (len, done) = match self.state {
                State::Value(kind) => self.value::<FRAMES>(kind, &chunk[at..]),
                _ => self.head::<FRAMES>(&chunk[at..], at),
            };
            at += len;
            if self.block.diagnose {
                self.block.record(&chunk[at - len..at], done);
            }
            if let Some(done) = done {
                break done;
            }
        };
        self.consume(input, &chunk[at..]);
        done
    }

    /// Reads on outside of a value; returns how many bytes that takes, and what they complete.
    #[inline(always)]
    fn head<const FRAMES: bool>(&mut self, rest: &[u8], at: usize) -> (usize, Option<Done>) {
        if rest.is_empty() {
            return (0, Some(self.need_data()));
        }
        match self.state {
            State::Head(name) => (self.name::<FRAMES>(name, rest), None),
            State::Colon(kind) => {
                self.begin(kind);
                (usize::from(rest[0] == b' '), None)
            }
            // 9.2.5: CR LF is one line end.
            State::Cr => {
                let len = usize::from(rest[0] == b'\n');
                if self.block_len == 0 {
                    self.start_block(len);
                }
                (len, self.line_start())
            }
            State::Bom(seen) => {
                // 9.2.5: one byte order mark at the start of the stream is skipped.
                let len = rest.iter().zip(&BOM[seen..]).take_while(|(byte, bom)| byte == bom).count();
                match seen + len {
                    0 | 3 => {
                        self.start_block(len);
                        (len, self.line_start())
                    }
                    seen if len == rest.len() => {
                        self.state = State::Bom(seen);
                        (len, None)
                    }
                    _ => {
                        // It was none: these bytes start a name, which no field has.
                        self.begin(Kind::Unknown);
                        (len, None)
                    }
                }
            }
            State::Failed(_) => (rest.len(), Some(Done::Failed)),
            // At the start of a line.
            _ => match line_end(rest) {
                0 => (self.name::<FRAMES>(Prefix::EMPTY, rest), None),
                end => (end, self.blank_line::<FRAMES>(at, end)),
            },
        }
    }

    /// A line starts after what does not count.
    fn line_start(&mut self) -> Option<Done> {
        self.state = if self.block.is_empty() { State::Block } else { State::Line };
        if self.state == State::Block { Some(Done::Block) } else { None }
    }

    /// Reads a value as far as the chunk goes, and the lines of data that follow one of data.
    #[inline(always)]
    fn value<const FRAMES: bool>(&mut self, kind: Kind, rest: &[u8]) -> (usize, Option<Done>) {
        let mut at = 0;
        loop {
            let (len, plain) = find::line(&rest[at..]);
            if len > 0 && !self.block.push(kind, &rest[at..at + len], plain) {
                self.overflow(kind);
                return (at, None);
            }
            at += len;
            let end = line_end(&rest[at..]);
            if end == 0 {
                return (at, Some(Done::NeedData));
            }
            at += end;
            // **Shortcut**: a line of data right after another one. Without it (instructions):
            // 20-lines at 16k +78 %, 20-lines at 64 +22 %.
            if kind != Kind::Data || !whole::is_data(&rest[at..]) || !self.block.begin_next_line() {
                break;
            }
            at += DATA.len;
        }
        let took_effect = self.block.end(kind);
        self.state = if self.block.is_empty() { State::Block } else { State::Line };
        let done = match kind {
            Kind::Comment if FRAMES => Some(Done::Comment),
            Kind::Retry if FRAMES && took_effect => Some(Done::Retry),
            _ if FRAMES && !took_effect && self.block.diagnose => Some(Done::Ignored),
            _ => None,
        };
        (at, done)
    }

    /// **Shortcut**: one small function for what most small chunks are. Without it (instructions):
    /// 64k-line at 64 +31 %, openai at 64 +13 %, openai at 1 +35 %.
    ///
    /// Reads a chunk that lies within a value, or the end of a value; false if there is more in the
    /// chunk.
    #[inline(never)]
    pub(super) fn within(&mut self, kind: Kind, input: &mut &[u8]) -> bool {
        let (len, plain) = find::line(input);
        if self.block.diagnose || !self.block.push(kind, &input[..len], plain) {
            return false;
        }
        self.block_len += len as u64;
        *input = &input[len..];
        input.is_empty()
    }

    /// Reads a name, of which the chunks before had the start, and what follows it up to the value;
    /// returns the length.
    #[inline(always)]
    fn name<const FRAMES: bool>(&mut self, mut name: Prefix, rest: &[u8]) -> usize {
        let reported = |kind| if kind == Kind::Comment && !FRAMES { Kind::Skipped } else { kind };
        if name == Prefix::EMPTY
            && rest.len() >= 8
            && let Some((kind, start)) = Start::of(rest).field()
        {
            self.begin(reported(kind));
            return start;
        }
        for (len, &byte) in rest.iter().enumerate() {
            if byte == b':' {
                self.state = State::Colon(reported(name.kind()));
                return len + 1;
            }
            match name.followed_by(byte) {
                Some(longer) if !matches!(byte, b'\n' | b'\r') => name = longer,
                _ => {
                    let ends = matches!(byte, b'\n' | b'\r');
                    self.begin(if ends { name.kind() } else { Kind::Unknown });
                    return len;
                }
            }
        }
        self.state = State::Head(name);
        rest.len()
    }

    /// 9.2.6: dispatches the event at a blank line, which is so long, and so far after what is
    /// counted.
    #[inline(always)]
    fn blank_line<const FRAMES: bool>(&mut self, at: usize, len: usize) -> Option<Done> {
        let done = self.block.dispatch();
        self.state = State::Block;
        if done == Done::Skipped {
            self.left_out = self.block_len.wrapping_add(at as u64);
            self.skipped += 1;
        }
        self.end_block(at + len);
        Some(if FRAMES || done == Done::Event { done } else { Done::Block })
    }

    /// The chunk is used up, outside of a value.
    #[inline(always)]
    fn need_data(&mut self) -> Done {
        if self.block.is_large() {
            self.block.shrink();
        }
        if let State::Failed(_) = self.state { Done::Failed } else { Done::NeedData }
    }

    /// Reads the start of a value whose name was just read, as plain text up to the end of the chunk
    /// or the line.
    pub(super) fn begin_with(&mut self, kind: Kind, text: &str) {
        self.begin(kind);
        if !self.block.push(kind, text.as_bytes(), true) {
            self.overflow(kind);
        }
    }

    #[inline]
    fn begin(&mut self, mut kind: Kind) {
        if self.block.is_left_out() {
            kind = Kind::Unknown;
        }
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
        self.state = State::Failed(kind);
        if self.block.limits.overflow == Overflow::Skip {
            self.block.leave_out();
            self.begin(kind);
        }
    }

    /// Has `push` read the next block, which `whole` has declined.
    #[cfg(feature = "stream")]
    pub(super) fn decline(&mut self) {
        self.state = State::Line;
    }

    /// Counts what was read, and moves `input` past it.
    #[inline(always)]
    pub(super) fn consume<'c>(&mut self, input: &mut &'c [u8], rest: &'c [u8]) {
        self.block_len = self.block_len.wrapping_add((input.len() - rest.len()) as u64);
        if rest.is_empty() && input.last() == Some(&b'\r') && matches!(self.state, State::Block | State::Line)
        {
            self.state = State::Cr;
        }
        *input = rest;
    }

    /// The block ends, with its blank line, so far after what is counted.
    #[inline(always)]
    pub(super) fn end_block(&mut self, at: usize) {
        self.last_len = self.block_len.wrapping_add(at as u64);
        self.start_block(at);
    }

    /// A block starts, so far after what is counted. (It will be counted, so the length starts below
    /// zero.)
    #[inline(always)]
    fn start_block(&mut self, at: usize) {
        self.block_len = 0u64.wrapping_sub(at as u64);
    }
}
