//! Tests of reconnection: which failures count, when the source gives up, what is sent again.

#[path = "client/mod.rs"]
mod client;

use std::time::Duration;

use client::{Client, config, millis, policy, secs};
use sse_proto::{Config, ErrorKind, EventSource, Instant, Output, ReconnectPolicy, Repeat, Verdict};

fn with(policy: ReconnectPolicy) -> Config {
    config().with_policy(policy)
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
