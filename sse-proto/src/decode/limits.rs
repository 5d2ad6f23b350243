//! The room that a stream may take.

/// The room that a stream may take, in bytes as they come on the wire.
///
/// Whatever the peer sends, a parser holds one event and one other value, and so much more than their limits as it takes to
/// replace ill-formed bytes by U+FFFD (three bytes for one, beside the one while that is done).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest event, its data and its type taken together; also the longest comment. 16 MiB unless set.
    pub event: usize,
    /// The longest event ID. 4 KiB unless set.
    pub id: usize,
    /// What happens past a limit.
    pub overflow: Overflow,
}

impl Default for Limits {
    fn default() -> Self {
        Self { event: 16 << 20, id: 4 << 10, overflow: Overflow::Fail }
    }
}

/// What happens when an event, a comment or an ID is over its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The parser fails for good. A client does not connect again: it would be sent the same event.
    #[default]
    Fail,
    /// The block is left out, up to its blank line, and reported as [`Frame::Skipped`]. Its ID is not committed.
    Skip,
}
