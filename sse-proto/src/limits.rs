//! Limits of the sizes of events and IDs, and the reaction to larger ones.

/// Limits of the sizes of events and IDs, in bytes of their values as received: without field names
/// and line ends, but with one LF between two lines of data.
///
/// Whatever the peer sends, a parser holds at most one event, one other value (a comment or a
/// `retry`), the ID of the current block and the last event ID. Lines with unknown names have no
/// limit, because they are not held. Replacing ill-formed bytes by U+FFFD can make a value larger
/// than its limit: three bytes for each byte, and for a moment the original too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) event: usize,
    pub(super) id: usize,
    pub(super) overflow: Overflow,
}

impl Limits {
    /// No limits: an event and an ID take as much memory as the peer sends. Only for trusted peers.
    pub const NONE: Self = Self { event: usize::MAX, id: usize::MAX, overflow: Overflow::Fail };

    /// The default limits: events of 16 MiB, IDs of 4 KiB, [`Overflow::Fail`].
    pub const fn new() -> Self {
        Self { event: 16 << 20, id: 4 << 10, overflow: Overflow::Fail }
    }

    /// Sets the longest event, counted as its data and type together; also the longest comment and
    /// the longest `retry`.
    /// Default 16 MiB.
    #[must_use]
    pub const fn with_event(mut self, bytes: usize) -> Self {
        self.event = bytes;
        self
    }

    /// Sets the longest event ID. Default 4 KiB.
    #[must_use]
    pub const fn with_id(mut self, bytes: usize) -> Self {
        self.id = bytes;
        self
    }

    /// Sets what happens to an event, a comment, a `retry` value or an ID that exceeds its limit.
    /// Default [`Overflow::Fail`].
    #[must_use]
    pub const fn with_overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// The longest event, in bytes.
    pub const fn event(&self) -> usize {
        self.event
    }

    /// The longest event ID, in bytes.
    pub const fn id(&self) -> usize {
        self.id
    }

    /// The reaction to an event, a comment, a `retry` value or an ID that exceeds its limit.
    pub const fn overflow(&self) -> Overflow {
        self.overflow
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

/// The reaction to an event, a comment, a `retry` value or an ID that exceeds its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// The parser fails for good. A client does not reconnect, because the server would send that
    /// event again.
    #[default]
    Fail,
    /// The block is skipped, up to its blank line, and reported as
    /// [`Frame::Skipped`](crate::Frame::Skipped). Its ID is not committed.
    Skip,
}
