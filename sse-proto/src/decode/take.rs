//! What can be taken of a chunk without the plain path: whole events, and what goes on with the data of one.
//!
//! Each of these takes what it is sure of, by the rules of the plain path, or leaves everything to that. A chunk of a
//! single byte is a case of its own: the plain path is long, and such a stream would take it for every byte.

use super::cut::{Head, State};
use super::fast::{self, Found, Whole};
use super::parser::{Parser, Phase};
use super::scan::{self, Name};

/// What the fast path made of the start of a block.
pub(super) enum Taken<'c> {
    Event(Whole<'c>),
    /// The first data of an event that goes to the buffers.
    Start,
    Nothing,
}

/// What became of bytes that go to the buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// The chunk is used up.
    Taken,
    /// They ended an event, which is in the buffers.
    Event,
    /// What is left takes the plain path.
    Left,
}

impl Parser {
    /// Takes a block by the fast path, if it can; for `seen` see [`fast::event`].
    #[inline(always)]
    pub(super) fn take_block<'c>(&mut self, input: &mut &'c [u8], seen: Option<usize>) -> Taken<'c> {
        let limits = &self.block.limits;
        match fast::event(input, seen) {
            Found::Whole(whole) if whole.data.len() + whole.event.len() <= limits.event => {
                if let Some(id) = whole.id {
                    if id.len() > limits.id {
                        return Taken::Nothing;
                    }
                    self.block.set_last_event_id(id);
                }
                self.consumed += (input.len() - whole.rest.len()) as u64;
                self.block_start = self.consumed;
                if whole.rest.is_empty() {
                    self.expect_lf(input);
                }
                *input = whole.rest;
                Taken::Event(whole)
            }
            Found::Start(start)
                if start.data.len() + start.event.len() <= limits.event
                    && start.id.is_none_or(|id| id.len() <= limits.id) =>
            {
                self.consumed += (input.len() - start.rest.len()) as u64;
                *input = start.rest;
                self.phase = Phase::Unready;
                self.state = State::Value(Name::Data);
                self.block.start(&start);
                Taken::Start
            }
            _ => Taken::Nothing,
        }
    }

    /// Goes on with data that goes to the buffers: to the end of the chunk, or of the event, if nothing but data comes
    /// before it. `piece` is what [`scan::piece`] says of the chunk.
    #[inline]
    pub(super) fn take_data(&mut self, input: &mut &[u8], mut piece: (usize, bool)) -> Became {
        let chunk = *input;
        let mut rest = chunk;
        let became = loop {
            let (len, ascii) = piece;
            let (bytes, after) = rest.split_at(len);
            if !self.block.push_piece(bytes, ascii) {
                break Became::Left;
            }
            rest = after;
            let Some(next) = fast::line_end(rest) else { break Became::Taken };
            self.block.end(Name::Data);
            if let Some(after) = fast::line_end(next) {
                rest = after;
                self.state = State::Line;
                self.block.commit_id();
                self.set_stale();
                break Became::Event;
            }
            if next.starts_with(b"data: ") {
                self.block.begin(Name::Data);
                rest = &next[6..];
                piece = scan::piece(rest);
                continue;
            }
            rest = next;
            self.state = State::Line;
            self.phase = Phase::Line;
            break if rest.is_empty() { Became::Taken } else { Became::Left };
        };
        self.consumed += (chunk.len() - rest.len()) as u64;
        *input = rest;
        if became == Became::Event {
            self.block_start = self.consumed;
        }
        if rest.is_empty() && self.state == State::Line {
            self.expect_lf(chunk);
        }
        became
    }

    /// Takes a chunk that is one byte of data, if it is such a one.
    #[inline]
    pub(super) fn take_data_byte(&mut self, input: &mut &[u8]) -> bool {
        let taken = matches!(**input, [byte] if byte >= 14 && self.block.push_byte(byte));
        if taken {
            self.consumed += 1;
            *input = &[];
        }
        taken
    }

    /// Takes a chunk that lies within a line of data; else says what [`scan::piece`] says of it.
    #[inline(never)]
    pub(super) fn take_middle(&mut self, input: &mut &[u8]) -> (usize, bool) {
        let (len, ascii) = scan::piece(input);
        if len == input.len() && self.block.push_piece(input, ascii) {
            self.consumed += len as u64;
            *input = &[];
        }
        (len, ascii)
    }

    /// Takes a chunk of one byte, if it is none of the rarer ones.
    #[inline(never)]
    pub(super) fn take_byte<const FRAMES: bool>(&mut self, byte: u8) -> Became {
        let ends = matches!(byte, b'\n' | b'\r');
        let mut became = Became::Taken;
        match self.state {
            State::Value(name) if !ends => {
                if !self.block.push_within(name, &[byte], byte < 0x80) {
                    return Became::Left;
                }
            }
            State::Value(Name::Retry) => return Became::Left,
            State::Value(Name::Comment) if FRAMES => return Became::Left,
            State::Value(name) => {
                if self.block.is_value_large() {
                    return Became::Left;
                }
                self.block.end(name);
                self.state = State::Line;
                self.phase = if self.block.is_empty() { Phase::Block } else { Phase::Line };
            }
            State::Head(mut head) if !ends => {
                self.state = State::Head(head);
                if head.push(byte) {
                    let Some(name) = head.name().filter(|_| self.block.has_room()) else {
                        return Became::Left;
                    };
                    self.block.begin(name);
                    self.state = State::Value(name);
                } else {
                    self.state = State::Head(head);
                }
            }
            State::Line if self.phase != Phase::Unready => {
                self.clear_stale();
                if !ends {
                    let mut head = Head::default();
                    head.push(byte);
                    self.state = State::Head(head);
                    self.phase = Phase::Unready;
                } else if self.block.has_data() {
                    self.block.commit_id();
                    self.set_stale();
                    self.block_start = self.consumed + 1;
                    became = Became::Event;
                } else if self.phase == Phase::Block {
                    self.block_start = self.consumed + 1;
                } else {
                    return Became::Left;
                }
            }
            _ => return Became::Left,
        }
        self.consumed += 1;
        self.expect_lf(&[byte]);
        became
    }

    /// Takes what the chunk has of a value that is no data, if it is within the limit; and if that is a comment, which
    /// nobody asked for, its end. Whether the chunk is used up by it.
    #[inline]
    pub(super) fn take_piece(&mut self, name: Name, input: &mut &[u8]) -> bool {
        let (len, ascii) = scan::piece(input);
        let (piece, rest) = input.split_at(len);
        if !self.block.push_within(name, piece, ascii) {
            return false;
        }
        self.consumed += len as u64;
        *input = rest;
        match fast::line_end(rest) {
            Some(mut next) if name == Name::Comment && !self.block.is_value_large() => {
                self.state = State::Line;
                self.phase = if self.block.is_empty() { Phase::Block } else { Phase::Line };
                let blank = fast::line_end(next).filter(|_| self.phase == Phase::Block);
                next = blank.unwrap_or(next);
                self.consumed += (rest.len() - next.len()) as u64;
                if blank.is_some() {
                    self.block_start = self.consumed;
                }
                *input = next;
                if next.is_empty() {
                    self.expect_lf(rest);
                }
            }
            _ => {}
        }
        input.is_empty()
    }
}
