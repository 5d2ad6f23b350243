//! Bytes → events: how a stream is read (9.2.5, 9.2.6).
//!
//! ```text
//!            a line that lies whole in the chunk
//!  chunk ──┬──────────────▶ scan ───────────────┬──▶ block ──▶ Frame<'_>, Event<'_>
//!          └──▶ line ──▶ field ──▶ text ────────┘
//!            a line that the chunk cuts
//!          ╰──────────────────── parser ───────────────────╯
//! ```
//!
//! [`line`] and [`field`] are the grammar, spelled out; `scan` is the same grammar in one pass over a
//! line that lies whole in the chunk, and tests hold the two against each other.

mod block;
mod cut;
mod event;
mod fast;
pub mod field;
#[cfg(feature = "serde")]
mod json;
mod limits;
pub mod line;
mod parser;
mod read;
mod scan;
mod text;

pub use event::{Event, Finish, Frame, Message, Step};
pub use limits::{Limits, Overflow};
pub use parser::Parser;
