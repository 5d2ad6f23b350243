//! What a hub can tell about itself.

use std::sync::atomic::AtomicU64;

/// The state of a [`Hub`](crate::Hub) at one moment, its counts since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Topics that exist.
    pub topics: usize,
    /// Subscriptions that exist.
    pub subscribers: usize,
    /// By how many events the slowest of them is behind.
    pub lag: u64,
    /// Events published.
    pub published: u64,
    /// Bytes that subscriptions handed to their connections.
    pub sent_bytes: u64,
    /// Gaps that subscriptions met, at their start and later.
    pub gaps: u64,
    /// Events missed in those gaps, as far as known.
    pub dropped: u64,
}

/// The counts behind [`Metrics`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) published: AtomicU64,
    pub(crate) sent_bytes: AtomicU64,
    pub(crate) gaps: AtomicU64,
    pub(crate) dropped: AtomicU64,
}
