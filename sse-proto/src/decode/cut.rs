//! Lines that a chunk cuts: their bytes go to the buffers piece by piece, whatever the pieces are.
//!
//! ```text
//!          byte            the field is known             LF, CR
//!   Line ───────▶ Head ─────────────────────▶ Value ──────────────▶ Line
//!                   └───────────────── LF, CR ─────────────────────▶
//! ```

use super::block::Place;
use super::event::Completed;
use super::field::{self, Field};
use super::parser::{Parser, Phase};
use super::scan::{self, Name};
use crate::Error;

/// Where in a line the last chunk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Between two lines.
    Line,
    /// In a line that a chunk cut, so early that its field is not known.
    Head(Head),
    /// In the value of a line that a chunk cut.
    Value(Name),
    /// In a block that is left out; `in_line` unless between two of its lines.
    Skipping { in_line: bool },
    /// Over a limit, for good.
    Failed(Error),
}

/// The first bytes of a line, at most [`HEAD`], the last of them the lowest; above the first of them is a 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head(u64);

/// The length of `event: ` and `retry: `: by then the field is known, and whether a space has to be removed.
const HEAD: u32 = 7;

impl Head {
    pub(super) const EMPTY: Self = Self(1);

    /// Appends a byte, and says whether the field is known by now: with the byte after the colon it is.
    #[inline]
    pub(super) fn push(&mut self, byte: u8) -> bool {
        let after_colon = self.0 as u8 == b':';
        self.0 = self.0 << 8 | u64::from(byte);
        after_colon || self.0 >> (8 * HEAD) != 0
    }

    /// The field, if it is written as nearly all are, and the value has not begun.
    #[inline]
    pub(super) fn name(self) -> Option<Name> {
        const DATA: u64 = u64::from_be_bytes(*b"\0\x01data: ");
        const EVENT: u64 = u64::from_be_bytes(*b"\x01event: ");
        const ID: u64 = u64::from_be_bytes(*b"\0\0\0\x01id: ");
        const COMMENT: u64 = u64::from_be_bytes(*b"\0\0\0\0\0\x01: ");
        match self.0 {
            DATA => Some(Name::Data),
            EVENT => Some(Name::Event),
            ID => Some(Name::Id),
            COMMENT => Some(Name::Comment),
            _ => None,
        }
    }

    /// Has the plain grammar tell the field, and what there is of the value.
    fn with_field<T>(self, take: impl FnOnce(Name, &[u8]) -> T) -> T {
        let bytes = self.0.to_be_bytes();
        let (name, value) = Field::parse(&bytes[1 + self.0.leading_zeros() as usize / 8..]).split();
        take(name, value)
    }
}

impl Parser {
    /// Goes on with the line that the last chunk cut.
    pub(super) fn resume_line<const FRAMES: bool>(
        &mut self,
        input: &mut &[u8],
    ) -> Result<Option<Completed>, Error> {
        let (len, ascii) = scan::piece(input);
        let (bytes, rest) = input.split_at(len);
        let fed = self.feed(bytes, ascii);
        *input = rest;
        if rest.is_empty() {
            return fed.map(|()| Some(Completed::Nothing));
        }
        *input = &rest[self.lines.line_end(rest)..];
        let state = core::mem::replace(&mut self.state, State::Line);
        fed?;
        let name = self.end_line(state)?;
        if matches!(name, Name::Data | Name::Event) {
            self.phase = Phase::Line;
            return Ok(None);
        }
        let completed = match name {
            Name::Comment => Some(Completed::Comment(Place::Buffer)),
            Name::Retry => field::retry(self.block.value().as_bytes()).and_then(|ms| self.set_retry(ms)),
            _ => None,
        };
        Ok(completed.filter(|_| FRAMES))
    }

    /// Takes bytes of a line that the chunk cuts.
    #[inline]
    pub(super) fn feed(&mut self, bytes: &[u8], ascii: bool) -> Result<(), Error> {
        match self.state {
            State::Value(name) => self.block.push(name, bytes, ascii),
            State::Head(head) => self.feed_head(head, bytes, ascii),
            _ => self.feed_head(Head::EMPTY, bytes, ascii),
        }
    }

    fn feed_head(&mut self, mut head: Head, bytes: &[u8], ascii: bool) -> Result<(), Error> {
        for (index, &byte) in bytes.iter().enumerate() {
            if head.push(byte) {
                let rest = &bytes[index + 1..];
                if let Some(name) = head.name() {
                    return self.feed_value(name, rest, ascii);
                }
                return head.with_field(|name, value| {
                    self.feed_value(name, value, ascii)?;
                    self.block.push(name, rest, ascii)
                });
            }
        }
        self.state = State::Head(head);
        Ok(())
    }

    /// Takes the first bytes of a value that the chunk cuts.
    pub(super) fn feed_value(&mut self, name: Name, bytes: &[u8], ascii: bool) -> Result<(), Error> {
        self.state = State::Value(name);
        self.block.begin(name);
        self.block.push(name, bytes, ascii)
    }

    /// Ends a line that was fed.
    pub(super) fn end_line(&mut self, state: State) -> Result<Name, Error> {
        let name = match state {
            State::Head(head) => head.with_field(|name, value| {
                self.block.begin(name);
                self.block.push(name, value, false)?;
                Ok(name)
            })?,
            State::Value(name) => name,
            _ => return Ok(Name::Unknown),
        };
        self.block.end(name);
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_as_usual_takes_no_parsing() {
        for (line, name) in [
            (&b"data: "[..], Some(Name::Data)),
            (b"event: ", Some(Name::Event)),
            (b"id: ", Some(Name::Id)),
            (b": ", Some(Name::Comment)),
            (b"retry: ", None),
            (b"data:x", None),
            (b":x", None),
            (b"message", None),
        ] {
            let mut head = Head::EMPTY;
            let known = line.iter().position(|&byte| head.push(byte));
            assert_eq!((known, head.name()), (Some(line.len() - 1), name), "{line:?}");
        }
    }
}
