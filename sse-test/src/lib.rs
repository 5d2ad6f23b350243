//! Scripted servers for the tests of this workspace: they send exact bytes, and record the
//! requests.
//!
//! One vocabulary, [`Reply`] and [`Request`], and two servers: [`Server`] on a thread plays a
//! script or answers by a function, and `paused::Server` plays a script on the runtime of a test in
//! virtual time. [`serve`] plays one reply over any stream, TLS for example. [`Socks`] is a proxy.
//!
//! Every failure panics, because this crate is only for tests.

#![allow(clippy::unwrap_used, reason = "a failure of a test's server is a failure of the test")]

#[cfg(target_os = "linux")]
mod full;
mod log;
#[cfg(feature = "tokio")]
pub mod paused;
mod reply;
mod request;
/// The scenarios of `sse check --client`, and the comparison with a client's behaviour.
#[path = "../../sse-cli/src/check/client/scenario.rs"]
#[allow(missing_docs, reason = "the fields say what the keys of the data say")]
pub mod scenario;
mod server;
mod socks;

#[cfg(target_os = "linux")]
pub use full::Full;
pub use reply::Reply;
pub use request::Request;
pub use server::{Server, serve};
pub use socks::Socks;

use std::time::Duration;

/// A duration of `n` seconds.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A duration of `n` milliseconds.
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}
