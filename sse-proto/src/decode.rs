//! Bytes → events: how a stream is read (9.2.5, 9.2.6).
//!
//! A block lies whole in the chunk, or it does not. So there are two lanes:
//!
//! ```text
//!  next_event, advance                                     Event<'_>, Frame<'_>
//!    │  State::Block                                             ▲
//!    ├──────────▶ whole ── lends the block from the chunk ───────┤
//!    │              │ declines                                   │
//!    └──────────▶ push ─── byte by byte into the buffers ────────┘
//!                  │ Block, Line, Head, Colon, Value
//!                  └──▶ block: data, type, ID; room; dispatch
//! ```
//!
//! - [`push`] is the parser: any bytes, cut anywhere. It is right without the other lane; a
//!   property in the tests of `whole` checks that.
//! - [`whole`] is the fast lane: it lends a block that ends in the chunk and has one line of data.
//!   It declines every difficult block, and a decline changes nothing.
//!
//! Where is ..?
//!
//! | rule of 9.2.6 | place |
//! |---|---|
//! | names, the one space, LF CR CRLF | [`field`](mod@field): one table, `Start`, `line_end` |
//! | a CR at the end of a chunk | `Parser::end_chunk` notes it, `Parser::settle` skips its LF in the next chunk |
//! | the byte order mark | `Parser::settle` |
//! | a NUL in an ID | `Block::end`; `whole` declines such a block |
//! | the blank line | `Block::dispatch` |
//! | the limits | `Block::begin` and `Block::push`: `room`; `whole` declines what is longer |
//! | ill-formed UTF-8 | `Text::validate`, once, when the block is complete; `whole` declines it |
//! | memory that is given back | `Block::shrink` |
//! | bytes that are counted | `Parser::consume`, `Parser::end_block` |
//!
//! # Advice for changing this
//!
//! - A new rule goes to `push`. Then let `whole` decline what the rule is about; teach it the rule
//!   only if streams are full of it.
//! - A shortcut says in its comment what it buys, in instructions (`benches/count.sh`). There are
//!   four: `Parser::take_line`, `Parser::comments`, `Parser::within`, `Parser::goes_on`. A shortcut
//!   that buys less than 10 % is not worth its lines.
//! - `State::Block` means that the buffers are dead and hold text, and that no CR or byte order
//!   mark is open. [`Parser::frame`] relies on it, and so do its `unsafe` blocks.
//! - `push` returns to `whole` at a blank line alone. After each line, a stream of lines without
//!   blank ones would take quadratic time.
//! - Small things that cost much here: iterators that are not unrolled, a second check of a
//!   capacity, a large stack frame before the first `return`.

mod block;
mod event;
pub mod field;
mod find;
#[cfg(feature = "serde")]
mod json;
mod limits;
mod message;
mod parser;
mod push;
mod text;
mod whole;

pub(crate) use event::Completed;
pub use event::{Event, Finish, Frame, OwnedFrame, Step, StreamFrame};
pub use limits::{Limits, Overflow};
pub use message::Message;
pub use parser::Parser;
pub(crate) use parser::Probe;
