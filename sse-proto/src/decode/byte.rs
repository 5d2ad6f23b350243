//! Chunks of a single byte: the other paths are long, and such a stream would take them for every byte.

use super::block::Place;
use super::cut::{Head, State};
use super::event::Event;
use super::parser::{Parser, Phase};
use super::scan::Name;
use super::take::Became;
use crate::Error;

impl Parser {
    /// What [`next_event`](Parser::next_event) does with a chunk of one byte.
    #[inline]
    pub(super) fn read_byte<'a, 'c: 'a>(
        &'a mut self,
        byte: u8,
        input: &mut &'c [u8],
    ) -> Result<Option<Event<'a>>, Error> {
        if self.take_usual_byte(byte) {
            *input = &[];
            return Ok(None);
        }
        self.read_other_byte(byte, input)
    }

    /// The same but for the most ordinary ones, lest it take room on the stack for them.
    #[inline(never)]
    pub(super) fn read_other_byte<'a, 'c: 'a>(
        &'a mut self,
        byte: u8,
        input: &mut &'c [u8],
    ) -> Result<Option<Event<'a>>, Error> {
        match self.take_other_byte::<false>(byte) {
            Became::Taken => {
                *input = &[];
                Ok(None)
            }
            Became::Event => {
                *input = &[];
                Ok(Some(self.block.borrow(Place::Buffer, Place::Buffer, &[])))
            }
            Became::Left => self.read_event(input, None),
        }
    }

    /// Takes a byte of data, or of the name of a field. It calls nothing, for the sake of speed.
    #[inline]
    pub(super) fn take_usual_byte(&mut self, byte: u8) -> bool {
        let taken = if self.state == State::Value(Name::Data) {
            byte >= 14 && self.block.try_push_byte(byte)
        } else if let State::Head(mut head) = self.state {
            let taken = byte >= 14 && !head.push(byte);
            if taken {
                self.state = State::Head(head);
            }
            taken
        } else {
            false
        };
        self.consumed += u64::from(taken);
        taken
    }

    /// Takes another byte, if it is none of the rarer ones.
    #[inline]
    pub(super) fn take_other_byte<const FRAMES: bool>(&mut self, byte: u8) -> Became {
        let ends = matches!(byte, b'\n' | b'\r');
        let became = match self.state {
            State::Head(head) if !ends => self.push_head::<FRAMES>(head, byte),
            State::Value(name) if !ends => {
                if self.block.push_within(name, &[byte], byte < 0x80) {
                    Became::Taken
                } else {
                    Became::Left
                }
            }
            State::Value(Name::Data) => {
                self.block.end_data();
                self.state = State::Line;
                self.phase = Phase::Line;
                Became::Taken
            }
            State::Value(Name::Comment | Name::Retry) => Became::Left,
            State::Value(_) if self.block.is_value_large() => Became::Left,
            State::Value(name) => {
                self.block.end(name);
                self.state = State::Line;
                self.phase = if self.block.is_empty() { Phase::Block } else { Phase::Line };
                Became::Taken
            }
            State::Line => {
                let mut input = &[byte][..];
                self.clear_cr(&mut input);
                if input.is_empty() {
                    return Became::Taken;
                }
                self.clear_stale();
                match self.phase {
                    Phase::Unready => Became::Left,
                    _ if !ends => self.push_head::<FRAMES>(Head::EMPTY, byte),
                    _ if self.block.has_data() => {
                        self.block.commit_id();
                        self.set_stale();
                        self.block_start = self.consumed + 1;
                        Became::Event
                    }
                    Phase::Block => {
                        self.block_start = self.consumed + 1;
                        Became::Taken
                    }
                    _ => Became::Left,
                }
            }
            _ => Became::Left,
        };
        if became != Became::Left {
            self.consumed += 1;
            if byte == b'\r' {
                self.expect_lf(b"\r");
            }
        }
        became
    }

    /// Takes a byte before the value.
    #[inline(always)]
    fn push_head<const FRAMES: bool>(&mut self, mut head: Head, byte: u8) -> Became {
        if head.push(byte) {
            let Some(mut name) = head.name().filter(|_| self.block.has_room()) else {
                return Became::Left;
            };
            if name == Name::Comment && !FRAMES {
                name = Name::Skipped;
            }
            self.block.begin(name);
            self.state = State::Value(name);
        } else {
            self.state = State::Head(head);
            self.phase = Phase::Unready;
        }
        Became::Taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes of a stream the other paths have to take.
    fn left<const FRAMES: bool>(stream: &[u8]) -> usize {
        let mut parser = Parser::new();
        let mut left = 0;
        for byte in stream {
            if !parser.take_usual_byte(*byte) && parser.take_other_byte::<FRAMES>(*byte) == Became::Left {
                left += 1;
                let _ = parser.step::<FRAMES>(&mut &[*byte][..], true, None);
            }
        }
        left
    }

    #[test]
    fn nearly_every_byte_is_taken_at_once() {
        // The first of all could be that of a byte order mark.
        let stream = "\nid: 1\nevent: e\ndata: x\ndata: grün\t\n\n\ndata: y\n\n\n: c\n\nid: 2\n";
        assert_eq!(left::<false>(stream.as_bytes()), 1);
        // Where comments are handed out, also the one that ends it, and the one before which it is cleared away.
        assert_eq!(left::<true>(stream.as_bytes()), 3);
        let stream = stream.replace('\n', "\r\n");
        assert_eq!(left::<false>(stream.as_bytes()), 1);
        assert_eq!(left::<true>(stream.as_bytes()), 2);
    }

    #[test]
    fn bytes_of_data_call_nothing() {
        let mut parser = Parser::new();
        assert_eq!(parser.next_event(&mut &b"data: xy"[..]), Ok(None));
        assert!(parser.take_usual_byte(b'z'));
        assert!(!parser.take_usual_byte(b'\n'));
    }
}
