//! The machine against a naive model of 9.2.3 and of the documented policy: whatever a scripted
//! server answers, both report the same events at the same times.

#[path = "client_model/model.rs"]
mod model;
#[path = "client_model/story.rs"]
mod story;

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sse_proto::{Config, ErrorKind, Jitter, Liveness, ReconnectPolicy, Repeat};
use story::{Answer, Chunk, End, Pace, Piece, Story};

fn millis(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

fn seconds(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_secs)
}

/// Times of which many are equal to the limits below, or their multiples.
fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        3 => Just(Duration::ZERO),
        3 => seconds(0..70),
        4 => millis(0..4000),
        1 => seconds(100..400),
    ]
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        4 => Just(Piece::Event),
        3 => Just(Piece::Heartbeat),
        6 => Just(Piece::Comment),
        2 => millis(0..90_000).prop_map(Piece::Retry),
        2 => prop::sample::select(vec!["", "7", "é", "a\u{1}"]).prop_map(Piece::Id),
        1 => Just(Piece::Junk),
    ]
}

fn chunk() -> impl Strategy<Value = Chunk> {
    (time(), vec(piece(), 1..4)).prop_map(|(after, pieces)| Chunk { after, pieces })
}

/// The chunks of a body: any, or keep-alives at various times.
fn chunks() -> impl Strategy<Value = Vec<Chunk>> {
    let comment = time().prop_map(|after| Chunk { after, pieces: vec![Piece::Comment] });
    prop_oneof![2 => vec(chunk(), 0..6), 1 => vec(prop_oneof![4 => comment, 1 => chunk()], 3..14)]
}

fn end() -> impl Strategy<Value = End> {
    let error = || Just(ErrorKind::Retryable);
    prop_oneof![
        4 => any::<bool>().prop_map(|cut| End::Eof { cut }),
        2 => (error(), any::<bool>()).prop_map(|(kind, cut)| End::Error { kind, cut }),
        2 => Just(End::Suspended),
        2 => Just(End::Silence),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let kinds = [
        ErrorKind::Retryable,
        ErrorKind::NotSent,
        ErrorKind::NotSent,
        ErrorKind::ConnectTimeout,
        ErrorKind::ConnectTimeout,
        ErrorKind::HeadTimeout,
        ErrorKind::Fatal,
    ];
    let statuses = [204, 404, 301, 429, 503, 503, 503, 503, 503, 503, 503];
    prop_oneof![
        9 => (chunks(), time(), end())
            .prop_map(|(chunks, after, end)| Answer::Body { chunks, after, end }),
        3 => prop::sample::select(kinds.to_vec()).prop_map(Answer::Error),
        3 => (prop::sample::select(statuses.to_vec()), option::of(0..90u64))
            .prop_map(|(status, retry_after)| Answer::Status { status, retry_after }),
        1 => Just(Answer::Silence),
    ]
}

fn story() -> impl Strategy<Value = Story> {
    (time(), answer(), option::weighted(0.1, time())).prop_map(|(after, answer, retry_after)| Story {
        after,
        answer,
        retry_after,
    })
}

fn config() -> impl Strategy<Value = Config> {
    let policy = (
        (time(), time(), 0..4u32),
        (option::weighted(0.3, 0..6u32), option::weighted(0.3, time())),
        (millis(0..2000), millis(0..60_000), prop_oneof![1 => time(), 3 => Just(Duration::from_secs(60))]),
    );
    let policy = policy.prop_map(|((initial, max, factor), (attempts, elapsed), (least, most, healthy))| {
        ReconnectPolicy::default()
            .with_jitter(Jitter::None)
            .with_initial(initial)
            .with_max(max)
            .with_factor(factor)
            .with_max_attempts(attempts)
            .with_max_elapsed(elapsed)
            .with_retry_min(least)
            .with_retry_max(most)
            .with_healthy_after(healthy)
    });
    let repeats = prop_oneof![
        6 => Just(Repeat::Always),
        2 => Just(Repeat::IfResumable),
        2 => Just(Repeat::IfRefused),
        1 => Just(Repeat::Never),
    ];
    let liveness =
        prop_oneof![Just(Liveness::Off), Just(Liveness::Adaptive), time().prop_map(Liveness::After),];
    let rest = (option::weighted(0.3, time()), option::of(time()), any::<bool>(), any::<bool>());
    (policy, repeats, liveness, rest).prop_map(
        |(policy, repeat, idle, (head, event, heartbeats, deliver))| {
            Config::default()
                .with_policy(policy)
                .with_repeat(repeat)
                .with_retry_status([429, 503])
                .with_head_timeout(head)
                .with_idle_timeout(idle)
                .with_event_timeout(event)
                .with_heartbeat_events(heartbeats.then_some("ping"))
                .with_deliver_unterminated(deliver)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_machine_and_a_naive_model_report_the_same(
        config in config(),
        stories in vec(story(), 1..16),
        think in prop_oneof![2 => Just(Duration::ZERO), 1 => time()],
        late in prop_oneof![2 => Just(Duration::ZERO), 1 => time()],
    ) {
        let pace = Pace { think, late };
        prop_assert_eq!(story::run(&config, &stories, pace), model::run(&config, &stories, pace));
    }
}
