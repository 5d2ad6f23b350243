//! Settings of a log on disk: its directory, and how much it keeps.

use std::path::PathBuf;

/// Settings of a [`DiskLog`](super::DiskLog): its directory, and how much it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskConfig {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) positions: usize,
}

impl DiskConfig {
    /// The smallest value of [`with_bytes`](Self::with_bytes), 8 MiB: with less, the engine's own
    /// files would take a large part.
    pub const LEAST_BYTES: u64 = 8 << 20;

    /// Settings for a log in the directory `path`; each setter documents its default.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), bytes: 1 << 30, positions: 1 << 20 }
    }

    /// Sets how many bytes the directory may take, for all topics together; 1 GiB by default.
    ///
    /// The oldest events are dropped first, a sixteenth of this size at a time. A batch of more
    /// than a thirty-second of this size is refused.
    #[must_use]
    pub fn with_bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets for how many topics without events the log remembers the last place; 1,048,576 by
    /// default.
    ///
    /// A subscriber that returns to a forgotten topic gets a gap event, although it may have missed
    /// nothing.
    #[must_use]
    pub fn with_positions(mut self, topics: usize) -> Self {
        self.positions = topics;
        self
    }
}
