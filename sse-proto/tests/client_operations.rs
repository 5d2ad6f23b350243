//! Whatever driver, server and application do, and in whatever order: the machine stays defined.

#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use sse_proto::{
    CloseReason, Config, ErrorKind, EventSource, Instant, Jitter, Limits, Liveness, Output, Overflow,
    ReadyState, ReconnectPolicy, Repeat, ResponseHead, Verdict,
};

/// Counts the bytes that are allocated. This file has one test, so that it has them to itself.
struct Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller of `alloc` promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller of `dealloc` promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Clone, Debug)]
enum Op {
    Sleep(u64),
    Poll,
    Read(Vec<u8>),
    /// What goes well: whatever is asked for is given, up to bytes of the body.
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

fn op() -> impl Strategy<Value = Op> {
    let line = prop_oneof![
        40 => Just("data: x"), 40 => Just(""), 20 => Just(":"), 20 => Just("id: 1"), 10 => Just("id: a\u{1}"),
        10 => Just("event: add"), 10 => Just("retry: 7"), 5 => Just("data: \u{fffd}\u{feff}"),
        5 => Just("retry: 99999999999999999999"),
        1 => Just("id: far too long an ID for this"),
        1 => Just("data: far, far too long a line of data for this"),
    ];
    let end = prop_oneof![4 => Just("\n"), 1 => Just("\r"), 1 => Just("\r\n"), 1 => Just("")];
    let chunk = vec((line, end), 0..12).prop_map(|lines| {
        lines.into_iter().flat_map(|(line, end)| [line, end]).collect::<String>().into_bytes()
    });
    let verdict = prop_oneof![
        8 => Just(Verdict::Open),
        8 => (200..600u16, proptest::option::of(0..100u64))
            .prop_map(|(status, after)| Verdict::Retry { status, after: after.map(Duration::from_secs) }),
        1 => Just(Verdict::Close(CloseReason::Rejected)),
    ];
    let retry_after = proptest::option::of("[0-9]{1,5}");
    prop_oneof![
        80 => chunk.clone().prop_map(Op::Serve),
        40 => (0..40_000u64).prop_map(Op::Sleep),
        20 => Just(Op::Poll),
        20 => chunk.prop_map(Op::Read),
        10 => vec(any::<u8>(), 0..64).prop_map(Op::Read),
        10 => (prop_oneof![20 => Just(200u16), 20 => Just(503), 1 => 100..600u16], retry_after)
            .prop_map(|(status, after)| Op::Response(status, after)),
        5 => verdict.prop_map(Op::Verdict),
        20 => Just(Op::Eof),
        10 => Just(Op::Error(ErrorKind::Retryable)),
        1 => Just(Op::Error(ErrorKind::Fatal)),
        5 => Just(Op::Suspend),
        5 => Just(Op::Resume),
        5 => (0..100_000u64).prop_map(Op::RetryAfter),
        1 => Just(Op::Close),
    ]
}

const LIMITS: Limits = Limits { event: 32, id: 16, overflow: Overflow::Fail };

fn config() -> impl Strategy<Value = Config> {
    let policy = (0..4u32, 0..10u32, any::<bool>(), proptest::option::of(0..100u64)).prop_map(
        |(factor, attempts, full, elapsed)| ReconnectPolicy {
            factor,
            jitter: if full { Jitter::Full } else { Jitter::None },
            max_attempts: Some(attempts + 3),
            max_elapsed: elapsed.map(Duration::from_secs),
            ..ReconnectPolicy::default()
        },
    );
    let liveness = prop_oneof![
        Just(Liveness::Off),
        Just(Liveness::Adaptive),
        (0..60u64).prop_map(|timeout| Liveness::After(Duration::from_secs(timeout))),
    ];
    let timeout = || proptest::option::of((0..60u64).prop_map(Duration::from_secs));
    let repeat = prop_oneof![6 => Just(Repeat::Always), 1 => Just(Repeat::IfId), 1 => Just(Repeat::Never)];
    let rest = (any::<bool>(), any::<bool>());
    (policy, repeat, liveness, timeout(), timeout(), rest).prop_map(
        |(policy, repeat, activity, connect_timeout, event_timeout, (flush, skip))| Config {
            policy,
            repeat: Some(repeat),
            retry_status: vec![503],
            connect_timeout,
            activity,
            event_timeout,
            limits: Limits { overflow: if skip { Overflow::Skip } else { Overflow::Fail }, ..LIMITS },
            flush,
            ..Config::default()
        },
    )
}

/// Polls until the source asks for something, as every driver does; the answer is what it asks for.
fn settle(source: &mut EventSource, now: Instant, max_attempts: u32, chunk: &[u8]) -> Asked {
    let mut input = chunk;
    // Each line says one thing at most, and what follows from its end a few more.
    for _ in 0..chunk.len() + 8 {
        let before = source.ready_state();
        let asked = match source.poll(now, &mut input) {
            Output::Connect(request) => {
                assert!(request.attempt <= max_attempts);
                assert!(request.last_event_id.is_none_or(|id| !id.is_empty() && !id.contains('\u{1}')));
                Asked::Connect(request.deadline)
            }
            Output::NeedData { deadline } => Asked::Data(deadline),
            Output::Wait(until) => Asked::Wait(until),
            Output::Closed(reason) => Asked::Nothing(reason),
            Output::Event(event) => {
                assert_eq!(before, ReadyState::Open);
                // Three bytes of U+FFFD take the place of one.
                assert!(event.data.len() + event.event.len() <= 3 * LIMITS.event + "message".len());
                assert!(event.id.len() <= 3 * LIMITS.id);
                continue;
            }
            Output::Comment(_) | Output::Retry(_) | Output::Skipped { .. } => {
                assert_eq!(before, ReadyState::Open);
                continue;
            }
            Output::Open => {
                assert_eq!((before, source.ready_state()), (ReadyState::Connecting, ReadyState::Open));
                continue;
            }
            Output::Disconnected { attempt, .. } => {
                assert!(input.is_empty() && (1..=max_attempts).contains(&attempt));
                assert_eq!(source.ready_state(), ReadyState::Connecting);
                continue;
            }
        };
        assert!(input.is_empty(), "{asked:?} with bytes left");
        return asked;
    }
    panic!("it never asks for anything");
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

fn run(config: Config, ops: &[Op]) {
    let before = LIVE.load(Ordering::Relaxed);
    let max_attempts = config.policy.max_attempts.expect("always set here");
    let mut source = EventSource::new(config, 3);
    let mut now = Instant::ZERO;
    let mut closed = None;
    for op in ops {
        let mut asked = None;
        match op {
            Op::Sleep(time) => now += Duration::from_millis(*time),
            Op::Poll => asked = Some(settle(&mut source, now, max_attempts, &[])),
            Op::Read(chunk) => asked = Some(settle(&mut source, now, max_attempts, chunk)),
            Op::Serve(chunk) => {
                for _ in 0..3 {
                    match settle(&mut source, now, max_attempts, &[]) {
                        Asked::Connect(_) => source.handle_verdict(Verdict::Open),
                        Asked::Wait(Some(until)) => now = until,
                        Asked::Wait(None) => source.resume(),
                        Asked::Data(_) | Asked::Nothing(_) => break,
                    }
                }
                asked = Some(settle(&mut source, now, max_attempts, chunk));
            }
            Op::Response(status, retry_after) => source.handle_response(ResponseHead {
                status: *status,
                content_type: Some("text/event-stream"),
                retry_after: retry_after.as_deref(),
                date: None,
            }),
            Op::Verdict(verdict) => source.handle_verdict(*verdict),
            Op::Eof => source.handle_eof(),
            Op::Error(kind) => source.handle_error(*kind),
            Op::Suspend => source.suspend(),
            Op::Resume => source.resume(),
            Op::RetryAfter(time) => source.retry_after(Duration::from_millis(*time)),
            Op::Close => source.close(),
        }
        if let Some(asked) = asked {
            if asked.deadline().is_none_or(|at| at > now) {
                let again = settle(&mut source, now, max_attempts, &[]);
                assert_eq!(again, asked, "polling once more changes nothing");
            }
            match (asked, closed) {
                (Asked::Nothing(reason), None) => closed = Some(reason),
                (asked, Some(reason)) => assert_eq!(asked, Asked::Nothing(reason), "closed is for ever"),
                _ => {}
            }
        }
        assert!(closed.is_none() || source.ready_state() == ReadyState::Closed);
        assert!(source.last_event_id().len() <= 3 * LIMITS.id);
        let live = LIVE.load(Ordering::Relaxed) - before;
        assert!(live < 4096, "{live} bytes");
    }
    // A driver that does nothing but to be there in time is never asked to be there in the past for ever.
    let mut late = 0;
    for _ in 0..200 {
        match settle(&mut source, now, max_attempts, &[]).deadline() {
            Some(at) if at > now => (now, late) = (at, 0),
            Some(_) => late += 1,
            None => return,
        }
        assert!(late < 3, "a deadline that stays in the past");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_sequence_of_operations_leaves_it_defined(config in config(), ops in vec(op(), 0..80)) {
        run(config, &ops);
    }
}
