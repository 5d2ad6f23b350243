//! The room that a stream may take, and what happens beyond it.

use super::cut::State;
use super::event::Completed;
use super::parser::{Parser, Phase};
use crate::Error;

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

impl Limits {
    /// No limits: an event and an ID take as much memory as the peer sends. For trusted peers alone.
    pub const NONE: Self = Self { event: usize::MAX, id: usize::MAX, overflow: Overflow::Fail };
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
    /// The block is left out, up to its blank line, and reported as [`Frame::Skipped`](crate::Frame::Skipped). Its ID is not committed.
    Skip,
}

impl Parser {
    /// A value was over its limit, in the line that `state` tells of.
    #[cold]
    pub(super) fn overflow(&mut self, error: Error) -> Result<(), Error> {
        let in_line = self.state != State::Line;
        self.phase = Phase::Unready;
        self.block.clear();
        self.block.shrink();
        match self.block.limits.overflow {
            Overflow::Fail => {
                self.state = State::Failed(error);
                Err(error)
            }
            Overflow::Skip => {
                self.state = State::Skipping { in_line };
                Ok(())
            }
        }
    }

    /// Goes on with a block that is left out.
    pub(super) fn skip<'c, const FRAMES: bool>(
        &mut self,
        mut in_line: bool,
        chunk: &'c [u8],
        input: &mut &'c [u8],
    ) -> Option<Completed> {
        loop {
            let line_start = self.position(chunk, input);
            let Some(piece) = self.lines.next_piece(input) else { break };
            if piece.end && piece.bytes.is_empty() && !in_line {
                let bytes = line_start - self.block_start;
                self.block_start = self.position(chunk, input);
                self.state = State::Line;
                self.skipped += 1;
                return Some(Completed::Skipped { bytes }).filter(|_| FRAMES);
            }
            in_line = !piece.end;
        }
        self.state = State::Skipping { in_line };
        Some(Completed::Nothing)
    }
}
