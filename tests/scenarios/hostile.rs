//! Endless input: each kind meets a limit or a timeout, with every HTTP client.

use std::time::Duration;

use super::{Seen, all, ask};
use proto::{Cause, CloseReason, Config, Error, Limits, ReconnectPolicy};
use sse_test::{Reply, Server};

const HEAD: &str = "HTTP/1.1 200 \r\nContent-Type: text/event-stream\r\n";
const SHORT: Duration = Duration::from_millis(100);
/// A head of 100 fields, the limit of some clients, takes 2 s: also a busy machine notices the
/// timeout before that.
const PAUSE: Duration = Duration::from_millis(20);

/// How a client ends that has one attempt.
fn end(reply: Reply, adjust: fn(Config) -> Config) -> CloseReason {
    let server = Server::play([reply]);
    let mut ask = ask(server.url("/"));
    ask.config = adjust(ask.config.with_policy(ReconnectPolicy::never()));
    let seen = all(&ask);
    server.requests();
    let Some(Seen::Closed(reason)) = seen.last() else { panic!("{seen:?}") };
    *reason
}

fn gave_up(cause: Cause) -> CloseReason {
    CloseReason::GaveUp { cause, attempts: 0 }
}

#[test]
fn a_trickling_head_ends_at_the_head_timeout() {
    for (start, piece) in
        [("HTTP/1.1 200 \r\n", "X: y\r\n"), ("HTTP/1.1 200 \r\nX: ", "y"), ("", "HTTP/1.1 103 \r\n\r\n")]
    {
        let reply = Reply::raw(start).repeat(piece, PAUSE);
        let reason = end(reply, |config| config.with_head_timeout(SHORT));
        assert_eq!(reason, gave_up(Cause::HeadTimeout), "{start:?} {piece:?}");
    }
}

#[test]
fn all_redirects_together_have_one_timeout() {
    let head =
        |n| format!("HTTP/1.1 307 \r\nContent-Length: 0\r\nLocation: /{n}\r\nConnection: close\r\n\r\n");
    let replies =
        (0..6).map(|n| Reply::raw("").sleep(SHORT / 3).send(head(n))).chain([Reply::stream("data: a\n\n")]);
    let server = Server::play(replies);
    let mut ask = ask(server.url("/"));
    ask.config = ask.config.with_policy(ReconnectPolicy::never());
    ask.config = ask.config.with_head_timeout(SHORT);
    assert_eq!(all(&ask), [Seen::Closed(gave_up(Cause::HeadTimeout))]);
}

#[test]
fn a_flooding_head_is_refused_at_its_size_limit() {
    for (start, piece) in [("", "x"), ("HTTP/1.1 200 \r\nX: ", "x"), ("HTTP/1.1 200 \r\n", "X: y\r\n")] {
        let reply = Reply::raw(start).repeat(piece.repeat(10_000), Duration::ZERO);
        assert_eq!(end(reply, |config| config), gave_up(Cause::Transport), "{start:?} {piece:?}");
    }
}

#[test]
fn chunks_whose_size_has_no_end_break_the_connection() {
    for start in ["", "5;x=", "5;"] {
        let head = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{start}");
        let reply = Reply::raw(head).repeat("f".repeat(10_000), Duration::ZERO);
        assert_eq!(end(reply, |config| config), gave_up(Cause::Transport), "{start:?}");
    }
}

/// RFC 9112, 7.1. A proxy may read such a size differently.
#[test]
fn a_malformed_chunk_size_breaks_the_connection() {
    for size in ["+9", "-9", " 9", "0x9", "9g", "", "10000000000000009"] {
        let body = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{size}\r\ndata: a\n\n\r\n0\r\n\r\n");
        assert_eq!(end(Reply::raw(body), |config| config), gave_up(Cause::Transport), "{size:?}");
    }
}

#[test]
fn an_event_without_end_is_over_its_limit() {
    let limit = 1 << 20;
    for (start, piece) in [("data: ", "x"), ("", "data: x\n"), ("event: ", "x"), (":", "x")] {
        let reply = Reply::raw(format!("{HEAD}\r\n{start}")).repeat(piece.repeat(10_000), Duration::ZERO);
        let reason = end(reply, |config| config.with_limits(Limits::default().with_event(1 << 20)));
        assert_eq!(reason, CloseReason::Limit(Error::EventTooLong { limit }), "{start:?}");
    }
    let reply = Reply::raw(format!("{HEAD}\r\nid:")).repeat(vec![b'7'; 10_000], Duration::ZERO);
    assert_eq!(end(reply, |config| config), CloseReason::Limit(Error::IdTooLong { limit: 4 << 10 }));
}
