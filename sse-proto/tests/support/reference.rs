//! The naive twin with everything that the parser adds to the specification: limits, comments,
//! order, the end.

use std::time::Duration;

use sse_proto::{Error, Limits, Overflow};

use super::owned;
use super::transcript::{End, Said, Transcript};

/// A block as far as it was read, in bytes as they came.
#[derive(Clone, Default)]
struct Block {
    data: Option<Vec<u8>>,
    event: Vec<u8>,
    id: Option<String>,
    /// Over a limit: nothing but its blank line is looked for.
    skipping: bool,
}

/// Reads a whole stream, line by line.
pub fn reference(stream: &[u8], last_event_id: &str, limits: Limits, flush: bool) -> Transcript {
    let mut out = Transcript { last_event_id: last_event_id.into(), ..Transcript::default() };
    let mut rest = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let mut block = Block::default();
    let mut block_bytes = 0;
    while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        let next = if rest[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
        let line = &rest[..end];
        rest = &rest[next..];
        if line.is_empty() {
            block.dispatch(block_bytes, &mut out);
            (block, block_bytes) = (Block::default(), 0);
            continue;
        }
        block_bytes += next as u64;
        match block.take(line, limits) {
            Ok(None) => {}
            Ok(Some(said)) => {
                if let Said::Retry(time) = said {
                    out.retry = Some(time);
                }
                out.said.push(said);
            }
            Err(error) if limits.overflow() == Overflow::Fail => return out.failed(error),
            Err(_) => block = Block { skipping: true, ..Block::default() },
        }
    }
    out.end(block, rest, limits, flush)
}

impl Block {
    fn take(&mut self, line: &[u8], limits: Limits) -> Result<Option<Said>, Error> {
        if self.skipping {
            return Ok(None);
        }
        let (name, value) = match line.iter().position(|&byte| byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let text = String::from_utf8_lossy(value);
        let mut long = value.len() > limits.event();
        let mut said = None;
        match name {
            b"data" => {
                self.data = Some(match self.data.take() {
                    Some(data) => [&data, &b"\n"[..], value].concat(),
                    None => value.to_vec(),
                });
            }
            b"event" => self.event = value.to_vec(),
            b"id" if value.len() > limits.id() => return Err(Error::IdTooLong { limit: limits.id() }),
            b"id" => {
                if !text.contains('\0') {
                    self.id = Some(text.into_owned());
                }
                return Ok(None);
            }
            b"" => said = Some(Said::Comment(text.into_owned())),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                said = Some(Said::Retry(Duration::from_millis(text.parse().unwrap_or(u64::MAX))));
            }
            b"retry" => {}
            _ => return Ok(None),
        }
        if matches!(name, b"data" | b"event") {
            long = self.data.as_ref().map_or(0, Vec::len) + self.event.len() > limits.event();
        }
        if long { Err(Error::EventTooLong { limit: limits.event() }) } else { Ok(said) }
    }

    fn dispatch(self, bytes: u64, out: &mut Transcript) {
        if self.skipping {
            out.said.push(Said::Skipped(bytes));
            out.skipped += 1;
            return;
        }
        if let Some(id) = self.id {
            out.last_event_id = id;
        }
        if let Some(data) = self.data {
            out.said.push(Said::Event(event(&self.event, &data, &out.last_event_id)));
        }
    }
}

fn event(event: &[u8], data: &[u8], id: &str) -> super::Owned {
    let event = if event.is_empty() { b"message" } else { event };
    owned(&String::from_utf8_lossy(event), &String::from_utf8_lossy(data), id)
}

impl Transcript {
    fn failed(self, error: Error) -> Self {
        Self { error: Some(error), end: End::Dropped, ..self }
    }

    /// The stream is over, in a line that has no end or, if that is empty, between two lines.
    fn end(mut self, mut block: Block, line: &[u8], limits: Limits, flush: bool) -> Self {
        let begun = block.skipping || block.data.is_some() || !block.event.is_empty() || block.id.is_some();
        let taken = block.take(line, limits);
        // A comment is not part of an event, unless it is over its limit.
        let cut = line.first().is_some_and(|&byte| byte != b':') || taken.is_err();
        // The kind of a line, and so its limit, is known at the byte after its colon.
        let known = line.split_last().is_some_and(|(_, head)| head.contains(&b':'));
        self.end = match (taken, block.data) {
            (Err(error), _) if known && limits.overflow() == Overflow::Fail => return self.failed(error),
            (Ok(_), Some(data)) if flush => End::Flushed(event(&block.event, &data, &self.last_event_id)),
            _ if begun || cut => End::Dropped,
            _ => End::Complete,
        };
        self
    }
}
