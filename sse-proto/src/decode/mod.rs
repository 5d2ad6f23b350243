//! Bytes → events: how a stream is read (9.2.5, 9.2.6).

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
