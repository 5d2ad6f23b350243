//! Inputs of the machine: from the network, and from the application.

use core::time::Duration;

use super::super::state::State;
use super::EventSource;
use crate::{Cause, CloseReason, ErrorKind, Finish, Message, ResponseHead, Verdict};

impl EventSource {
    /// Reports that the response to the request began; [`Config::verdict`](crate::Config::verdict)
    /// decides whether it is accepted.
    pub fn handle_response(&mut self, head: ResponseHead<'_>) {
        self.handle_verdict(self.config.verdict(&head));
    }

    /// Reports that the response to the request began, and that the caller decided whether it is
    /// accepted.
    ///
    /// Without a request under way this and the other `handle_` methods do nothing.
    pub fn handle_verdict(&mut self, verdict: Verdict) {
        if let State::Connecting { .. } = self.state {
            self.state = match verdict {
                Verdict::Open => State::Accepted,
                Verdict::Retry { status, after } => {
                    State::Lost { cause: Cause::Status(status), retry_after: after }
                }
                Verdict::Close(reason) => State::Closed(reason),
            };
        }
    }

    /// Reports that the response ended cleanly. Call it only after `NeedData`: bytes that were not
    /// polled yet are lost.
    pub fn handle_eof(&mut self) {
        let mut cause = Cause::EndOfStream;
        if let State::Open(connection) = &self.state {
            if connection.received {
                self.attempts.ended_cleanly();
            }
            match self.parser.finish() {
                Finish::Complete => {}
                Finish::Dropped => cause = Cause::EventCut,
                Finish::Flushed(event) => {
                    let event = Message::from(event);
                    return self.leave(State::Ending { event, delivered: false });
                }
            }
        }
        if self.is_under_way() {
            self.leave(State::Lost { cause, retry_after: None });
        }
    }

    /// Reports that the request could not be sent, or that its response broke off.
    pub fn handle_error(&mut self, kind: ErrorKind) {
        if !self.is_under_way() {
            return;
        }
        let cause = match kind {
            ErrorKind::Fatal => return self.leave(State::Closed(CloseReason::Transport)),
            // A response shows that the request was sent.
            _ if !matches!(self.state, State::Connecting { .. }) => match self.parser.finish() {
                Finish::Complete => Cause::Transport,
                Finish::Dropped | Finish::Flushed(_) => Cause::TransportCut,
            },
            ErrorKind::Retryable => Cause::Transport,
            ErrorKind::NotSent => Cause::NotSent,
            ErrorKind::ConnectTimeout => Cause::ConnectTimeout,
            ErrorKind::HeadTimeout => Cause::HeadTimeout,
        };
        self.leave(State::Lost { cause, retry_after: None });
    }

    /// Closes the source for good: nothing more is delivered, not even from a chunk that was read
    /// in part.
    pub fn close(&mut self) {
        if !matches!(self.state, State::Closed(_)) {
            self.leave(State::Closed(CloseReason::Caller));
        }
    }

    /// Drops the connection until [`resume`](Self::resume), for example while a page is hidden, or
    /// while a push service holds the stream for a sleeping device (9.2.8). No `Disconnected`
    /// follows, because the application caused it.
    ///
    /// A request that was sent and may not be [repeated](crate::Repeat) closes the source instead.
    pub fn suspend(&mut self) {
        self.suspended = true;
        if self.is_under_way() {
            self.leave(if self.may_repeat(Cause::Suspended) {
                State::Due
            } else {
                State::Closed(CloseReason::NotRepeated(Cause::Suspended))
            });
        }
    }

    /// Ends a suspension. The request is sent at once, unless an announced delay is still running.
    pub fn resume(&mut self) {
        self.suspended = false;
    }

    /// After `Disconnected`: replaces the announced delay with `after`, counted from the
    /// disconnection. At any other time it has no effect.
    ///
    /// The delay is not bounded; [`Duration::ZERO`] connects at once.
    pub fn retry_after(&mut self, after: Duration) {
        if let State::Waiting { delay, .. } = &mut self.state {
            *delay = after;
        }
    }
}
