//! Scripted servers for the tests of this workspace: what a server sends, byte for byte, and which
//! requests it got.
//!
//! Every failure panics: this is for tests alone.

#![allow(clippy::unwrap_used, reason = "a failure of a test's server is a failure of the test")]

#[cfg(target_os = "linux")]
mod full;
#[cfg(feature = "tokio")]
pub mod paused;
/// The scenarios of `sse check --client`, and what it judges by.
#[path = "../../sse-cli/src/check/client/scenario.rs"]
#[allow(missing_docs, reason = "the fields say what the keys of the data say")]
pub mod scenario;
mod server;

#[cfg(target_os = "linux")]
pub use full::Full;
pub use server::{Received, Reply, Server, no_content, redirect, response, status, stream};

use std::time::Duration;

/// So many seconds.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// So many milliseconds.
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}
