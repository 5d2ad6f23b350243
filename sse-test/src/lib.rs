//! Scripted servers for the tests of this workspace: they send exact bytes, and record the
//! requests.
//!
//! Every failure panics, because this crate is only for tests.

#![allow(clippy::unwrap_used, reason = "a failure of a test's server is a failure of the test")]

#[cfg(target_os = "linux")]
mod full;
#[cfg(feature = "tokio")]
pub mod paused;
/// The scenarios of `sse check --client`, and the comparison with a client's behaviour.
#[path = "../../sse-cli/src/check/client/scenario.rs"]
#[allow(missing_docs, reason = "the fields say what the keys of the data say")]
pub mod scenario;
mod server;

#[cfg(target_os = "linux")]
pub use full::Full;
pub use server::{Received, Reply, Server, no_content, redirect, response, status, stream};

use std::time::Duration;

/// A duration of `n` seconds.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A duration of `n` milliseconds.
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}
