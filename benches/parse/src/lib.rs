//! Parsing measured against the peers.
//!
//! A [`Corpus`] is cut into [`Chunks`] and goes through each [`Entry`], which has to give the right
//! events ([`Fingerprint`]) before its time counts. `bin/compare` prints the tables, `bin/count` is
//! what callgrind looks at, `benches/parse.rs` is the same under criterion.

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

pub use chunks::{Chunking, Chunks};
pub use contender::{Api, Entry, Fingerprint, Role, Sink, Tally, entries};
pub use corpus::{Corpus, Shape};
pub use measure::{Plan, Row, Verdict, cell, growth};
