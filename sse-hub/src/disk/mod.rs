//! The log on disk (feature `disk`).
//!
//! ```text
//!            ┌ queue ┐   ┌────── thread ──────┐        directory
//!  append ──►│ · · · │──►│ group, one fsync   │──► FORMAT (locked), log/: journal, tables
//!            └───────┘   │ then feeds         │          ▲
//!                        └────────────────────┘          │ pages, places
//!  open, locate, read ── blocking threads ───────────────┘
//! ```
//!
//! The storage engine is fjall: a journal that is synced before anything is acknowledged, and tables that it writes in the background.
//! Here is what it does not do: keep the newest bytes of many topics and drop the oldest ([`engine`]), notice damage before it acts on
//! it ([`journal`], [`tables`]), and answer questions about topics ([`topic`]).

mod config;
mod directory;
mod engine;
mod error;
mod feeds;
mod journal;
mod keys;
mod log;
mod tables;
#[cfg(test)]
mod tests;
mod topic;
mod view;
mod writer;

pub use config::DiskConfig;
pub use error::DiskError;
pub use log::DiskLog;
