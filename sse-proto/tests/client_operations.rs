//! The machine stays consistent, whatever driver, server and application do, in any order.

#[path = "support/heap.rs"]
mod heap;
mod support;

use std::time::Duration;

use heap::{Counting, heap};
use proptest::collection::vec;
use proptest::prelude::*;
use sse_proto::{
    CloseReason, Config, ErrorKind, Jitter, Liveness, Overflow, ReconnectPolicy, Repeat, Verdict,
};
use support::checks::client::{HEARTBEAT, LIMITS, Op, run};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn op() -> impl Strategy<Value = Op> {
    let line = prop_oneof![
        40 => Just("data: x"), 40 => Just(""), 20 => Just(":"), 20 => Just("id: 1"), 10 => Just("id: a\u{1}"),
        20 => Just("event: add"), 5 => Just("junk"), 5 => Just("retry: x"), 10 => Just("retry: 7"), 5 => Just("data: \u{fffd}\u{feff}"),
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

fn config() -> impl Strategy<Value = Config> {
    let policy = (0..4u32, 0..10u32, any::<bool>(), proptest::option::of(0..100u64)).prop_map(
        |(factor, attempts, full, elapsed)| {
            ReconnectPolicy::default()
                .with_factor(factor)
                .with_jitter(if full { Jitter::Full } else { Jitter::None })
                .with_max_attempts(attempts + 3)
                .with_max_elapsed(elapsed.map(Duration::from_secs))
        },
    );
    let liveness = prop_oneof![
        Just(Liveness::Off),
        Just(Liveness::Adaptive),
        (0..60u64).prop_map(|timeout| Liveness::After(Duration::from_secs(timeout))),
    ];
    let timeout = || proptest::option::of((0..60u64).prop_map(Duration::from_secs));
    let rarely = prop::sample::select(vec![Repeat::IfResumable, Repeat::IfRefused, Repeat::Never]);
    let repeat = prop_oneof![6 => Just(Repeat::Always), 3 => rarely];
    let rest = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (policy, repeat, liveness, timeout(), timeout(), rest).prop_map(
        |(
            policy,
            repeat,
            activity,
            head_timeout,
            event_timeout,
            (deliver, skip, heartbeats, diagnostics),
        )| {
            Config::default()
                .with_policy(policy)
                .with_repeat(repeat)
                .with_retry_status(vec![503])
                .with_head_timeout(head_timeout)
                .with_idle_timeout(activity)
                .with_event_timeout(event_timeout)
                .with_limits(LIMITS.with_overflow(if skip { Overflow::Skip } else { Overflow::Fail }))
                .with_deliver_unterminated(deliver)
                .with_heartbeat_events(heartbeats.then_some(HEARTBEAT))
                .with_diagnostics(diagnostics)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_sequence_of_operations_leaves_the_machine_consistent(config in config(), ops in vec(op(), 0..80)) {
        run(config, &ops, || heap().held);
    }
}
