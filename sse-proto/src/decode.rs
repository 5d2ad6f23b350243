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
//! - Text is **plain** if [`find`] has found only bytes from 14 to 0x7F in it: then it needs no
//!   validation. A lane **lends** text when it returns a borrow of it.
//! - [`push`] is the parser: any bytes, cut anywhere. It is right without the other lane; a
//!   property test of `whole` checks that.
//! - [`whole`] is the fast lane: it lends a block that ends in the chunk and has one line of data.
//!   It declines every difficult block, which `push` then reads from its start.
//! - [`read`] is the loop over both, and the public ways to ask: they differ only in what they make
//!   of a [`Read`].
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
//! | a block over its limit that is skipped | `Block::skip`: its lines have no effect, and `dispatch` reports it |
//! | ill-formed UTF-8 | `Text::validate`, once, when the block is complete; `whole` declines it |
//! | memory that is freed | `Block::shrink` |
//! | bytes that are counted | `Parser::consume`, `Parser::end_block` |
//!
//! # Advice for changing this
//!
//! - A new rule goes to `push`. Then let `whole` decline what the rule is about; add the rule there
//!   only if it is common in streams.
//! - The comment of a shortcut states its gain in instructions (`benches/count.sh`). There are
//!   three: `Parser::line`, `Parser::comments`, and the run of lines in `Parser::end_value`. A
//!   shortcut that gains less than 10 % is not worth its lines.
//! - Small chunks are as fast as a call of `Parser::outside_value` or `Parser::value` is cheap.
//!   Keep both small, with rare work in functions that they end with a call of.
//! - The `unsafe` blocks rely on three invariants, which stand at `Block`.
//! - `push` returns to `whole` only at a blank line. If it did so after each line, a stream without
//!   blank lines would take quadratic time.
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
