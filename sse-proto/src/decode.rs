//! Parser: bytes to events (9.2.5, 9.2.6).
//!
//! Two lanes read blocks, depending on whether a block is complete in the chunk:
//!
//! ```text
//!  next_event, next_frame, advance                         Event<'_>, Frame<'_>
//!    │  State::Block                                             ▲
//!    ├──────────▶ whole ── lends the block from the chunk ───────┤
//!    │              │ declines                                   │
//!    └──────────▶ push ─── any bytes into the buffers ───────────┘
//!                  │ Bom, Cr, Block, Line, Name, Colon, Value
//!                  └──▶ block: data, type, ID; room; dispatch
//! ```
//!
//! - Text is **plain** if [`find`] has found only bytes from 0x0E to 0x7F in it; plain text needs
//!   no validation. A lane **lends** text when it returns a borrow of it.
//! - [`push`] is the parser: any bytes, cut anywhere. It is right without the other lane; a
//!   property test of `whole` checks that.
//! - [`whole`] is the fast lane: it lends a block that ends in the chunk and has one line of data.
//!   It also reads a block without data, and for frames a comment or `retry` line at the start of a
//!   block. It declines every difficult block, which `push` then reads from its start.
//! - [`read`] is the loop over both lanes, and the public methods `next_event`, `next_frame` and
//!   `advance`. They differ in what they build from a [`Read`]; `next_event` also skips comments
//!   and `retry` lines.
//!
//! The table shows where each rule is:
//!
//! | rule of 9.2.6 | place |
//! |---|---|
//! | names, the one space, LF CR CRLF | [`field`](mod@field): one table, `Start`, `line_end` |
//! | a CR at the end of a chunk | `Parser::end_line` notes it, `Parser::start` skips its LF in the next chunk |
//! | the byte order mark | `Parser::start` |
//! | a NUL in an ID | `Block::end`; `whole` declines such a block |
//! | the blank line | `Block::dispatch` |
//! | the limits | `Block::begin` and `Block::push`: `room`; `whole` declines what is longer |
//! | a block over its limit that is skipped | `Block::skip`: its lines have no effect, except a `retry` line before the overflow; `dispatch` reports the block |
//! | ill-formed UTF-8 | `Text::validate`, once: of data, type and ID at the end of the block, of a comment or an ignored line at the end of the line; `whole` declines such a block |
//! | freeing the memory of giant values | `Block::shrink`, `Text::clear` |
//! | counting the bytes of a block | `Parser::consume`, `Parser::end_block` |
//!
//! # Advice for changing this
//!
//! - A new rule goes to `push`. Then let `whole` decline what the rule is about, and `line` and
//!   `comments` before it; add the rule there only if it is common in streams. `Parser::end_value`
//!   reads several lines of data without `Block::end` and `Block::begin` between them.
//! - The comment of a shortcut states its gain in instructions; `benches/ablation.py` removes each
//!   and counts. There are four: `Parser::line`, `Parser::comments`, the run of lines in
//!   `Parser::end_value`, and the line end in `Parser::step`. A shortcut that gains less than 10 %
//!   is not worth its lines; the last one gains less, but tiny events in chunks of one byte need
//!   more than the 1,000 instructions of their goal without it.
//! - With small chunks, the cost of calling `Parser::outside_value`, `Parser::cut_name` and
//!   `Parser::value` dominates. Keep them small: move rare work into separate functions, and call
//!   such a function last (a tail call).
//! - The `unsafe` blocks rely on three invariants, which stand at `Block`.
//! - `push` returns `Done::Block`, which leads to `whole`, only after a blank line, at the start of
//!   the stream, and at the start of a chunk that follows a CR. If it did so after each line, a
//!   stream without blank lines would take quadratic time. For frames, `whole` reads a comment or
//!   `retry` line only as the first line of a block, for the same reason.
//! - Small things that cost much here: a second place in `Parser::next` that writes the result
//!   (15 instructions an event), a large stack frame before the first `return`, iterators that are
//!   not unrolled, a second check of a capacity.

mod block;
pub mod field;
mod find;

mod parser;
mod push;
mod read;
mod text;
mod whole;

pub use parser::{Finish, Parser};
pub(crate) use push::Done;
pub(crate) use read::Read;
pub use read::Step;
