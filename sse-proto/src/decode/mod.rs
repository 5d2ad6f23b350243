//! Bytes → events: how a stream is read (9.2.5, 9.2.6).
//!
//! ```text
//!            an event that lies whole in the chunk
//!          ┌────────▶ take ──▶ fast ──────────────────────▶ Frame<'_>, Event<'_>
//!          │ a line that lies whole in the chunk                 ▲
//!  chunk ──┼────────▶ read ──▶ scan ────────┬──────▶ block ──────┘
//!          │ a line that the chunk cuts     │
//!          └────────▶ cut ───▶ field, text ─┘
//!          ╰───────────────────── parser ────────────────────────╯
//! ```
//!
//! Two kinds of chunks are taken on shorter ways: `byte`, those of a single byte, and `comment`, those with comments that
//! nobody asked for. [`line`] and [`field`] are the grammar, spelled out; `scan` is the same grammar in one pass over a
//! line that lies whole in the chunk, `find` the search in it; tests hold the fast against the plain.

mod block;
mod byte;
mod comment;
mod cut;
mod event;
mod fast;
pub mod field;
mod find;
#[cfg(feature = "serde")]
mod json;
mod limits;
pub mod line;
mod parser;
mod read;
mod scan;
mod take;
mod text;

pub(crate) use event::Completed;
pub use event::{Event, Finish, Frame, Message, OwnedFrame, Step, StreamFrame};
pub use limits::{Limits, Overflow};
pub use parser::Parser;
