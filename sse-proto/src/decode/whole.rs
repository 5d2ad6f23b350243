//! The short way: blocks that lie whole in the chunk, borrowed as they are.
//!
//! All or nothing: a block that ends in the chunk, has one line of data, is valid UTF-8 and within the limits is read without
//! a buffer. Anything else is declined, and nothing has happened; [`push`](super::push) reads it. So there is no need for a rule here that
//! is hard to get right: decline it.

use core::time::Duration;

use super::field::{self, Kind, Name, Start, line_end};
use super::find::{self, Stops};
use super::parser::Parser;
use super::text::utf8;

/// What a block gave.
pub(super) enum Whole<'c> {
    /// The type, and the data.
    Event(&'c str, &'c str),
    Comment(&'c str),
    Retry(Duration),
    /// A block that is no event.
    Block,
    Declined,
}

/// As nearly all events start.
pub(super) const DATA: Name = Name::new("data: ");

/// The lines that are looked at a word at a time.
pub(super) const WORD: usize = 8;

/// The least that is read this way. An event takes a word or more; a comment that is lent does not.
pub(super) const fn least(frames: bool) -> usize {
    if frames { 1 } else { WORD }
}

/// `data: ` and plain text, where a block may start; and what follows.
#[inline(always)]
pub(super) fn data(block: &[u8]) -> Option<(&str, &[u8])> {
    if block.len() < WORD || !Start::of(block).starts_with(DATA) {
        return None;
    }
    find::plain_text(&block[DATA.len..])
}

/// What follows a line end and a blank line.
#[inline(always)]
pub(super) fn blank(rest: &[u8]) -> Option<&[u8]> {
    if let [b'\n', b'\n', rest @ ..] = rest {
        return Some(rest);
    }
    let line = &rest[line_end(rest)..];
    if line.len() == rest.len() || line_end(line) == 0 { None } else { Some(&line[line_end(line)..]) }
}

/// A value, if its line ends in the chunk and it is valid UTF-8; whether it is plain; and what follows the line.
#[inline(always)]
fn value(rest: &[u8]) -> Option<(&str, bool, &[u8])> {
    let (text, after) = find::plain_text(rest)?;
    let end = line_end(after);
    if end > 0 || after.is_empty() {
        return if end > 0 { Some((text, true, &after[end..])) } else { None };
    }
    let (value, after) = rest.split_at(find::line_end(rest, text.len()));
    let end = line_end(after);
    if end == 0 { None } else { Some((utf8(value)?, false, &after[end..])) }
}

impl Parser {
    /// Reads a block of which nothing is in the buffers.
    #[inline(always)]
    pub(super) fn whole<'c, const FRAMES: bool>(&mut self, input: &mut &'c [u8]) -> Whole<'c> {
        if FRAMES && self.block.diagnose {
            return Whole::Declined;
        }
        let mut rest = *input;
        let (mut event, mut data, mut id, mut retry) = ("", None, None, None);
        // More than the limit of the event measures, where a type is replaced; and not less.
        let mut size = 0;
        loop {
            let start = Start::of(rest);
            let Some((kind, colon)) = start.field() else {
                if line_end(rest) > 0 {
                    break;
                }
                let (len, _) = find::line(rest);
                let end = line_end(&rest[len..]);
                if end == 0 || start.bare(len) != Kind::Unknown {
                    return Whole::Declined;
                }
                rest = &rest[len + end..];
                continue;
            };
            let Some((text, plain, after)) =
                rest.get(colon + usize::from(start.has_space(colon))..).and_then(value)
            else {
                return Whole::Declined;
            };
            match kind {
                Kind::Data if data.is_none() => data = Some(text),
                Kind::Event => event = text,
                Kind::Id if text.len() <= self.block.limits.id && (plain || !text.contains('\0')) => {
                    id = Some(text);
                    rest = after;
                    continue;
                }
                Kind::Retry if !FRAMES => retry = field::retry(text.as_bytes()).or(retry),
                Kind::Comment if !FRAMES => {}
                Kind::Comment | Kind::Retry
                    if rest.len() == input.len() && text.len() <= self.block.limits.event =>
                {
                    return self.alone(kind, text, after, input);
                }
                _ => return Whole::Declined,
            }
            size += text.len();
            rest = after;
        }
        if size > self.block.limits.event {
            return Whole::Declined;
        }
        self.consume(input, &rest[line_end(rest)..]);
        self.end_block(0);
        if let Some(id) = id {
            self.block.set_last_event_id(id);
        }
        if let Some(ms) = retry {
            self.block.retry = Some(Duration::from_millis(ms));
        }
        data.map_or(Whole::Block, |data| Whole::Event(event, data))
    }

    /// A line that is a frame, and the first of its block.
    #[inline(never)]
    fn alone<'c>(&mut self, kind: Kind, text: &'c str, rest: &'c [u8], input: &mut &'c [u8]) -> Whole<'c> {
        let whole = match kind {
            Kind::Comment => Whole::Comment(text),
            _ => match field::retry(text.as_bytes()) {
                Some(ms) => {
                    self.block.retry = Some(Duration::from_millis(ms));
                    Whole::Retry(Duration::from_millis(ms))
                }
                None => return Whole::Declined,
            },
        };
        self.consume(input, rest);
        whole
    }

    /// Skips blocks of one plain comment each, by which servers show that they are alive; false if the chunk ends in one.
    #[inline(never)]
    pub(super) fn comments(&mut self, input: &mut &[u8]) -> bool {
        let chunk = *input;
        let mut stops = Stops::new(chunk);
        let mut rest = chunk;
        let mut end = 0;
        while let [b':', ..] = rest {
            let at = chunk.len() - rest.len();
            end = stops.next(chunk, at);
            match blank(&chunk[end..]) {
                Some(next) if end - at <= self.block.limits.event => rest = next,
                _ => break,
            }
        }
        if rest.len() < chunk.len() {
            self.consume(input, rest);
            self.end_block(0);
        }
        end < chunk.len()
    }
}
