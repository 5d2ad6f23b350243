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

/// Position of the next byte in the grammar (9.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// At the start of the stream, in the byte order mark, of which this many bytes were seen.
    Bom(usize),
    /// At the start of a block, which may be complete in the chunk.
    Block,
    /// At the start of a line inside a block.
    Line,
    /// At the start of a line, after a chunk that ended with CR: its LF may follow.
    Cr,
    /// In the name of a field.
    Head(Prefix),
    /// After the colon of a field: one space here is not part of the value (9.2.6).
    Colon(Kind),
    /// In the value of a field, which has [begun](super::block::Block::begin).
    Value(Kind),
    /// Failed for good, because a value of this kind was over its limit.
    Failed(Kind),
}

/// Why [`Parser::push`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// The chunk is used up.
    NeedData,
    /// A block begins, which may be complete in the chunk.
    Block,
    /// The buffers hold an event.
    Event,
    /// The buffer holds a comment.
    Comment,
    /// The buffer holds a line that the specification ignores.
    Ignored,
    /// The reconnection time was set.
    Retry,
    /// A block was over a limit, and was skipped.
    Skipped,
    Failed,
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

impl Parser {
    /// Reads on to the next frame, or to a block that [`whole`](Self::whole) may read; comments and
    /// reconnection times count as frames only with `FRAMES`.
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

    /// Reads on outside a value; returns the number of bytes read, and what they complete.
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
                        // There was no byte order mark: these bytes start the name of an unknown
                        // field.
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

    /// Begins a line, after a byte order mark or the LF of a CR.
    fn line_start(&mut self) -> Option<Done> {
        self.state = if self.block.is_empty() { State::Block } else { State::Line };
        if self.state == State::Block { Some(Done::Block) } else { None }
    }

    /// Reads a value up to the end of the chunk; after a line of data also the next lines of data.
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

    /// **Shortcut**: one small function for most small chunks. Without it (instructions):
    /// 64k-line at 64 +31 %, openai at 64 +13 %, openai at 1 +35 %.
    ///
    /// Reads a chunk that lies inside a value or ends it; false if the chunk has more.
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

    /// Reads the rest of a name that earlier chunks began, up to its value; returns the length.
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

    /// 9.2.6: dispatches the event at a blank line of length `len`, at `at` after the counted
    /// bytes.
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

    /// Handles the end of a chunk outside a value.
    #[inline(always)]
    fn need_data(&mut self) -> Done {
        if self.block.is_large() {
            self.block.shrink();
        }
        if let State::Failed(_) = self.state { Done::Failed } else { Done::NeedData }
    }

    /// Reads the start of a value whose name was just read, as plain text up to the end of the
    /// chunk or the line.
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

    /// Handles a value that is over its limit.
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

    /// Makes `push` read the next block, which `whole` declined.
    #[cfg(feature = "stream")]
    pub(super) fn decline(&mut self) {
        self.state = State::Line;
    }

    /// Counts the bytes that were read, and moves `input` past them.
    #[inline(always)]
    pub(super) fn consume<'c>(&mut self, input: &mut &'c [u8], rest: &'c [u8]) {
        self.block_len = self.block_len.wrapping_add((input.len() - rest.len()) as u64);
        if rest.is_empty() && input.last() == Some(&b'\r') && matches!(self.state, State::Block | State::Line)
        {
            self.state = State::Cr;
        }
        *input = rest;
    }

    /// Ends the block with its blank line, at `at` after the counted bytes.
    #[inline(always)]
    pub(super) fn end_block(&mut self, at: usize) {
        self.last_len = self.block_len.wrapping_add(at as u64);
        self.start_block(at);
    }

    /// Starts a block at `at` after the counted bytes. (These bytes will be counted, so the length
    /// starts below zero.)
    #[inline(always)]
    fn start_block(&mut self, at: usize) {
        self.block_len = 0u64.wrapping_sub(at as u64);
    }
}
