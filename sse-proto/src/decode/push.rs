//! The parser: any bytes, cut anywhere, go to the buffers of the [block](super::block).
//!
//! ```text
//!                 byte           colon              byte                LF, CR
//!   Block, Line ───────▶ Name ─────────▶ Colon ───────────▶ Value ─────────────▶ Line, or Block
//!                          └─────────── LF, CR ───────────────▲
//!                            a sixth byte: no name is as long ┘
//! ```
//!
//! A line whose name and colon are in the chunk goes from `Block` or `Line` to `Value` at once. A
//! stream begins in `Bom`; after a CR at the end of a chunk, `Cr` comes before `Block` or `Line`; a
//! value over its limit leads to `Failed`, or back to `Value` in a block that is skipped.

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
    /// In the value of a field, which has [begun](super::block::Block::begin). (Before `Name`, as
    /// `Parser::step` then tests it first: values in small chunks take 2 % fewer instructions.)
    Value(Kind),
    /// In the name of a field.
    Name(Prefix),
    /// After the colon of a field: one space here is not part of the value (9.2.6).
    Colon(Kind),
    /// Failed for good, because a value of this kind was over its limit.
    Failed(Kind),
}

impl Default for State {
    fn default() -> Self {
        Self::Bom(0)
    }
}

/// Why [`Parser::push`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Done {
    /// The chunk is used up.
    NeedData,
    /// A part of a line was read, or all of it.
    Line,
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

/// The kind of a line that begins: a comment is not reported without `FRAMES`.
fn reported<const FRAMES: bool>(kind: Kind) -> Kind {
    if kind == Kind::Comment && !FRAMES { Kind::Unreported } else { kind }
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

impl Parser {
    /// Reads on to the next frame, or to a block that [`whole`](Self::whole) may read; comments and
    /// reconnection times count as frames only with `FRAMES`.
    #[inline(never)]
    pub(super) fn push<const FRAMES: bool>(&mut self, input: &mut &[u8]) -> Done {
        loop {
            let before = *input;
            let done = self.step::<FRAMES>(input);
            if self.block.diagnose {
                self.block.record(&before[..before.len() - input.len()], done);
            }
            if done != Done::Line {
                return done;
            }
        }
    }

    /// Reads a part of a line, or several lines of data. (In small functions, because most small
    /// chunks need only one.)
    #[inline(always)]
    pub(super) fn step<const FRAMES: bool>(&mut self, input: &mut &[u8]) -> Done {
        match self.state {
            // **Shortcut**: a chunk that is only a line end. Without it (instructions): tiny at 1
            // +6 %; with it openai at 1 takes 7 % more.
            State::Value(kind) if matches!(**input, [b'\n' | b'\r']) => self.end_value::<FRAMES>(kind, input),
            State::Value(kind) => self.value::<FRAMES>(kind, input),
            State::Name(name) => self.cut_name::<FRAMES>(name, input),
            _ => self.outside_value::<FRAMES>(input),
        }
    }

    /// Reads a blank line, or the first bytes of a line, or what follows the colon.
    #[inline(never)]
    fn outside_value<const FRAMES: bool>(&mut self, input: &mut &[u8]) -> Done {
        match self.state {
            _ if input.is_empty() => self.need_data(),
            State::Failed(_) => Done::Failed,
            // 9.2.6: one space after the colon is not part of the value.
            State::Colon(kind) => {
                self.consume(input, input.strip_prefix(b" ").unwrap_or(input));
                self.begin(kind)
            }
            State::Cr | State::Bom(_) => self.start(input),
            _ if line_end(input) > 0 => self.blank_line::<FRAMES>(input),
            _ => self.name::<FRAMES>(input),
        }
    }

    /// Reads on at the start of the stream, or after a CR at the end of a chunk.
    #[inline(never)]
    fn start(&mut self, input: &mut &[u8]) -> Done {
        let rest = *input;
        let (len, is_before_block) = match self.state {
            // 9.2.5: one byte order mark at the start of the stream is skipped.
            State::Bom(seen) => {
                (rest.iter().zip(&BOM[seen..]).take_while(|(byte, bom)| byte == bom).count(), true)
            }
            // 9.2.5: CR LF is one line end.
            _ => (usize::from(rest[0] == b'\n'), self.block_len == 0),
        };
        self.consume(input, &rest[len..]);
        match self.state {
            State::Bom(seen) if !matches!(seen + len, 0 | 3) => {
                if input.is_empty() {
                    self.state = State::Bom(seen + len);
                    return Done::Line;
                }
                // There is no byte order mark: these bytes start the name of an unknown field.
                return self.begin(Kind::Unknown);
            }
            _ => self.state = self.next_line(),
        }
        if is_before_block {
            self.block_len = 0;
        }
        if self.state == State::Block { Done::Block } else { Done::Line }
    }

    /// Reads a value up to the end of its line or of the chunk.
    #[inline(never)]
    pub(super) fn value<const FRAMES: bool>(&mut self, kind: Kind, input: &mut &[u8]) -> Done {
        let mut rest = *input;
        if !self.text(kind, &mut rest) {
            return self.overflow(kind);
        }
        self.consume(input, rest);
        if rest.is_empty() { Done::NeedData } else { self.end_value::<FRAMES>(kind, input) }
    }

    /// Reads the end of a line; after a line of data also the next lines of data.
    #[inline(never)]
    fn end_value<const FRAMES: bool>(&mut self, kind: Kind, input: &mut &[u8]) -> Done {
        let mut rest = *input;
        while line_end(rest) > 0 {
            rest = &rest[line_end(rest)..];
            // **Shortcut**: a line of data right after another one. Without it (instructions):
            // 20-lines at 16k +102 %, 20-lines at 64 +38 %.
            if kind != Kind::Data || !whole::is_data(rest) || !self.block.begin_next_line() {
                let took_effect = self.block.end(kind);
                self.state = self.next_line();
                self.end_line(input, rest);
                return match kind {
                    Kind::Comment if FRAMES => Done::Comment,
                    Kind::Retry if FRAMES && took_effect => Done::Retry,
                    _ if FRAMES && !took_effect && self.block.diagnose => Done::Ignored,
                    _ => Done::Line,
                };
            }
            rest = &rest[DATA.len..];
            if !self.text(kind, &mut rest) {
                self.consume(input, rest);
                return self.overflow(kind);
            }
        }
        self.consume(input, rest);
        Done::NeedData
    }

    /// Adds the text up to the end of the line or of the chunk to the value; false if that exceeds
    /// its limit.
    #[inline(always)]
    fn text(&mut self, kind: Kind, rest: &mut &[u8]) -> bool {
        let (len, plain) = find::line(rest);
        let fits = self.block.push(kind, &rest[..len], plain);
        if fits {
            *rest = &rest[len..];
        }
        fits
    }

    /// Reads a name, with its colon and the space after it if the chunk has them.
    #[inline(never)]
    fn name<const FRAMES: bool>(&mut self, input: &mut &[u8]) -> Done {
        if input.len() >= 8
            && let Some((kind, start)) = Start::of(input).field()
        {
            self.consume(input, &input[start..]);
            return self.begin(reported::<FRAMES>(kind));
        }
        self.cut_name::<FRAMES>(Prefix::EMPTY, input)
    }

    /// Reads on in a name, byte by byte.
    #[inline(never)]
    fn cut_name<const FRAMES: bool>(&mut self, mut name: Prefix, input: &mut &[u8]) -> Done {
        for (len, &byte) in input.iter().enumerate() {
            let kind = match byte {
                b':' => {
                    self.state = State::Colon(reported::<FRAMES>(name.kind()));
                    self.consume(input, &input[len + 1..]);
                    return Done::Line;
                }
                // 9.2.6: a line without a colon is a name with an empty value.
                b'\n' | b'\r' => name.kind(),
                _ => match name.followed_by(byte) {
                    None => Kind::Unknown,
                    Some(longer) => {
                        name = longer;
                        continue;
                    }
                },
            };
            self.consume(input, &input[len..]);
            return self.begin(kind);
        }
        self.state = State::Name(name);
        self.consume(input, &input[input.len()..]);
        Done::NeedData
    }

    /// 9.2.6: dispatches the event at a blank line.
    #[inline(never)]
    fn blank_line<const FRAMES: bool>(&mut self, input: &mut &[u8]) -> Done {
        let done = self.block.dispatch();
        if done == Done::Skipped {
            self.skipped_bytes = self.block_len;
            self.skipped += 1;
        }
        self.state = State::Block;
        self.end_block(input, &input[line_end(input)..]);
        if FRAMES || done == Done::Event { done } else { Done::Block }
    }

    /// Handles the end of a chunk outside a value.
    #[inline(always)]
    fn need_data(&mut self) -> Done {
        if self.block.is_large() {
            self.block.shrink();
        }
        if let State::Failed(_) = self.state { Done::Failed } else { Done::NeedData }
    }

    /// Begins a value.
    #[inline(never)]
    fn begin(&mut self, mut kind: Kind) -> Done {
        if self.block.is_skipped() {
            kind = Kind::Unknown;
        }
        self.state = State::Value(kind);
        if self.block.begin(kind) { Done::Line } else { self.overflow(kind) }
    }

    /// Begins a value that starts with this text, up to the end of the chunk or of the line. The
    /// text is within the limit, as the caller has checked.
    pub(super) fn begin_with(&mut self, kind: Kind, text: &[u8], plain: bool) {
        self.begin(kind);
        self.block.push(kind, text, plain);
    }

    /// Handles a value that is over its limit.
    #[cold]
    fn overflow(&mut self, kind: Kind) -> Done {
        self.block.clear();
        self.block.shrink();
        if self.block.limits.overflow == Overflow::Skip {
            self.block.skip();
            return self.begin(kind);
        }
        self.state = State::Failed(kind);
        Done::Failed
    }

    /// The state at the start of a line.
    #[inline(always)]
    fn next_line(&self) -> State {
        if self.block.is_empty() { State::Block } else { State::Line }
    }

    /// Counts the bytes that were read, and moves `input` past them.
    #[inline(always)]
    pub(super) fn consume<'c>(&mut self, input: &mut &'c [u8], rest: &'c [u8]) {
        self.block_len += (input.len() - rest.len()) as u64;
        *input = rest;
    }

    /// Ends a line, which `rest` follows: after a CR at the end of the chunk, its LF may follow.
    #[inline(always)]
    pub(super) fn end_line<'c>(&mut self, input: &mut &'c [u8], rest: &'c [u8]) {
        if rest.is_empty() && input.last() == Some(&b'\r') {
            self.state = State::Cr;
        }
        self.consume(input, rest);
    }

    /// Ends a block with its blank line, which `rest` follows.
    #[inline(always)]
    pub(super) fn end_block<'c>(&mut self, input: &mut &'c [u8], rest: &'c [u8]) {
        self.end_line(input, rest);
        (self.last_len, self.block_len) = (self.block_len, 0);
    }
}
