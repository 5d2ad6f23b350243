//! Tests of liveness: timeouts for silence, for events and for the response head.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

#[path = "client/mod.rs"]
mod client;

use client::{Client, config, millis, secs};
use sse_proto::{Config, Frame, Liveness, ReadyState};

fn silence(timeout: impl Into<Liveness>) -> Config {
    config().with_idle_timeout(timeout)
}

#[test]
fn a_request_without_a_response_ends_at_the_head_timeout() {
    let mut client = Client::new(config());
    assert_eq!(client.poll(), "connect 0 id - until 30s");
    client.sleep(millis(29_999));
    assert_eq!(client.poll(), "connect 0 id - until 30s", "the deadline does not move");
    client.sleep(millis(1));
    assert_eq!(client.poll(), "lost HeadTimeout, attempt 1 in 1s");
    client.sleep(secs(1));
    assert_eq!(client.poll(), "connect 1 id - until 61s");
}

#[test]
fn a_request_is_sent_even_with_a_head_timeout_of_zero() {
    let mut client = Client::new(config().with_head_timeout(secs(0)));
    assert_eq!(client.poll(), "connect 0 id - until 0ns");
    assert_eq!(client.poll(), "lost HeadTimeout, attempt 1 in 1s");
}

#[test]
fn a_response_beats_the_deadline_that_has_passed() {
    let mut client = Client::new(config());
    client.poll();
    client.sleep(secs(31));
    client.source.handle_response(client::ok());
    assert_eq!(client.poll(), "open");
}

#[test]
fn without_an_idle_timeout_silence_does_not_end_a_connection() {
    let mut client = Client::open(config().with_head_timeout(None));
    for _ in 0..10 {
        assert_eq!(client.poll(), "read for ever");
        client.sleep(secs(100_000));
    }
    client.lose();
    client.sleep(secs(1));
    assert_eq!(client.poll(), "connect 1 id - for ever");
}

#[test]
fn silence_for_the_idle_timeout_ends_the_connection() {
    let mut client = Client::open(silence(secs(45)));
    assert_eq!(client.poll(), "read until 45s");
    client.sleep(millis(44_999));
    assert_eq!(client.poll(), "read until 45s");
    client.sleep(millis(1));
    assert_eq!(client.source.ready_state(), ReadyState::Open);
    assert_eq!(client.poll(), "lost IdleTimeout, attempt 1 in 1s");
    assert_eq!(client.source.ready_state(), ReadyState::Connecting);
}

#[test]
fn any_byte_restarts_the_idle_timeout() {
    let mut client = Client::open(silence(secs(45)));
    client.poll();
    for byte in ["d", "a", ":", "\n", ":", "\n", "\u{1}"] {
        client.sleep(secs(44));
        let elapsed = client.now.since_epoch() - secs(1000 - 45);
        assert_eq!(client.read(byte).pop().unwrap(), format!("read until {elapsed:?}"));
    }
    client.sleep(secs(45));
    assert_eq!(client.poll(), "lost IdleTimeout, attempt 1 in 1s");
}

#[test]
fn available_bytes_are_read_before_the_deadline_is_checked() {
    let mut client = Client::open(silence(secs(45)));
    client.poll();
    client.sleep(secs(46));
    assert_eq!(client.read("data: x\n\n"), ["event message \"x\" id ", "read until 91s"]);
}

#[test]
fn the_time_that_a_slow_application_takes_is_not_silence() {
    let both = silence(secs(45)).with_event_timeout(secs(60));
    let mut client = Client::open(both);
    client.poll();
    let mut input: &[u8] = b": a\n: b\n";
    for comment in ["a", "b"] {
        assert_eq!(
            client.source.poll(client.now, &mut input),
            sse_proto::Output::Frame(Frame::Comment(comment))
        );
        client.sleep(secs(100));
    }
    assert_eq!(client.poll(), "read until 245s");
}

#[test]
fn comments_do_not_hide_a_stalled_producer() {
    let mut client = Client::open(config().with_event_timeout(secs(60)));
    assert_eq!(client.poll(), "read until 60s");
    for _ in 0..3 {
        client.sleep(secs(15));
        assert_eq!(client.read(":\nretry: 1000\nid: 1\n\n").pop().unwrap(), "read until 60s");
    }
    client.sleep(secs(15));
    assert_eq!(client.poll(), "lost EventTimeout, attempt 1 in 1s");
}

#[test]
fn a_flood_without_an_event_ends_at_the_event_timeout() {
    let mut client = Client::open(config().with_event_timeout(secs(60)));
    client.poll();
    // There is always more: the driver is never at a point where it waits.
    for second in 1..=120 {
        client.sleep(secs(1));
        let until = 60_u64.max(second);
        assert_eq!(client.read("junk\n:\n").pop().unwrap(), format!("read until {until}s"));
    }
    client.sleep(secs(1));
    assert_eq!(client.read("junk").pop().unwrap(), "lost EventTimeout, attempt 1 in 1s");
}

#[test]
fn an_event_in_pieces_that_waited_for_the_application_is_read() {
    let mut client = Client::open(config().with_event_timeout(secs(60)));
    client.poll();
    client.sleep(secs(3600));
    assert_eq!(client.read("data: wai"), ["read until 3600s"]);
    assert_eq!(client.read("ted\n\n"), ["event message \"waited\" id ", "read until 3660s"]);
}

#[test]
fn an_event_restarts_the_event_timeout() {
    let mut client = Client::open(config().with_event_timeout(secs(60)));
    client.poll();
    client.sleep(secs(50));
    assert_eq!(client.read("data\n\n").pop().unwrap(), "read until 110s");
}

#[test]
fn a_heartbeat_event_does_not_restart_the_event_timeout() {
    let mut client =
        Client::open(config().with_event_timeout(secs(60)).with_heartbeat_events(["ping", "heartbeat"]));
    client.poll();
    for (time, chunk) in [
        (50, "event: ping\ndata: {}\n\n"),
        (5, "event: heartbeat\ndata\n\n"),
        (3, ":\n\nevent: ping\ndata\n\n"),
    ] {
        client.sleep(secs(time));
        assert_eq!(client.read(chunk).pop().unwrap(), "read until 60s", "{chunk:?}");
    }
    client.sleep(secs(1));
    let said = client.read("data: x\n\nevent: ping\ndata: {}\n\n");
    assert_eq!(
        said,
        ["event message \"x\" id ", "event ping \"{}\" id ", "read until 119s"],
        "another event counts, and heartbeats are delivered"
    );
    client.sleep(secs(60));
    assert_eq!(client.poll(), "lost EventTimeout, attempt 1 in 1s");
}

#[test]
fn a_heartbeat_event_counts_as_a_keep_alive_for_adaptive_liveness() {
    let mut client = Client::open(silence(Liveness::Adaptive).with_heartbeat_events(["ping"]));
    client.poll();
    for _ in 0..3 {
        client.sleep(secs(15));
        client.read("event: ping\ndata\n\n");
    }
    client.sleep(secs(45));
    assert_eq!(client.poll(), "lost IdleTimeout, attempt 1 in 1s");
}

#[test]
fn a_skipped_event_restarts_the_event_timeout() {
    let limits = sse_proto::Limits::default().with_event(4).with_overflow(sse_proto::Overflow::Skip);
    let mut client = Client::open(config().with_event_timeout(secs(60)).with_limits(limits));
    client.poll();
    client.sleep(secs(50));
    let said = client.read("data: 12345\n\n");
    assert!(said[0].starts_with("skipped"), "{said:?}");
    assert_eq!(said[1], "read until 110s");
}

#[test]
fn the_earlier_of_two_timeouts_ends_the_connection() {
    for (quiet, event, expected) in [(10, 20, "IdleTimeout"), (20, 10, "EventTimeout")] {
        let mut client = Client::open(silence(secs(quiet)).with_event_timeout(secs(event)));
        assert_eq!(client.poll(), "read until 10s");
        client.sleep(secs(30));
        assert_eq!(client.poll(), format!("lost {expected}, attempt 1 in 1s"));
    }
}

#[test]
fn an_idle_timeout_of_zero_still_reads_once() {
    let mut client = Client::open(silence(secs(0)));
    assert_eq!(client.poll(), "read until 0ns");
    assert_eq!(client.read("data\n\n"), ["event message \"\" id ", "read until 0ns"]);
    assert_eq!(client.poll(), "lost IdleTimeout, attempt 1 in 1s");
}

/// What the client waits for, after a comment every 15 s.
fn learned(comments: u32) -> (Client, String) {
    let mut client = Client::open(silence(Liveness::Adaptive));
    let mut wait = client.poll();
    for _ in 0..comments {
        client.sleep(secs(15));
        wait = client.read(": keep-alive\n").pop().unwrap();
    }
    (client, wait)
}

#[test]
fn adaptive_liveness_is_off_until_it_knows_the_keep_alive_interval() {
    assert_eq!(learned(2).1, "read for ever");
    let (mut client, wait) = learned(3);
    assert_eq!(wait, "read until 90s", "three times 15 s, after 45 s");
    client.sleep(secs(45));
    assert_eq!(client.poll(), "lost IdleTimeout, attempt 1 in 1s");
    client.sleep(secs(1));
    client.connect();
    assert_eq!(client.poll(), "read for ever", "and learns anew");
}

#[test]
fn adaptive_liveness_learns_from_a_comment_in_pieces() {
    let mut client = Client::open(silence(Liveness::Adaptive));
    client.poll();
    for _ in 0..3 {
        client.sleep(secs(20));
        client.read(": keep");
        client.sleep(millis(100));
        client.read("-alive\n");
    }
    assert_eq!(client.poll(), "read until 120.3s");
}

#[test]
fn adaptive_liveness_ignores_events_and_a_slow_application() {
    let mut client = Client::open(silence(Liveness::Adaptive));
    client.poll();
    for _ in 0..10 {
        client.sleep(secs(15));
        client.read("data: tick\n\n");
    }
    assert_eq!(client.poll(), "read for ever");
    for _ in 0..10 {
        let comment = client.source.poll(client.now, &mut &b":\n"[..]);
        assert_eq!(comment, sse_proto::Output::Frame(Frame::Comment("")));
        client.sleep(secs(15));
    }
    assert_eq!(client.poll(), "read for ever");
}
