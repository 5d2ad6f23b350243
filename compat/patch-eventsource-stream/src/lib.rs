//! `sse-eventsource-stream` under the name that it replaces, so that `[patch.crates-io]` finds it.
//!
//! For programs that use `eventsource-stream` only through another crate; `MIGRATION.md` has the
//! lines.

#![no_std]

pub use replacement::{Event, EventStream, EventStreamError, Eventsource};
