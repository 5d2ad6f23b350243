//! The driver of an `EventSource` in virtual time, which checks every output against the bytes that
//! the source has read.

use std::time::Duration;

use sse_proto::{Cause, CloseReason, EventSource, Frame, Instant, Liveness, Output, ReadyState, Verdict};

use super::super::super::reference::reference;
use super::super::super::transcript::{End, Said, Transcript};
use super::{HEARTBEAT, LIMITS};

/// How much of an ignored line is reported.
const IGNORED: usize = 1024;

pub(super) struct World {
    pub(super) source: EventSource,
    pub(super) now: Instant,
    pub(super) max_attempts: u32,
    pub(super) connection: Option<Connection>,
}

/// Input and output of one connection.
pub(super) struct Connection {
    last_event_id: String,
    bytes: Vec<u8>,
    said: Vec<Said>,
    /// The body ended: no byte after it counts.
    pub(super) over: bool,
    events: EventClock,
}

/// The naive twin of the clock that `event_timeout` sets: how long the driver waited since an event
/// that is not a heartbeat.
#[derive(Default)]
struct EventClock {
    since: Option<Instant>,
    eventless: Duration,
}

impl EventClock {
    /// Bytes end a wait, which counts as no longer than the timeout.
    fn data(&mut self, now: Instant, timeout: Duration) {
        if let Some(since) = self.since.take() {
            self.eventless += now.saturating_duration_since(since).min(timeout);
        }
    }

    /// When the time for an event is over.
    fn deadline(&self, timeout: Duration) -> Option<Instant> {
        Some(self.since? + timeout.saturating_sub(self.eventless))
    }
}

/// What the source asks its driver for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Asked {
    Connect(Option<Instant>),
    Data(Option<Instant>),
    Wait(Option<Instant>),
    Nothing(CloseReason),
}

impl Asked {
    pub(super) fn deadline(self) -> Option<Instant> {
        match self {
            Self::Connect(at) | Self::Data(at) | Self::Wait(at) => at,
            Self::Nothing(_) => None,
        }
    }
}

impl World {
    /// Answers the requests of the machine, up to a chunk of the body.
    pub(super) fn serve(&mut self, chunk: &[u8]) -> Asked {
        for _ in 0..3 {
            match self.settle(&[]) {
                Asked::Connect(_) => self.source.handle_verdict(Verdict::Open),
                Asked::Wait(Some(until)) => self.now = until,
                Asked::Wait(None) => self.source.resume(),
                Asked::Data(_) | Asked::Nothing(_) => break,
            }
        }
        self.settle(chunk)
    }

    /// Polls until the source asks for something, as every driver does; the answer is what it asks
    /// for.
    pub(super) fn settle(&mut self, chunk: &[u8]) -> Asked {
        let mut input = chunk;
        // Each line yields at most one frame, and the end of the response a few more.
        for _ in 0..chunk.len() + 8 {
            let before = self.source.ready_state();
            let last_event_id = self.source.last_event_id().to_owned();
            let unread = input;
            let config = self.source.config();
            let (event_timeout, idle_timeout) = (config.event_timeout(), config.idle_timeout());
            let (diagnostics, heartbeats) = (config.diagnostics(), !config.heartbeat_events().is_empty());
            if let (Some(timeout), Some(connection), false) =
                (event_timeout, &mut self.connection, unread.is_empty())
            {
                connection.events.data(self.now, timeout);
            }
            let output = self.source.poll(self.now, &mut input);
            let read = &unread[..unread.len() - input.len()];
            let (asked, said) = match output {
                Output::Connect { request, deadline } => {
                    assert!(request.attempt <= self.max_attempts);
                    assert!(request.last_event_id.is_none_or(|id| !id.is_empty() && !id.contains('\u{1}')));
                    (Some(Asked::Connect(deadline)), None)
                }
                Output::NeedData { deadline } => {
                    let events = &mut self.connection.as_mut().expect("it is open").events;
                    events.since.get_or_insert(self.now);
                    if let Some(at) = event_timeout.and_then(|timeout| events.deadline(timeout)) {
                        let deadline = deadline.expect("there is a limit");
                        assert!(deadline <= at, "{deadline:?}, and no event since {at:?}");
                        assert!(deadline == at || idle_timeout != Liveness::Off);
                    } else {
                        assert!(deadline.is_none() || idle_timeout != Liveness::Off);
                    }
                    (Some(Asked::Data(deadline)), None)
                }
                Output::Wait(until) => (Some(Asked::Wait(until)), None),
                Output::Closed(reason) => (Some(Asked::Nothing(reason)), None),
                Output::Frame(frame) => {
                    let connection = self.connection.as_mut().expect("it is open");
                    match connection.frame(frame, diagnostics, heartbeats) {
                        Some(said) => (None, Some(said)),
                        None => {
                            connection.read(read);
                            continue;
                        }
                    }
                }
                Output::Open => {
                    assert_eq!(
                        (before, self.source.ready_state()),
                        (ReadyState::Connecting, ReadyState::Open)
                    );
                    let (bytes, said, events) = (vec![], vec![], EventClock::default());
                    self.connection = Some(Connection { last_event_id, bytes, said, over: false, events });
                    continue;
                }
                Output::Disconnected { cause, attempt, .. } => {
                    assert!(input.is_empty() && (1..=self.max_attempts).contains(&attempt));
                    assert_eq!(self.source.ready_state(), ReadyState::Connecting);
                    self.disconnected(cause);
                    continue;
                }
            };
            if let Some(said) = said {
                assert_eq!(before, ReadyState::Open);
                let connection = self.connection.as_mut().expect("it is open");
                connection.read(read);
                connection.said.push(said);
            }
            if let Some(asked) = asked {
                assert!(input.is_empty(), "{asked:?} with bytes left");
                self.asked(asked, read);
                return asked;
            }
        }
        panic!("it never asks for anything");
    }

    /// Checks a lost connection: whether the time for an event is over, if that is the cause; and
    /// the end of a stream that ended cleanly.
    fn disconnected(&mut self, cause: Cause) {
        let connection = self.connection.take();
        if cause == Cause::EventTimeout {
            let timeout = self.source.config().event_timeout().expect("it is over");
            let events = &connection.as_ref().expect("it was open").events;
            assert!(
                events.eventless > 2 * timeout || events.deadline(timeout).is_some_and(|at| at <= self.now),
                "the time for an event is not over"
            );
        }
        if let (Some(connection), Cause::EndOfStream | Cause::EventCut) = (connection, cause) {
            connection.ended(&self.source);
        }
    }

    /// The reported events agree with the bytes of the connection so far.
    fn asked(&mut self, asked: Asked, read: &[u8]) {
        match (asked, &mut self.connection) {
            (Asked::Data(_), connection) => {
                let connection = connection.as_mut().expect("it is open");
                connection.read(read);
                let expected = connection.reference(&self.source);
                assert_eq!((&connection.said, expected.error), (&expected.said, None));
                assert_eq!(self.source.last_event_id(), expected.last_event_id);
            }
            (Asked::Nothing(CloseReason::Limit(error)), Some(connection)) => {
                connection.read(read);
                let expected = connection.reference(&self.source);
                assert_eq!((&connection.said, expected.error), (&expected.said, Some(error)));
                assert_eq!(self.source.last_event_id(), expected.last_event_id);
                self.connection = None;
            }
            (_, connection) => *connection = None,
        }
    }
}

impl Connection {
    /// Checks a frame; `None` for an ignored line, which no transcript has.
    fn frame(&mut self, frame: Frame<'_>, diagnostics: bool, heartbeats: bool) -> Option<Said> {
        match frame {
            Frame::Event(event) => {
                // Three bytes of U+FFFD take the place of one.
                assert!(event.data.len() + event.event.len() <= 3 * LIMITS.event() + "message".len());
                assert!(event.id.len() <= 3 * LIMITS.id());
                if !heartbeats || event.event != HEARTBEAT {
                    self.events.eventless = Duration::ZERO;
                }
            }
            Frame::Skipped { .. } => self.events.eventless = Duration::ZERO,
            Frame::Ignored(line) => {
                assert!(diagnostics && line.len() <= 3 * IGNORED && !line.is_empty());
                return None;
            }
            _ => {}
        }
        Some(frame.into())
    }

    fn reference(&self, source: &EventSource) -> Transcript {
        reference(
            &self.bytes,
            &self.last_event_id,
            source.config().limits(),
            source.config().deliver_unterminated(),
        )
    }

    fn read(&mut self, bytes: &[u8]) {
        if !self.over {
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn ended(&self, source: &EventSource) {
        let mut expected = self.reference(source);
        if let End::Flushed(event) = expected.end {
            expected.said.push(Said::Event(event));
        }
        assert_eq!(self.said, expected.said);
        assert_eq!(source.last_event_id(), expected.last_event_id);
    }

    /// What this bookkeeping takes at most, growth and texts included.
    pub(super) fn size(&self) -> i64 {
        (self.last_event_id.capacity()
            + self.bytes.capacity()
            + self.said.capacity() * 64
            + 3 * self.bytes.len()
            + 4096) as i64
    }
}
