//! Tests of timeouts, and of closing connections.

use std::time::Duration;

use super::{Seen, all, ask, causes, data};
use proto::{Cause, CloseReason, ReconnectPolicy, Repeat};
use sse_test::{Reply, Server};

const SOON: Duration = Duration::from_millis(40);

fn silent_after(body: &str) -> Reply {
    Reply::stream(body).hold()
}

#[test]
fn a_silent_connection_ends_at_the_idle_timeout() {
    let server =
        Server::play([silent_after("id: 1\ndata: a\n\n"), silent_after(": alive\n"), Reply::no_content()]);
    let mut ask = ask(server.url("/"));
    ask.config = ask.config.with_idle_timeout(SOON);
    let seen = all(&ask);
    assert_eq!(data(&seen), ["a"]);
    assert_eq!(causes(&seen), [Cause::IdleTimeout; 2]);
    assert_eq!(server.requests()[2].text("last-event-id"), Some("1"));
}

#[test]
fn a_stream_without_events_ends_at_the_event_timeout() {
    let server = Server::play([silent_after(": alive\n"), Reply::no_content()]);
    let mut ask = ask(server.url("/"));
    ask.config = ask.config.with_event_timeout(SOON);
    assert_eq!(causes(&all(&ask)), [Cause::EventTimeout]);
    server.requests();
}

#[test]
fn a_request_without_a_response_ends_at_the_head_timeout() {
    let server = Server::play([Reply::raw("").hold()]);
    let mut ask = ask(server.url("/"));
    // One attempt, because a busy machine may need longer for an answer that comes.
    ask.config = ask.config.with_policy(ReconnectPolicy::never()).with_head_timeout(SOON);
    let gave_up = CloseReason::GaveUp { cause: Cause::HeadTimeout, attempts: 0 };
    assert_eq!(all(&ask), [Seen::Closed(gave_up)]);
    server.requests();
}

#[cfg(target_os = "linux")]
#[test]
fn a_connect_whose_packets_are_dropped_ends_at_the_connect_timeout() {
    let host = sse_test::Full::listen();
    let mut ask = ask(host.url("/"));
    let policy = ask.config.policy().with_max_attempts(1);
    ask.config = ask.config.with_policy(policy).with_connect_timeout(SOON);
    let seen = all(&ask);
    assert_eq!(causes(&seen), [Cause::ConnectTimeout]);
    let gave_up = CloseReason::GaveUp { cause: Cause::ConnectTimeout, attempts: 1 };
    assert_eq!(seen.last(), Some(&Seen::Closed(gave_up)));
}

// The head is awaited from when the request is sent.
#[cfg(target_os = "linux")]
#[test]
fn a_head_timeout_shorter_than_the_connect_timeout_does_not_end_a_connect() {
    let host = sse_test::Full::listen();
    let mut ask = ask(host.url("/"));
    let policy = ask.config.policy().with_max_attempts(1);
    ask.config = ask.config.with_policy(policy).with_connect_timeout(4 * SOON).with_head_timeout(SOON / 4);
    assert_eq!(causes(&all(&ask)), [Cause::ConnectTimeout]);
}

/// A `POST` may be sent again if the connect failed, because nothing of it was sent.
#[cfg(target_os = "linux")]
#[test]
fn a_post_is_repeated_after_a_connect_timeout_if_refused() {
    let host = sse_test::Full::listen();
    let mut ask = ask(host.url("/"));
    ask.body = Some("question");
    let policy = ask.config.policy().with_max_attempts(2);
    ask.config = ask.config.with_policy(policy).with_connect_timeout(SOON).with_repeat(Repeat::IfRefused);
    assert_eq!(causes(&all(&ask)), [Cause::ConnectTimeout; 2]);
}

#[test]
fn closing_a_source_closes_its_connection() {
    let server = Server::play([silent_after("data: a\n\ndata: b\n\n")]);
    let mut seen = Vec::new();
    crate::follow(&ask(server.url("/")), &mut |item| {
        seen.push(item);
        matches!(seen.last(), Some(Seen::Event { .. }))
    });
    assert_eq!(data(&seen), ["a"]);
    server.requests();
}
