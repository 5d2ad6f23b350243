//! `sse tail`: follow streams.

mod arguments;
mod conflicts;
mod follow;
mod followed;
mod source;
pub(crate) mod stop;
mod tap;

pub(crate) use arguments::Arguments;
pub(crate) use follow::run;
