//! The machine stays consistent, whatever driver, server and application do, in any order.

mod world;

use std::time::Duration;

use sse_proto::{
    CloseReason, Config, ErrorKind, EventSource, Instant, Jitter, Limits, Liveness, Overflow, ReadyState,
    ReconnectPolicy, Repeat, ResponseHead, Verdict,
};

use super::Input;
use world::{Asked, Connection, World};

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
