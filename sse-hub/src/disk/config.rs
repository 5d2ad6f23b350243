//! Where a log on disk is, and how much it keeps.

use std::path::PathBuf;

/// Where a [`DiskLog`](super::DiskLog) is, and how much it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskConfig {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) positions: usize,
}

impl DiskConfig {
    /// The least for [`with_bytes`](Self::with_bytes), 8 MiB: below, the engine's own files would
    /// be a large part.
    pub const LEAST_BYTES: u64 = 8 << 20;

    /// A log in the directory `path`, with the defaults of the setters.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), bytes: 1 << 30, positions: 1 << 20 }
    }

    /// Sets how many bytes the directory may take, of all topics together; 1 GiB by default.
    ///
    /// Events are dropped in steps of a sixteenth, the oldest first. A batch of more
    /// than a thirty-second is refused.
    #[must_use]
    pub fn with_bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets of how many topics without events the last place is remembered; 1,048,576 by default.
    ///
    /// A returning subscriber of a forgotten topic gets a gap event, although it may
    /// have missed nothing.
    #[must_use]
    pub fn with_positions(mut self, topics: usize) -> Self {
        self.positions = topics;
        self
    }
}
