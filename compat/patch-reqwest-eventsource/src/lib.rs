//! `sse-reqwest-eventsource` under the name that it replaces, so that `[patch.crates-io]` finds it.
//!
//! For programs that use `reqwest-eventsource` only through another crate; `MIGRATION.md` has the
//! lines.

pub use replacement::{
    CannotCloneRequestError, Error, Event, EventSource, ReadyState, RequestBuilderExt, retry,
};
