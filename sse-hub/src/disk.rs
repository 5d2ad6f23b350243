//! A [`Log`](crate::Log) in a directory: events are synced to the disk before they are
//! acknowledged, and survive the process.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use sse_hub::disk::{DiskConfig, DiskLog};
//! use sse_hub::{Hub, HubConfig};
//!
//! let log = DiskLog::open(DiskConfig::new("/var/lib/sse").with_bytes(10 << 30))?;
//! let hub = Hub::with_log(HubConfig::default(), Arc::new(log));
//! # Ok::<(), sse_hub::disk::DiskError>(())
//! ```
//!
//! ```text
//!            ┌ queue ┐   ┌────── thread ──────┐        directory
//!  append ──►│ · · · │──►│ group, one fsync   │──► FORMAT (locked), log/: journal, tables
//!            └───────┘   │ feeds, answers     │          ▲
//!                        └────────────────────┘          │ pages, places
//!  open, locate, read ── blocking threads ───────────────┘
//! ```
//!
//! The storage engine is fjall: a journal that is synced before anything is acknowledged, and
//! tables that it writes in the background. This module adds what fjall leaves open: it keeps the
//! newest bytes of many topics and drops the oldest (`engine`), detects damage before the engine
//! acts on it (`journal`, `tables`), reads around it (`view`), and finds places and IDs in topics
//! (`topic`).

mod config;
mod damage;
mod delivery;
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
mod time;
mod topic;
mod view;
mod writer;

pub use config::DiskConfig;
pub use error::DiskError;
pub use log::DiskLog;
