//! The plain path: every line there can be, one after the other.

use core::mem;
use core::time::Duration;

use super::block::{Len, Place};
use super::cut::State;
use super::event::Completed;
use super::field;
use super::parser::{Parser, Phase};
use super::scan::{self, Name};
use super::take::{Became, Taken};
use crate::Error;

/// What of a block lies in the chunk that is being read.
#[derive(Clone, Copy)]
struct Here {
    data: Option<Place>,
    event: Place,
}

impl Parser {
    /// Reads until a frame is completed. Without `FRAMES` that is an event, or nothing. `fast` unless the fast path was
    /// tried before; `seen` is what that is to know, see [`fast::event`].
    #[inline(never)]
    pub(super) fn step<const FRAMES: bool>(
        &mut self,
        input: &mut &[u8],
        mut fast: bool,
        mut seen: Option<usize>,
    ) -> Result<Completed, Error> {
        let chunk = *input;
        let completed = loop {
            self.clear_stale();
            if !FRAMES {
                self.consumed += (chunk.len() - input.len()) as u64;
                self.skip_comments(input);
                self.consumed -= (chunk.len() - input.len()) as u64;
            }
            if self.phase == Phase::Block {
                if input.is_empty() {
                    self.block.shrink();
                    break Ok(Completed::Nothing);
                }
                if fast && input[0] != b':' {
                    self.consumed += (chunk.len() - input.len()) as u64;
                    match self.take_block(input, seen.take()) {
                        Taken::Event(whole) => return Ok(whole.places(chunk)),
                        Taken::Start | Taken::Nothing => {}
                    }
                    self.consumed -= (chunk.len() - input.len()) as u64;
                }
            }
            if self.state == State::Value(Name::Data) {
                self.consumed += (chunk.len() - input.len()) as u64;
                match self.take_data(input, scan::piece(input)) {
                    Became::Taken => return Ok(Completed::Nothing),
                    Became::Event => {
                        return Ok(Completed::Event { event: Place::Buffer, data: Place::Buffer });
                    }
                    Became::Left => {}
                }
                self.consumed -= (chunk.len() - input.len()) as u64;
            }
            let progress = if self.phase != Phase::Unready {
                self.read_lines::<FRAMES>(chunk, input)
            } else {
                self.resume::<FRAMES>(chunk, input)
            };
            match progress {
                Ok(Some(completed)) => break Ok(completed),
                Ok(None) => fast = true,
                Err(error) => {
                    if let Err(error) = self.overflow(error) {
                        *input = &[];
                        break Err(error);
                    }
                }
            }
        };
        self.consumed += (chunk.len() - input.len()) as u64;
        completed
    }

    /// Reads the lines that lie whole in what is left of the chunk, and the start of the one that does not.
    #[inline]
    fn read_lines<'c, const FRAMES: bool>(
        &mut self,
        chunk: &'c [u8],
        input: &mut &'c [u8],
    ) -> Result<Option<Completed>, Error> {
        let mut at = chunk.len() - input.len();
        // What of the block is in the chunk. All of it, for most; then nothing is written but the event itself.
        let mut here = Here { data: None, event: Place::Buffer };
        let mut len = self.block.len;
        let completed = loop {
            let line = match scan::line(chunk, at) {
                Ok(line) => line,
                Err(cut) => break Err(cut),
            };
            at = line.next;
            let value = &chunk[line.start..line.end];
            let mut limit = self.block.limits.event;
            let taken = match line.name {
                Name::Data => {
                    if here.data.is_none() && !self.block.has_data() && line.is_utf8(value) {
                        here.data = Some(Place::Chunk(line.start, line.end));
                        len.data = value.len();
                    } else {
                        if let Some(Place::Chunk(start, end)) = here.data.take() {
                            self.block.push_data(&chunk[start..end], true);
                        }
                        len.data += usize::from(self.block.has_data()) + value.len();
                        self.block.push_data(value, line.ascii);
                    }
                    len.data + len.event
                }
                Name::Blank => {
                    self.block.commit_id();
                    self.block_start = self.consumed + at as u64;
                    let in_buffers = self.block.has_data() || self.block.has_event();
                    if let Some(data) = here.data.or(self.block.has_data().then_some(Place::Buffer)) {
                        self.block.len = Len::default();
                        self.phase = Phase::Block;
                        if in_buffers {
                            self.set_stale();
                        }
                        break Ok(Completed::Event { event: here.event, data });
                    }
                    if in_buffers {
                        self.block.clear_event();
                    }
                    self.phase = Phase::Block;
                    self.block.len = Len::default();
                    *input = &chunk[at..];
                    if input.is_empty() {
                        self.expect_lf(chunk);
                    }
                    return Ok(None);
                }
                Name::Event => {
                    if self.block.has_event() {
                        self.block.clear_event();
                    }
                    here.event = Place::Chunk(line.start, line.end);
                    if value.is_empty() || !line.is_utf8(value) {
                        here.event = Place::Buffer;
                        self.block.set_event(value, line.ascii);
                    }
                    len.event = value.len();
                    len.data + len.event
                }
                Name::Id => {
                    limit = self.block.limits.id;
                    if value.len() <= limit {
                        self.block.set_id(value, line.ascii);
                    }
                    value.len()
                }
                Name::Comment if FRAMES && value.len() <= limit => {
                    let comment = if line.is_utf8(value) {
                        Place::Chunk(line.start, line.end)
                    } else {
                        self.block.set_comment(value);
                        Place::Buffer
                    };
                    break Ok(Completed::Comment(comment));
                }
                Name::Retry if value.len() <= limit => {
                    match field::retry(value).and_then(|ms| self.set_retry(ms)) {
                        Some(retry) if FRAMES => break Ok(retry),
                        _ => continue,
                    }
                }
                Name::Comment | Name::Retry => value.len(),
                Name::Skipped | Name::Unknown => continue,
            };
            if taken > limit {
                *input = &chunk[at..];
                if input.is_empty() {
                    self.expect_lf(chunk);
                }
                return Err(match line.name {
                    Name::Id => Error::IdTooLong { limit },
                    _ => Error::EventTooLong { limit },
                });
            }
        };
        *input = &chunk[at..];
        if input.is_empty() {
            self.expect_lf(chunk);
        }
        match completed {
            Ok(Completed::Event { .. }) => {}
            Ok(completed) => {
                self.spill(here, len, chunk);
                if completed == Completed::Comment(Place::Buffer) {
                    self.phase = Phase::Unready;
                }
            }
            Err(cut) => {
                self.spill(here, len, chunk);
                self.block.clear_value();
                let rest = mem::take(input);
                if !rest.is_empty() {
                    self.phase = Phase::Unready;
                    match cut.field {
                        Some((name, start)) => self.feed_value(name, &chunk[start..], cut.ascii)?,
                        None => self.feed(rest, cut.ascii)?,
                    }
                }
                self.block.shrink();
            }
        }
        Ok(Some(completed.unwrap_or(Completed::Nothing)))
    }

    /// Copies what lies in the chunk, which is about to go.
    fn spill(&mut self, here: Here, len: Len, chunk: &[u8]) {
        self.block.len = len;
        if let Some(Place::Chunk(start, end)) = here.data {
            self.block.push_data(&chunk[start..end], true);
        }
        if let Place::Chunk(start, end) = here.event {
            self.block.set_event(&chunk[start..end], true);
        }
        if !self.block.is_empty() {
            self.phase = self.phase.min(Phase::Line);
        }
    }

    /// If the chunk ends with the CR of a line end, an LF that starts the next one belongs to it.
    #[inline]
    pub(super) fn expect_lf(&mut self, chunk: &[u8]) {
        if chunk.last() == Some(&b'\r') {
            self.lines.expect_lf();
            self.phase = Phase::Unready;
        }
    }

    /// Does what has to be done before lines can be read whole: goes on with what the last chunk cut.
    fn resume<'c, const FRAMES: bool>(
        &mut self,
        chunk: &'c [u8],
        input: &mut &'c [u8],
    ) -> Result<Option<Completed>, Error> {
        match self.state {
            State::Value(_) | State::Head { .. } => return self.resume_line::<FRAMES>(input),
            State::Failed(error) => return Err(error),
            State::Line | State::Skipping { .. } => {}
        }
        if self.block.is_stale() {
            self.block.clear();
        }
        self.block.clear_value();
        let start = self.position(chunk, input);
        let line_start = self.lines.clear(input);
        if self.block_start == start {
            self.block_start = self.position(chunk, input);
        }
        if let Some(bytes) = line_start {
            self.block_start -= bytes.len() as u64;
            self.feed(bytes, false)?;
        }
        if input.is_empty() {
            self.block.shrink();
            return Ok(Some(Completed::Nothing));
        }
        match self.state {
            State::Skipping { in_line } => Ok(self.skip::<FRAMES>(in_line, chunk, input)),
            State::Line => {
                self.phase = if self.block.is_empty() { Phase::Block } else { Phase::Line };
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// Consumes the LF that belongs to a CR at the end of the chunk before, if nothing else has to be looked at.
    #[inline]
    pub(super) fn clear_cr(&mut self, input: &mut &[u8]) {
        if self.phase == Phase::Unready && self.state == State::Line && self.lines.is_after_cr() {
            self.clear_cr_at_once(input);
        }
    }

    #[inline(never)]
    fn clear_cr_at_once(&mut self, input: &mut &[u8]) {
        if input.is_empty() || self.block.is_large() || self.block.is_value_large() {
            return;
        }
        if self.block.is_stale() {
            self.block.clear();
        }
        let start = self.consumed;
        if self.lines.take_lf(input) {
            self.consumed += 1;
        }
        if self.block_start == start {
            self.block_start = self.consumed;
        }
        self.phase = if self.block.is_empty() { Phase::Block } else { Phase::Line };
    }

    /// The event in the buffers is handed out.
    #[inline]
    pub(super) fn set_stale(&mut self) {
        self.block.set_stale();
        // What a giant event leaves behind is looked after by the long way.
        self.phase = if self.block.is_large() { Phase::Unready } else { Phase::Stale };
    }

    /// Clears the buffers of an event that was handed out.
    #[inline]
    pub(super) fn clear_stale(&mut self) {
        if self.phase == Phase::Stale {
            self.block.clear();
            self.phase = Phase::Block;
        }
    }

    /// The reconnection time applies at once, whatever becomes of the block.
    pub(super) fn set_retry(&mut self, ms: u64) -> Option<Completed> {
        let time = Duration::from_millis(ms);
        self.retry = Some(time);
        Some(Completed::Retry(time))
    }

    /// How many bytes of the stream are consumed.
    pub(super) fn position(&self, chunk: &[u8], input: &[u8]) -> u64 {
        self.consumed + (chunk.len() - input.len()) as u64
    }
}
