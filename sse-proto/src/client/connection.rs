//! State of one open connection apart from its parser: its clocks, and whether bytes arrived.

use alloc::boxed::Box;

use super::liveness::Clocks;
use super::{Cause, Config, Liveness};
use crate::decode::{Done, Read};
use crate::{Frame, Instant, Step};

#[derive(Debug)]
pub(super) struct Connection {
    /// Whether bytes of the body have arrived.
    pub(super) received: bool,
    /// The clocks of the connection; `None` if the settings limit no silence. Most connections have
    /// none, and never read the time.
    pub(super) clocks: Option<Box<Clocks>>,
}

impl Connection {
    pub(super) fn new(config: &Config) -> Self {
        let timed = config.idle_timeout != Liveness::Off || config.event_timeout.is_some();
        Self { received: false, clocks: timed.then(Box::default) }
    }
}

#[cfg(feature = "stream")]
impl Connection {
    /// Whether a frame would change none of the connection's clocks.
    #[inline]
    pub(super) fn is_quiet(&self) -> bool {
        self.clocks.as_ref().is_none_or(|clocks| clocks.is_quiet())
    }

    /// Whether a clock counts how long the driver has waited for bytes.
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        self.clocks.as_ref().is_some_and(|clocks| clocks.is_waiting())
    }
}

impl Clocks {
    /// Checks the clocks before bytes are parsed, or when there are none: returns why the
    /// connection counts as dead, if it does. Reads the time only if a running clock has to be
    /// stopped.
    pub(super) fn before(
        &mut self,
        mut now: impl FnMut() -> Instant,
        input: &[u8],
        config: &Config,
    ) -> Option<Cause> {
        // Available bytes take precedence over a deadline that has passed.
        if !input.is_empty() {
            self.data(&mut now, config);
            return None;
        }
        self.deadline(config).filter(|&(at, _)| at <= now()).map(|(_, cause)| cause)
    }

    /// Checks the clocks after bytes were parsed: returns why the connection counts as dead, if it
    /// does. Reads the time only if a clock has to be started.
    pub(super) fn after<'a>(
        &mut self,
        now: impl FnMut() -> Instant,
        step: Step,
        config: &Config,
        frame: impl FnOnce() -> Option<Frame<'a>>,
    ) -> Option<Cause> {
        let is_heartbeat = || match frame() {
            Some(Frame::Event(event)) => config.heartbeat_events.iter().any(|kind| kind == event.event),
            _ => false,
        };
        match step.0 {
            Read::Comment(_) | Read::Pushed(Done::Comment) => self.comment(),
            Read::Pushed(Done::Retry | Done::Ignored) => {}
            Read::Pushed(Done::NeedData) if self.is_flooded(config) => return Some(Cause::EventTimeout),
            Read::Pushed(Done::NeedData) => self.wait(now),
            _ if !config.heartbeat_events.is_empty() && is_heartbeat() => self.comment(),
            // An event over its limit is also a sign that the producer is alive.
            _ => self.event(),
        }
        None
    }
}
