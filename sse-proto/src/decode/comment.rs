//! Comments that nobody asked for: [`next_event`](Parser::next_event) skips them between two events.
//!
//! Servers send them by the thousand to show that they are alive, each with a blank line. Of one that a chunk cuts,
//! the length is kept, for the limit, and not the text.

use super::cut::State;
use super::find::Near;
use super::parser::{Parser, Phase};
use super::scan::{self, Name};

impl Parser {
    /// Skips comments and blank lines, if one is next, or goes on, and says whether it did. What is left takes the other paths.
    #[inline]
    pub(super) fn skip_comments(&mut self, input: &mut &[u8]) -> bool {
        match **input {
            [b':' | b'\n' | b'\r', ..] if self.phase == Phase::Block => self.skip_lines(input, false),
            _ if self.state == State::Value(Name::Skipped) => self.skip_lines(input, true),
            _ => false,
        }
    }

    /// `cut` if the chunk starts within a comment.
    #[inline(never)]
    fn skip_lines(&mut self, input: &mut &[u8], cut: bool) -> bool {
        let chunk = *input;
        let mut near = Near::new(chunk);
        let mut at = 0;
        if cut {
            at = line_end(chunk, near.find(chunk, 0));
            if !self.block.count(at) {
                return false;
            }
            if at < chunk.len() {
                at = scan::next_line(chunk, at);
                self.state = State::Line;
                self.phase = if self.block.is_empty() { Phase::Block } else { Phase::Line };
            }
        }
        let start = self.consumed;
        while self.phase == Phase::Block {
            match chunk[at..] {
                [b':', ref comment @ ..] => {
                    let mut end = near.find(chunk, at + 1);
                    if end - at > self.block.limits.event {
                        break;
                    }
                    // The ordinary: ASCII up to two line feeds.
                    if chunk[end..].starts_with(b"\n\n") {
                        at = end + 2;
                        self.block_start = start + at as u64;
                        continue;
                    }
                    end = line_end(chunk, end);
                    if end < chunk.len() && end - at <= self.block.limits.event {
                        at = scan::next_line(chunk, end);
                        continue;
                    }
                    // Without the byte after the colon it is not known whether a space has to be removed.
                    if end < chunk.len() || comment.is_empty() {
                        break;
                    }
                    self.block.begin(Name::Skipped);
                    if !self.block.count(comment.strip_prefix(b" ").unwrap_or(comment).len()) {
                        break;
                    }
                    self.phase = Phase::Unready;
                    self.state = State::Value(Name::Skipped);
                    at = end;
                }
                [b'\n' | b'\r', ..] => {
                    at = scan::next_line(chunk, at);
                    self.block_start = start + at as u64;
                }
                _ => break,
            }
        }
        self.block.shrink();
        self.consumed += at as u64;
        *input = &chunk[at..];
        if input.is_empty() && self.state == State::Line {
            self.expect_lf(chunk);
        }
        true
    }
}

/// Where the line ends that `at` is in, or the chunk. `at` is where the search found something, or nothing.
#[inline]
fn line_end(chunk: &[u8], at: usize) -> usize {
    at + scan::piece_at(&chunk[at..], 0).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn what_servers_send_to_show_that_they_are_alive_is_skipped() {
        let mut parser = Parser::new().with_limits(Limits::default().with_event(10));
        assert_eq!(parser.next_event(&mut &b"\n\n"[..]), Ok(None));
        for (chunk, left) in [
            (&b": 01234567\n\n: 01234567\n: 01234567\r\n\r\n:\n\n:\xc3\xbc\t\r\r: cu"[..], &b""[..]),
            (b"t", b""),
            (b"\n\n: cut", b""),
            (b" again\r\n\r\n: c\n\ndata: x", b"data: x"),
        ] {
            let mut input = chunk;
            assert!(parser.skip_comments(&mut input), "{chunk:?}");
            assert_eq!(input, left, "{chunk:?}");
        }
        assert!(!parser.skip_comments(&mut &b"data: x"[..]));
    }
}
