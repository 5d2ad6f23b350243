//! The machine stays consistent, whatever driver, server and application do, in any order.

use std::time::Duration;

use sse_proto::{
    Cause, CloseReason, Config, ErrorKind, EventSource, Frame, Instant, Jitter, Limits, Liveness, Output,
    Overflow, ReadyState, ReconnectPolicy, Repeat, ResponseHead, Verdict,
};

use super::super::reference::reference;
use super::super::transcript::{End, Said};
use super::Input;

#[derive(Clone, Debug)]
pub enum Op {
    /// Sleeps this many milliseconds.
    Sleep(u64),
    Poll,
    Read(Vec<u8>),
    /// The world answers every request, up to a chunk of the body.
    Serve(Vec<u8>),
    Response(u16, Option<String>),
    Verdict(Verdict),
    Eof,
    Error(ErrorKind),
    Suspend,
    Resume,
    RetryAfter(u64),
    Close,
}

pub const LIMITS: Limits = Limits::new().with_event(32).with_id(16).with_overflow(Overflow::Fail);

/// The type of the events that are keep-alives, where there are any.
pub const HEARTBEAT: &str = "add";

/// How much of an ignored line is reported.
const IGNORED: usize = 1024;

/// Arbitrary operations on a machine, in virtual time.
///
/// Input: eight bytes of configuration, then operations, each a letter and what it takes.
pub fn client(input: &[u8]) {
    let mut input = Input::new(input);
    let config = config(&mut input);
    let ops: Vec<Op> = std::iter::from_fn(|| op(&mut input)).take(500).collect();
    run(config, &ops, || 0);
}

fn config(input: &mut Input<'_>) -> Config {
    let flags = input.byte();
    let seconds = |byte: u8| (byte != 0).then(|| Duration::from_secs(byte.into()));
    let policy = ReconnectPolicy::default()
        .with_factor(u32::from(flags & 3))
        .with_jitter([Jitter::None, Jitter::Full, Jitter::Equal, Jitter::None][usize::from(flags >> 2 & 3)])
        .with_max_attempts(u32::from(input.byte() % 10) + 1)
        .with_max_elapsed(seconds(input.byte()));
    let repeat = [None, Some(Repeat::IfRefused), Some(Repeat::IfResumable), Some(Repeat::Never)];
    let activity = input.byte();
    let overflow = if flags & 0x40 == 0 { Overflow::Fail } else { Overflow::Skip };
    let (head_timeout, event_timeout) = (seconds(input.byte()), seconds(input.byte()));
    let last = input.byte();
    Config::default()
        .with_policy(policy)
        .with_repeat(repeat[usize::from(flags >> 4 & 3)])
        .with_retry_status(vec![503])
        .with_head_timeout(head_timeout)
        .with_idle_timeout(match activity {
            0 => Liveness::Off,
            255 => Liveness::Adaptive,
            timeout => Liveness::After(Duration::from_secs(timeout.into())),
        })
        .with_event_timeout(event_timeout)
        .with_limits(LIMITS.with_overflow(overflow))
        .with_deliver_unterminated(flags & 0x80 != 0)
        .with_last_event_id(["", "before", "a\u{1}", "é"][usize::from(last & 3)])
        .with_heartbeat_events((last & 0x10 != 0).then_some(HEARTBEAT))
        .with_diagnostics(last & 0x20 != 0)
}

fn op(input: &mut Input<'_>) -> Option<Op> {
    if input.is_empty() {
        return None;
    }
    Some(match input.byte() {
        b'w' => Op::Sleep(u64::from(input.byte()) * 500),
        b'p' => Op::Poll,
        b'r' => Op::Read(input.counted().to_vec()),
        b's' => Op::Serve(input.counted().to_vec()),
        b'h' => {
            let status = [200, 204, 503, 404, 301][usize::from(input.byte() % 5)];
            Op::Response(status, Some(input.text()).filter(|after| !after.is_empty()))
        }
        b'v' => Op::Verdict(match input.byte() {
            0 => Verdict::Close(CloseReason::Rejected),
            1 => Verdict::Retry { status: 429, after: None },
            after @ 2..128 => Verdict::Retry { status: 503, after: Some(Duration::from_secs(after.into())) },
            _ => Verdict::Open,
        }),
        b'e' => Op::Eof,
        b'x' => Op::Error(ErrorKind::Retryable),
        b'f' => Op::Error(ErrorKind::Fatal),
        b'z' => Op::Suspend,
        b'y' => Op::Resume,
        b'a' => Op::RetryAfter(u64::from(input.byte()) * 1000),
        b'c' => Op::Close,
        _ => Op::Poll,
    })
}

/// Does all of it; `live` says how many bytes are allocated.
pub fn run(config: Config, ops: &[Op], live: impl Fn() -> i64) {
    let before = live();
    let mut world = World {
        max_attempts: config.policy().max_attempts().expect("always set here"),
        source: EventSource::new(config, 3),
        now: Instant::ZERO,
        connection: None,
    };
    let mut closed = None;
    for op in ops {
        let mut asked = None;
        match op {
            Op::Sleep(time) => world.now += Duration::from_millis(*time),
            Op::Poll => asked = Some(world.settle(&[])),
            Op::Read(chunk) => asked = Some(world.settle(chunk)),
            Op::Serve(chunk) => asked = Some(world.serve(chunk)),
            Op::Response(status, retry_after) => {
                let after = retry_after.as_deref().map(|after| ("retry-after", after));
                let headers = [("content-type", "text/event-stream")].into_iter().chain(after);
                world.source.handle_response(ResponseHead::new(*status, headers));
            }
            Op::Verdict(verdict) => world.source.handle_verdict(*verdict),
            Op::Eof => {
                world.source.handle_eof();
                if let Some(connection) = &mut world.connection {
                    connection.over = true;
                }
            }
            Op::Error(kind) => world.source.handle_error(*kind),
            Op::Suspend => world.source.suspend(),
            Op::Resume => world.source.resume(),
            Op::RetryAfter(time) => world.source.retry_after(Duration::from_millis(*time)),
            Op::Close => world.source.close(),
        }
        if let Some(asked) = asked {
            if asked.deadline().is_none_or(|at| at > world.now) {
                assert_eq!(world.settle(&[]), asked, "polling once more changes nothing");
            }
            match (asked, closed) {
                (Asked::Nothing(reason), None) => closed = Some(reason),
                (asked, Some(reason)) => assert_eq!(asked, Asked::Nothing(reason), "closed is for ever"),
                _ => {}
            }
        }
        assert!(closed.is_none() || world.source.ready_state() == ReadyState::Closed);
        assert!(world.source.last_event_id().len() <= 3 * LIMITS.id());
        let oracle = world.connection.as_ref().map_or(0, Connection::size);
        let live = live() - before - oracle;
        assert!(live < 4096, "{live} bytes");
    }
    // A driver that does nothing but to be there in time is never asked to be there in the past for
    // ever.
    let mut late = 0;
    for _ in 0..200 {
        match world.settle(&[]).deadline() {
            Some(at) if at > world.now => (world.now, late) = (at, 0),
            Some(_) => late += 1,
            None => return,
        }
        assert!(late < 3, "a deadline that stays in the past");
    }
}

struct World {
    source: EventSource,
    now: Instant,
    max_attempts: u32,
    connection: Option<Connection>,
}

/// Input and output of one connection.
struct Connection {
    last_event_id: String,
    bytes: Vec<u8>,
    said: Vec<Said>,
    /// The body ended: no byte after it counts.
    over: bool,
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

#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Connect(Option<Instant>),
    Data(Option<Instant>),
    Wait(Option<Instant>),
    Nothing(CloseReason),
}

impl Asked {
    fn deadline(self) -> Option<Instant> {
        match self {
            Self::Connect(at) | Self::Data(at) | Self::Wait(at) => at,
            Self::Nothing(_) => None,
        }
    }
}

impl World {
    /// Answers the requests of the machine, up to a chunk of the body.
    fn serve(&mut self, chunk: &[u8]) -> Asked {
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
    fn settle(&mut self, chunk: &[u8]) -> Asked {
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
                Output::Frame(Frame::Event(event)) => {
                    // Three bytes of U+FFFD take the place of one.
                    assert!(event.data.len() + event.event.len() <= 3 * LIMITS.event() + "message".len());
                    assert!(event.id.len() <= 3 * LIMITS.id());
                    if !heartbeats || event.event != HEARTBEAT {
                        self.connection.as_mut().expect("it is open").events.eventless = Duration::ZERO;
                    }
                    (None, Some(Said::Event(event.into())))
                }
                Output::Frame(Frame::Comment(comment)) => (None, Some(Said::Comment(comment.into()))),
                Output::Frame(Frame::Retry(time)) => (None, Some(Said::Retry(time))),
                Output::Frame(Frame::Skipped { bytes }) => {
                    self.connection.as_mut().expect("it is open").events.eventless = Duration::ZERO;
                    (None, Some(Said::Skipped(bytes)))
                }
                Output::Frame(Frame::Ignored(line)) => {
                    assert!(diagnostics && line.len() <= 3 * IGNORED && !line.is_empty());
                    self.connection.as_mut().expect("it is open").read(read);
                    continue;
                }
                Output::Frame(other) => panic!("{other:?} is new"),
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
                    if cause == Cause::EventTimeout {
                        let timeout = event_timeout.expect("it is over");
                        let events = &self.connection.as_ref().expect("it was open").events;
                        assert!(
                            events.eventless > 2 * timeout
                                || events.deadline(timeout).is_some_and(|at| at <= self.now),
                            "the time for an event is not over"
                        );
                    }
                    if let (Some(connection), Cause::EndOfStream | Cause::EventCut) =
                        (self.connection.take(), cause)
                    {
                        connection.ended(&self.source);
                    }
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
    fn reference(&self, source: &EventSource) -> super::super::transcript::Transcript {
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
    fn size(&self) -> i64 {
        (self.last_event_id.capacity()
            + self.bytes.capacity()
            + self.said.capacity() * 64
            + 3 * self.bytes.len()
            + 4096) as i64
    }
}
