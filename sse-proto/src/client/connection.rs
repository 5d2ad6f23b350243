//! One connection that is open: its parser and its clocks.

use super::liveness::Clocks;
use super::{Cause, Config, Progress};
use crate::{Error, Frame, Instant, Parser, Step};

/// All that belongs to one connection, so that none of it can meet the next.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) parser: Parser,
    /// What the parser completed last.
    step: Option<Step>,
    clocks: Clocks,
}

/// Why an open connection cannot be read any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Dead(Cause),
    Failed(Error),
}

impl Connection {
    pub(super) fn new(config: &Config, last_event_id: &str) -> Self {
        let parser =
            Parser::with_last_event_id(last_event_id).with_limits(config.limits).with_flush(config.flush);
        Self { parser, step: None, clocks: Clocks::default() }
    }

    #[inline]
    pub(super) fn read(&mut self, now: Instant, input: &mut &[u8], config: &Config) -> Result<Progress, End> {
        let chunk = *input;
        // Bytes that are there count before a deadline that has passed.
        if !chunk.is_empty() {
            self.clocks.data(now, config);
        } else if let Some((at, cause)) = self.clocks.deadline(config)
            && at <= now
        {
            return Err(End::Dead(cause));
        }
        let step = self.parser.advance(input).map_err(End::Failed)?;
        self.step = Some(step);
        Ok(match self.parser.borrow(step, chunk) {
            Some(Frame::Event(_)) => {
                self.clocks.event();
                Progress::Event
            }
            Some(Frame::Comment(_)) => {
                self.clocks.comment();
                Progress::Comment
            }
            Some(Frame::Retry(time)) => Progress::Retry(time),
            Some(Frame::Skipped { bytes }) => {
                // Too long, but a sign of life of the producer.
                self.clocks.event();
                Progress::Skipped { bytes }
            }
            None if self.clocks.is_flooded(config) => return Err(End::Dead(Cause::EventTimeout)),
            None => {
                self.clocks.wait(now);
                Progress::NeedData { deadline: self.clocks.deadline(config).map(|(at, _)| at) }
            }
        })
    }

    /// The frame of the last read, whose chunk the caller vouches for.
    #[inline]
    pub(super) fn borrow<'a, 'c: 'a>(&'a self, chunk: &'c [u8]) -> Option<Frame<'a>> {
        self.parser.borrow(self.step?, chunk)
    }

    /// The frame of the last read.
    #[inline]
    pub(super) fn frame<'a, 'c: 'a>(&'a self, chunk: &'c [u8]) -> Option<Frame<'a>> {
        self.parser.frame(self.step?, chunk)
    }
}
