//! The room that a stream may take, and what happens beyond it.

/// The room that a stream may take, in bytes as they come on the wire.
///
/// Whatever the peer sends, a parser holds one event and one other value, and so much more than
/// their limits as it takes to replace ill-formed bytes by U+FFFD (three bytes for one, beside the
/// one while that is done).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) event: usize,
    pub(super) id: usize,
    pub(super) overflow: Overflow,
}

impl Limits {
    /// No limits: an event and an ID take as much memory as the peer sends. For trusted peers
    /// alone.
    pub const NONE: Self = Self { event: usize::MAX, id: usize::MAX, overflow: Overflow::Fail };

    /// The default: events of 16 MiB, IDs of 4 KiB, [`Overflow::Fail`].
    pub const fn new() -> Self {
        Self { event: 16 << 20, id: 4 << 10, overflow: Overflow::Fail }
    }

    /// Sets the longest event, its data and its type taken together; also the longest comment.
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

    /// Sets what happens past a limit. Default [`Overflow::Fail`].
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

    /// What happens past a limit.
    pub const fn overflow(&self) -> Overflow {
        self.overflow
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

/// The reaction to an event, a comment or an ID over its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// The parser fails for good. A client does not reconnect: it would be sent the same event.
    #[default]
    Fail,
    /// The block is left out, up to its blank line, and reported as
    /// [`Frame::Skipped`](crate::Frame::Skipped). Its ID is not committed.
    Skip,
}
