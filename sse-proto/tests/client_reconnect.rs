//! Tests of reconnection: the wait before the next attempt, and when the source gives up.

#[path = "client/mod.rs"]
mod client;

use client::{Client, config, millis, policy, secs};
use proptest::prelude::*;
use sse_proto::{Config, ErrorKind, EventSource, Instant, Jitter, Output, ReconnectPolicy, Repeat, Verdict};
use std::time::Duration;

fn with(policy: ReconnectPolicy) -> Config {
    config().with_policy(policy)
}

fn delays(policy: &ReconnectPolicy, retry: Option<Duration>) -> Vec<Duration> {
    (1..=7).map(|attempt| policy.delay(attempt, retry, None, 0)).collect()
}

// 9.2.3, step 3: exponential backoff after failed attempts.
#[test]
fn the_wait_before_a_reconnection_doubles_up_to_its_maximum() {
    assert_eq!(delays(&policy(), None), [1, 2, 4, 8, 16, 30, 30].map(secs));
    let slow = policy().with_initial(secs(60));
    assert_eq!(delays(&slow, None), [60; 7].map(secs), "an initial wait above the maximum stands");
    let tripling = policy().with_factor(3);
    assert_eq!(delays(&tripling, None), [1, 3, 9, 27, 30, 30, 30].map(secs));
}

#[test]
fn a_factor_of_one_or_zero_keeps_the_wait_constant() {
    for factor in [0, 1] {
        assert_eq!(delays(&policy().with_factor(factor), None), [1; 7].map(secs));
    }
}

// 9.2.6: `retry` sets the reconnection time.
#[test]
fn a_retry_field_replaces_the_initial_wait() {
    assert_eq!(delays(&policy(), Some(secs(5))), [5, 10, 20, 30, 30, 30, 30].map(secs));
    assert_eq!(delays(&policy(), Some(secs(90))), [90; 7].map(secs), "above the maximum it stands");
}

#[test]
fn a_retry_field_is_bounded_by_retry_min_and_retry_max() {
    let first = |policy: ReconnectPolicy, retry| policy.delay(1, Some(retry), None, 0);
    assert_eq!(first(policy(), Duration::ZERO), millis(10));
    assert_eq!(first(policy(), Duration::MAX), secs(3600));
    let reversed = policy().with_retry_min(secs(9)).with_retry_max(secs(4));
    assert_eq!(first(reversed, secs(6)), secs(4), "reversed bounds do not panic");
}

// 9.2.2: the reconnection time is initially "a value on the order of a few seconds".
#[test]
fn browsers_wait_three_seconds() {
    assert_eq!(delays(&ReconnectPolicy::browser(), None), [3; 7].map(secs));
    assert_eq!(delays(&ReconnectPolicy::browser(), Some(secs(7))), [7; 7].map(secs));
    assert_eq!(ReconnectPolicy::browser().delay(3, None, None, u64::MAX), secs(3));
    assert_eq!(delays(&ReconnectPolicy::browser(), Some(secs(1))), [1; 7].map(secs), "it does not grow");
    let growing = ReconnectPolicy::browser().with_factor(2);
    assert_eq!(delays(&growing, Some(secs(1))), [1, 2, 3, 3, 3, 3, 3].map(secs), "or not beyond");
}

#[test]
fn jitter_also_spreads_clients_after_a_retry_after() {
    let spread = |jitter, retry, after| {
        let policy = policy().with_jitter(jitter);
        let delay = |random| policy.delay(1, retry, after, random).as_secs_f64().round();
        (delay(0), delay(u64::MAX))
    };
    for (retry, after) in [(Some(secs(100)), None), (None, Some(secs(100)))] {
        assert_eq!(spread(Jitter::None, retry, after), (100.0, 100.0));
        assert_eq!(spread(Jitter::Equal, retry, after), (100.0, 150.0));
        assert_eq!(spread(Jitter::Full, retry, after), (100.0, 200.0));
    }
}

#[test]
fn jitter_applies_when_retry_after_is_close_to_own_delay() {
    let policy = policy().with_jitter(Jitter::Equal);
    let spread = |after| [0, 1 << 63].map(|random| policy.delay(3, None, Some(after), random));
    // Their own wait is 4 s.
    for after in [millis(2001), secs(3), secs(4)] {
        assert_eq!(spread(after), [secs(4), secs(5)], "{after:?}");
    }
    assert_eq!(spread(secs(2)), [secs(4), secs(3)], "what jitter leaves is enough");
    assert_eq!(spread(secs(6)), [secs(6), millis(7500)]);
}

proptest! {
    #[test]
    fn jitter_shortens_the_policys_wait_and_lengthens_the_servers(
        jitter in prop_oneof![Just(Jitter::None), Just(Jitter::Equal), Just(Jitter::Full)],
        attempt in 1..100u32,
        retry in proptest::option::of(0..100_000u64),
        after in proptest::option::of(0..100u64),
        random: u64,
    ) {
        let (retry, after) = (retry.map(millis), after.map(secs));
        let plain = policy();
        let d = plain.delay(attempt, retry, after, random);
        prop_assert_eq!(d, plain.delay(attempt, retry, after, 0));
        let delay = plain.with_jitter(jitter).delay(attempt, retry, after, random);
        let span = match jitter { Jitter::None => secs(0), Jitter::Equal => d / 2, _ => d };
        if retry.is_some() || after.unwrap_or_default() > d - span {
            prop_assert!(d <= delay && delay <= d + span);
        } else {
            prop_assert!(d - span <= delay && delay <= d);
        }
        prop_assert!(delay >= after.unwrap_or_default(), "Retry-After is a lower bound");
        prop_assert!(delay >= retry.unwrap_or_default(), "and so is the reconnection time");
    }

    #[test]
    fn the_delay_arithmetic_never_overflows(
        initial: Duration, max: Duration, factor: u32, retry_min: Duration, retry_max: Duration, attempt: u32,
        retry: Option<Duration>, after: Option<Duration>, random: u64,
    ) {
        for jitter in [Jitter::None, Jitter::Equal, Jitter::Full] {
            let policy = policy().with_initial(initial).with_max(max).with_factor(factor).with_jitter(jitter).with_retry_min(retry_min).with_retry_max(retry_max);
            let _ = policy.delay(attempt, retry, after, random);
        }
    }
}

#[test]
fn different_seeds_give_different_waits() {
    let mut delays: Vec<_> = (0..100)
        .map(|seed| {
            let mut source = EventSource::new(Config::default(), seed);
            let _ = source.poll(Instant::ZERO, &mut &[][..]);
            source.handle_error(sse_proto::ErrorKind::Retryable);
            match source.poll(Instant::ZERO, &mut &[][..]) {
                Output::Disconnected { delay, .. } => delay,
                other => panic!("{other:?}"),
            }
        })
        .collect();
    delays.sort();
    delays.dedup();
    assert_eq!(delays.len(), 100);
    assert!(delays[0] < millis(600) && delays[99] > millis(900), "{delays:?}");
}

#[test]
fn failed_attempts_in_a_row_are_counted() {
    let mut client = Client::new(config());
    assert_eq!(client.poll(), "connect 0 id - until 30s");
    assert_eq!(client.lose(), "lost Transport, attempt 1 in 1s");
    assert_eq!(client.poll(), "wait until 1s");
    client.sleep(millis(999));
    assert_eq!(client.poll(), "wait until 1s");
    client.sleep(millis(1));
    assert_eq!(client.poll(), "connect 1 id - until 31s");
    assert_eq!(client.lose(), "lost Transport, attempt 2 in 2s");
}

#[test]
fn a_bare_200_does_not_reset_the_count_of_failed_attempts() {
    let mut client = Client::new(config());
    for (attempt, delay) in [1, 2, 4, 8, 16, 30, 30].into_iter().enumerate() {
        client.connect();
        client.read(": hello\nretry: x\n\n");
        client.source.handle_eof();
        assert_eq!(client.poll(), format!("lost EndOfStream, attempt {} in {delay}s", attempt + 1));
        client.sleep(secs(delay));
    }
}

#[test]
fn an_event_resets_the_count_of_failed_attempts() {
    let mut client = Client::new(config());
    client.poll();
    client.lose();
    client.sleep(secs(1));
    client.connect();
    client.read("data\n\n");
    assert_eq!(client.lose(), "lost Transport, attempt 1 in 1s");
}

#[test]
fn a_healthy_connection_resets_the_count_of_failed_attempts() {
    for (open, expected) in [(59, "lost Transport, attempt 2 in 2s"), (60, "lost Transport, attempt 1 in 1s")]
    {
        let mut client = Client::new(config());
        client.poll();
        client.lose();
        client.sleep(secs(1));
        client.connect();
        client.poll();
        client.sleep(secs(open));
        assert_eq!(client.lose(), expected);
    }
}

#[test]
fn the_time_between_connections_is_not_healthy() {
    let mut client = Client::open(config());
    assert_eq!(client.lose(), "lost Transport, attempt 1 in 1s");
    client.sleep(secs(100));
    client.poll();
    assert_eq!(client.lose(), "lost Transport, attempt 2 in 2s");
}

// 9.2.6: the reconnection time belongs to the source, not to a connection.
#[test]
fn the_reconnection_time_applies_at_once_and_survives() {
    let mut client = Client::open(config());
    assert_eq!(client.source.reconnection_time(), secs(1));
    assert_eq!(client.read("retry: 5000\n"), ["retry 5s", "read for ever"]);
    assert_eq!(client.source.reconnection_time(), secs(5));
    assert_eq!(client.lose(), "lost Transport, attempt 1 in 5s");
    client.sleep(secs(5));
    client.connect();
    client.read("data: x\n\n");
    assert_eq!(client.lose(), "lost Transport, attempt 1 in 5s");
    client.sleep(secs(5));
    client.connect();
    client.read("retry: 0\n");
    assert_eq!(client.source.reconnection_time(), millis(10), "within the bounds");
}

#[test]
fn the_source_closes_after_max_attempts() {
    let mut client = Client::new(with(policy().with_max_attempts(2)));
    client.poll();
    for delay in [1, 2] {
        assert!(client.lose().starts_with("lost"));
        client.sleep(secs(delay));
        assert!(client.poll().starts_with("connect"));
    }
    assert_eq!(client.lose(), "closed GaveUp { cause: Transport, attempts: 2 }");
}

#[test]
fn the_source_closes_after_max_elapsed() {
    let mut client = Client::new(with(policy().with_max_elapsed(secs(7))));
    client.sleep(secs(1000)); // counts from the first failure
    client.poll();
    for delay in [1, 2, 4] {
        assert!(client.lose().starts_with("lost"));
        client.sleep(secs(delay));
        assert!(client.poll().starts_with("connect"));
    }
    assert_eq!(client.lose(), "closed GaveUp { cause: Transport, attempts: 3 }");
}

#[test]
fn a_success_resets_max_attempts_and_max_elapsed() {
    let budget = policy().with_max_attempts(1).with_max_elapsed(secs(2));
    let mut client = Client::new(with(budget));
    for _ in 0..5 {
        client.connect();
        client.read("data\n\n");
        client.sleep(secs(10));
        assert_eq!(client.lose(), "lost Transport, attempt 1 in 1s");
        client.sleep(secs(1));
    }
}

#[test]
fn the_policy_never_closes_at_the_first_loss() {
    let mut client = Client::open(with(ReconnectPolicy::never()));
    client.read("id: 1\ndata: x\n\n");
    assert_eq!(client.lose(), "closed GaveUp { cause: Transport, attempts: 0 }");
}

#[test]
fn retry_after_of_the_application_sets_the_delay() {
    let mut client = Client::open(config());
    client.source.retry_after(secs(9)); // too early: without effect
    assert_eq!(client.lose(), "lost Transport, attempt 1 in 1s");
    client.source.retry_after(secs(7));
    client.sleep(secs(3));
    assert_eq!(client.poll(), "wait until 7s", "counted from the loss");
    client.source.retry_after(Duration::ZERO);
    assert_eq!(client.poll(), "connect 1 id - until 33s");
}

#[test]
fn a_request_is_repeated_as_configured() {
    let end = |repeat, chunk| {
        let mut client = Client::open(config().with_repeat(repeat));
        client.read(chunk);
        client.source.handle_eof();
        client.poll()
    };
    assert_eq!(end(None, ""), "lost EndOfStream, attempt 1 in 1s");
    assert_eq!(end(Some(Repeat::Always), ""), "lost EndOfStream, attempt 1 in 1s");
    assert_eq!(end(Some(Repeat::Never), "id: 1\n\n"), "closed NotRepeated(EndOfStream)");
    assert_eq!(end(Some(Repeat::IfResumable), "id: 1\n\n"), "lost EndOfStream, attempt 1 in 1s");
    assert_eq!(end(Some(Repeat::IfResumable), "data: x\n\n"), "closed NotRepeated(EndOfStream)");
    assert_eq!(end(Some(Repeat::IfResumable), "id: 1\n"), "closed NotRepeated(EventCut)", "never committed");
    assert_eq!(
        end(Some(Repeat::IfResumable), "id: \u{1}\n\n"),
        "closed NotRepeated(EndOfStream)",
        "no header carries it"
    );
}

#[test]
fn repeat_never_sends_the_request_once_whatever_fails() {
    let fail = |verdict| {
        let mut client = Client::new(config().with_repeat(Repeat::Never));
        client.poll();
        match verdict {
            Some(verdict) => client.source.handle_verdict(verdict),
            None => client.sleep(secs(30)),
        }
        client.poll()
    };
    assert_eq!(fail(None), "closed NotRepeated(HeadTimeout)");
    assert_eq!(fail(Some(Verdict::Retry { status: 503, after: None })), "closed NotRepeated(Status(503))");
}

#[test]
fn a_refused_request_is_repeated_and_one_that_was_carried_out_is_not() {
    let config = || config().with_repeat(Repeat::IfRefused).with_retry_status([429]);
    let mut client = Client::new(config());
    client.poll();
    client.source.handle_response(429.into());
    assert_eq!(client.poll(), "lost Status(429), attempt 1 in 1s");
    client.sleep(secs(1));
    client.connect();
    assert_eq!(client.lose(), "closed NotRepeated(Transport)");

    let mut client = Client::new(config());
    client.poll();
    client.source.handle_response(503.into());
    assert_eq!(client.poll(), "closed Status(503)", "not one of the named statuses");

    let fail = |kind| {
        let mut client = Client::new(config());
        client.poll();
        client.source.handle_error(kind);
        client.poll()
    };
    assert_eq!(fail(ErrorKind::Retryable), "closed NotRepeated(Transport)", "it may have been carried out");
    assert_eq!(fail(ErrorKind::HeadTimeout), "closed NotRepeated(HeadTimeout)");
    assert_eq!(fail(ErrorKind::NotSent), "lost NotSent, attempt 1 in 1s");
    assert_eq!(fail(ErrorKind::ConnectTimeout), "lost ConnectTimeout, attempt 1 in 1s");
    assert_eq!(fail(ErrorKind::Fatal), "closed Transport");
}

#[test]
fn an_error_after_the_head_shows_that_the_request_was_sent() {
    for kind in [ErrorKind::NotSent, ErrorKind::ConnectTimeout, ErrorKind::HeadTimeout] {
        let mut client = Client::open(config().with_repeat(Repeat::IfRefused));
        client.source.handle_error(kind);
        assert_eq!(client.poll(), "closed NotRepeated(Transport)", "{kind:?}");
    }
}

/// A connection that gets these bytes after its head, is open for so long, and ends cleanly or not;
/// then what is said.
fn lives(client: &mut Client, bytes: &str, duration: Duration, cleanly: bool) -> String {
    client.connect();
    client.read(bytes);
    client.sleep(duration);
    if cleanly {
        client.source.handle_eof();
    } else {
        client.source.handle_error(ErrorKind::Retryable);
    }
    let said = client.poll();
    client.sleep(secs(60));
    said
}

#[test]
fn a_healthy_end_is_not_a_failed_attempt() {
    for bytes in [":\n", "retry: 500\n", ":", "id: 1\n\n", "nonsense", "data: x\n\n"] {
        let delay = if bytes.starts_with("retry") { "500ms" } else { "1s" };
        let cause = if bytes == "nonsense" { "EventCut" } else { "EndOfStream" };
        let mut client = Client::new(with(policy().with_max_attempts(1)));
        client.poll();
        client.lose();
        client.sleep(secs(60));
        for _ in 0..20 {
            let said = lives(&mut client, bytes, secs(2), true);
            assert_eq!(said, format!("lost {cause}, attempt 1 in {delay}"), "{bytes:?}");
        }
    }
}

#[test]
fn a_short_or_silent_or_broken_connection_is_a_failed_attempt() {
    for (bytes, time, cleanly) in [
        (":\n", millis(1999), true),
        ("", secs(59), true),
        (":\n", secs(59), false),
        ("retry: 1\n", millis(0), true),
    ] {
        let mut client = Client::new(with(policy().with_max_attempts(2).with_retry_min(secs(1))));
        for attempt in 1..=2 {
            let said = lives(&mut client, bytes, time, cleanly);
            assert!(said.ends_with(&format!("attempt {attempt} in {attempt}s")), "{bytes:?} {said}");
        }
        let said = lives(&mut client, bytes, time, cleanly);
        assert!(said.starts_with("closed GaveUp"), "{bytes:?} {said}");
    }
}

#[test]
fn a_healthy_end_resets_max_elapsed() {
    let mut client = Client::new(with(policy().with_max_elapsed(secs(100))));
    for _ in 0..20 {
        assert_eq!(lives(&mut client, ":\n", secs(2), true), "lost EndOfStream, attempt 1 in 1s");
    }
}
