//! Comparison of this project's parser with other parsers.
//!
//! A [`Corpus`] is cut into [`Chunks`] and passed through each [`Entry`], whose events have to be
//! right ([`Fingerprint`]) before its time counts. `bin/compare` prints the tables, `bin/count` is
//! the program for callgrind, and `benches/parse.rs` runs the comparison under criterion.

pub mod alloc;
mod chunks;
pub mod clock;
mod contender;
mod corpus;
mod limits;
mod measure;
mod ours;
mod peers;
pub mod report;
mod source;

pub use chunks::{Chunking, Chunks};
pub use contender::{Api, Entry, Fingerprint, Role, Sink, Tally, entries};
pub use corpus::{Corpus, Shape};
pub use measure::{Plan, Row, Verdict, cell, growth};
