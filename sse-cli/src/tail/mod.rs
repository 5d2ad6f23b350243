//! `sse tail`: follow a stream.

mod arguments;
mod follow;
mod source;
pub(crate) mod stop;

pub(crate) use arguments::Arguments;
pub(crate) use follow::run;
