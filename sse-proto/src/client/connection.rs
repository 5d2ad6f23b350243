//! One connection that is open: its parser and its clocks.

use super::liveness::Clocks;
use super::{Cause, Config, Liveness, Progress};
use crate::decode::Completed;
use crate::{Error, Frame, Instant, Parser, Step};

/// All that belongs to one connection, so that none of it can meet the next.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) parser: Parser,
    /// What the parser completed last.
    step: Option<Step>,
    /// `None` if no silence is too long. Most connections have none, and are spared the time of day.
    clocks: Option<Clocks>,
}

/// Why an open connection cannot be read any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Dead(Cause),
    Failed(Error),
}

impl Connection {
    pub(super) fn new(config: &Config, last_event_id: &str) -> Self {
        let parser = Parser::with_last_event_id(last_event_id)
            .with_limits(config.limits)
            .with_flush(config.deliver_unterminated);
        let timed = config.idle_timeout != Liveness::Off || config.event_timeout.is_some();
        Self { parser, step: None, clocks: timed.then(Clocks::default) }
    }

    /// Reads up to the next frame. The time is asked for only where a clock starts or stops.
    #[inline]
    pub(super) fn read(
        &mut self,
        mut now: impl FnMut() -> Instant,
        input: &mut &[u8],
        config: &Config,
    ) -> Result<Progress, End> {
        if let Some(clocks) = &mut self.clocks {
            // Bytes that are there count before a deadline that has passed.
            if !input.is_empty() {
                clocks.data(&mut now, config);
            } else if let Some((at, cause)) = clocks.deadline(config)
                && at <= now()
            {
                return Err(End::Dead(cause));
            }
        }
        let step = self.parser.advance(input).map_err(End::Failed)?;
        self.step = Some(step);
        if let Some(clocks) = &mut self.clocks {
            match step.0 {
                // Too long an event is a sign of life of the producer, too.
                Completed::Line(_) | Completed::Event { .. } | Completed::Skipped { .. } => clocks.event(),
                Completed::Comment(_) => clocks.comment(),
                Completed::Retry(_) => {}
                Completed::Nothing if clocks.is_flooded(config) => {
                    return Err(End::Dead(Cause::EventTimeout));
                }
                Completed::Nothing => clocks.wait(now),
            }
        }
        Ok(match step.0 {
            Completed::Line(_) | Completed::Event { .. } => Progress::Event,
            Completed::Comment(_) => Progress::Comment,
            Completed::Retry(time) => Progress::Retry(time),
            Completed::Skipped { bytes } => Progress::Skipped { bytes },
            Completed::Nothing => {
                let deadline = self.clocks.as_ref().and_then(|clocks| clocks.deadline(config));
                Progress::NeedData { deadline: deadline.map(|(at, _)| at) }
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
