//! Transitions of the machine: what a poll does in each state.

use core::time::Duration;

use super::super::connection::Connection;
use super::super::state::State;
use super::EventSource;
use crate::decode::{Done, Read};
use crate::{Cause, CloseReason, Config, Instant, Parser, Polled, Progress, Repeat, Step};

impl EventSource {
    /// [`advance`](Self::advance) with a clock that is read only if needed.
    #[inline]
    pub(super) fn advance_at(&mut self, mut now: impl FnMut() -> Instant, input: &mut &[u8]) -> Progress {
        let State::Open(connection) = &mut self.state else { return self.advance_else(now(), input) };
        if let Some(clocks) = &mut connection.clocks
            && let Some(cause) = clocks.before(&mut now, input, &self.config)
        {
            return self.lose(now(), cause, input);
        }
        let chunk = *input;
        let step = match self.parser.advance(input) {
            Ok(step) => step,
            Err(error) => {
                self.leave(State::Closed(CloseReason::Limit(error)));
                return self.advance_else(now(), input);
            }
        };
        if let Some(clocks) = &mut connection.clocks
            && let Some(cause) = clocks.after(&mut now, step, &self.config, || self.parser.frame(step, chunk))
        {
            return self.lose(now(), cause, input);
        }
        match step.0 {
            Read::Pushed(Done::NeedData) => {
                connection.received |= !chunk.is_empty();
                let deadline = connection.clocks.as_ref().and_then(|clocks| clocks.deadline(&self.config));
                return Polled::NeedData { deadline: deadline.map(|(at, _)| at) };
            }
            Read::Pushed(Done::Retry) => self.retry = self.parser.retry(),
            Read::Comment(_) | Read::Pushed(Done::Comment | Done::Ignored | Done::Skipped) => {}
            _ => self.attempts.succeeded(),
        }
        connection.received = true;
        Polled::Frame(step)
    }

    /// Ends the open connection, which counts as dead for `cause`.
    #[cold]
    fn lose(&mut self, now: Instant, cause: Cause, input: &mut &[u8]) -> Progress {
        self.leave(State::Lost { cause, retry_after: None });
        self.advance_else(now, input)
    }

    /// Advances the machine in every state other than an open connection.
    #[inline(never)]
    fn advance_else(&mut self, now: Instant, input: &mut &[u8]) -> Progress {
        self.attempts.ended(now, &self.config.policy);
        // With `Accepted` a driver may pass bytes that arrived with the head.
        if !matches!(self.state, State::Accepted) {
            *input = &[];
        }
        match &mut self.state {
            State::Due | State::Connecting { .. } | State::Waiting { .. } if self.suspended => {
                Polled::Wait(None)
            }
            State::Due => {
                self.state = State::Connecting { since: now };
                Polled::Connect { request: (), deadline: self.head_deadline(now) }
            }
            State::Connecting { since } => {
                let since = *since;
                let deadline = self.head_deadline(since);
                if deadline.is_some_and(|deadline| deadline <= now) {
                    return self.disconnect(now, Cause::HeadTimeout, None);
                }
                Polled::Connect { request: (), deadline }
            }
            State::Accepted => {
                self.state = State::Open(Connection::new(&self.config));
                self.attempts.opened(now);
                Polled::Open
            }
            State::Ending { delivered: delivered @ false, .. } => {
                *delivered = true;
                self.attempts.succeeded();
                Polled::Frame(Step(Read::Pushed(Done::NeedData)))
            }
            State::Ending { .. } => self.disconnect(now, Cause::EndOfStream, None),
            State::Lost { cause, retry_after } => {
                let (cause, retry_after) = (*cause, *retry_after);
                self.disconnect(now, cause, retry_after)
            }
            State::Waiting { since, delay } => {
                let until = *since + *delay;
                if now < until {
                    return Polled::Wait(Some(until));
                }
                self.state = State::Due;
                self.advance_else(now, input)
            }
            State::Closed(reason) => Polled::Closed(*reason),
            State::Open(_) => unreachable!("`advance_at` reads an open connection"),
        }
    }

    fn head_deadline(&self, since: Instant) -> Option<Instant> {
        self.config.head_timeout.map(|timeout| since + timeout)
    }

    /// Ends the connection or attempt: schedules the next attempt, or closes the source.
    fn disconnect(&mut self, now: Instant, cause: Cause, retry_after: Option<Duration>) -> Progress {
        let policy = &self.config.policy;
        let (retry, random) = (self.retry, self.random.next());
        let next = if self.may_repeat(cause) {
            let delay = |attempt| policy.delay(attempt, retry, retry_after, random);
            let attempts = self.attempts.failed();
            self.attempts.next(now, policy, delay).ok_or(CloseReason::GaveUp { cause, attempts })
        } else {
            Err(CloseReason::NotRepeated(cause))
        };
        match next {
            Ok((attempt, delay)) => {
                self.state = State::Waiting { since: now, delay };
                Polled::Disconnected { cause, attempt, delay }
            }
            Err(reason) => {
                self.state = State::Closed(reason);
                Polled::Closed(reason)
            }
        }
    }

    /// Leaves a state in which there may be a connection. Only the last event ID is kept: no byte
    /// of a dead connection meets the first byte of the next.
    pub(super) fn leave(&mut self, next: State) {
        if let State::Open(_) = self.state {
            self.parser = parser(&self.config, self.parser.last_event_id());
        }
        self.state = next;
    }

    /// Whether a request was sent whose response has neither ended nor failed.
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.state, State::Connecting { .. } | State::Accepted | State::Open(_))
    }

    /// Whether the request is sent again after `cause`.
    pub(super) fn may_repeat(&self, cause: Cause) -> bool {
        match self.config.repeat.unwrap_or_default() {
            Repeat::Never => false,
            Repeat::IfResumable => self.sendable_id().is_some(),
            Repeat::IfRefused => cause.is_refusal(),
            Repeat::Always => true,
        }
    }
}

/// A parser for the next connection, which starts with this last event ID.
pub(super) fn parser(config: &Config, last_event_id: &str) -> Parser {
    Parser::with_last_event_id(last_event_id)
        .with_limits(config.limits)
        .with_deliver_unterminated(config.deliver_unterminated)
        .with_diagnostics(config.diagnostics)
}
