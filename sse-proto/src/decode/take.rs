//! What can be taken of a chunk without the plain path: whole events, and what goes on with the data of one.
//!
//! Each of these takes what it is sure of, by the rules of the plain path, or leaves everything to that.

use super::cut::State;
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn what_is_ordinary_is_taken() {
        let mut parser = Parser::new().with_limits(Limits::default().with_event(4).with_id(1));
        assert_eq!(parser.next_event(&mut &b"\n\n"[..]), Ok(None));

        let mut input = &b"data: 1234\n\nrest"[..];
        assert_eq!((parser.take_line(&mut input), input), (Ok(&b"1234"[..]), &b"rest"[..]));
        assert_eq!(parser.take_line(&mut &b"data: 12345\n\n"[..]), Err(Some(5)));
        assert_eq!(parser.take_line(&mut &b"id: 7\ndata: 1\n\n"[..]), Err(None));

        let mut input = &b"id: 7\nevent: e\ndata: \xc3\xbc1\n\nrest"[..];
        assert!(matches!(parser.take_block(&mut input, None), Taken::Event(_)));
        assert_eq!((input, parser.last_event_id()), (&b"rest"[..], "7"));

        let too_long = &mut &b"event: e\ndata: 1234\ndata: 5\n\n"[..];
        assert!(matches!(parser.take_block(too_long, None), Taken::Nothing));
        let mut input = &b"id: 8\nevent: e\ndata: 1\ndata: "[..];
        assert!(matches!(parser.take_block(&mut input, None), Taken::Start));
        assert_eq!(input, b"\ndata: ");
        let mut take = |mut input: &'static [u8]| {
            let piece = scan::piece(input);
            (parser.take_data(&mut input, piece), input)
        };
        assert_eq!(take(input), (Became::Taken, &b""[..]));
        assert_eq!(take(b"2"), (Became::Taken, &b""[..]));
        assert_eq!(take(b"3"), (Became::Left, &b"3"[..]), "over the limit: type, data and the LF between");
        assert_eq!(take(b"\r\n\r\nrest"), (Became::Event, &b"rest"[..]));
    }
}
