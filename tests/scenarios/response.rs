//! Validating responses (9.2.2).

use super::{Seen, all, ask, causes, data};
use sse_test::{Reply, Server};
use std::time::Duration;

use proto::{Cause, CloseReason, Config, Repeat};

/// What a client says about a response of this content type.
fn of_type(content_type: &str) -> Vec<Seen> {
    let headers = format!("Content-Type: {content_type}\r\n");
    let server = Server::play([Reply::response(200, &headers, "data: a\n\n")]);
    let mut ask = ask(server.url("/"));
    let policy = ask.config.policy().with_max_attempts(0);
    ask.config = ask.config.with_policy(policy);
    let seen = all(&ask);
    server.requests();
    seen
}

// 9.2.2: `Accept: text/event-stream`, and the cache mode no-store.
#[test]
fn a_request_accepts_event_streams_and_forbids_caching() {
    let server = Server::play([Reply::stream("data: a\n\n"), Reply::no_content()]);
    let seen = all(&ask(server.url("/events?x=1")));
    assert_eq!(seen[0], Seen::Open(200));
    let request = &server.requests()[0];
    assert_eq!((&*request.method, &*request.path), ("GET", "/events?x=1"));
    assert_eq!(request.text("accept"), Some("text/event-stream"));
    assert_eq!(request.text("cache-control"), Some("no-cache"));
    assert_eq!(request.text("accept-encoding"), Some("identity"));
    assert!(request.text("user-agent").is_some_and(|product| product.starts_with("sse-http/")));
    assert!(request.text("host").is_some());
}

// 9.2.2 fails the connection at every status other than 200; `retry_status` deviates.
#[test]
fn a_status_is_retried_if_configured() {
    let busy = Reply::response(503, "Content-Length: 0\r\nRetry-After: 0\r\n", "");
    let server = Server::play([busy, Reply::stream("data: a\n\n"), Reply::no_content()]);
    let mut ask = ask(server.url("/"));
    ask.config = ask.config.with_retry_status(Config::TRANSIENT_STATUS);
    let seen = all(&ask);
    assert_eq!(data(&seen), ["a"]);
    assert_eq!(causes(&seen), [Cause::Status(503), Cause::EndOfStream]);
    server.requests();
}

#[test]
fn the_last_of_several_content_types_counts() {
    let (stream, html) = ("text/event-stream", "text/html");
    for between in ["\r\nContent-Type: ", ", "] {
        assert_eq!(data(&of_type(&[html, between, stream].concat())), ["a"]);
        assert_eq!(of_type(&[stream, between, html].concat()), [Seen::Closed(CloseReason::ContentType)]);
    }
}

/// [`Seen::of`] sees to it, here and everywhere.
#[test]
fn secrets_are_not_printed() {
    let cookie = "Content-Type: text/event-stream\r\nSet-Cookie: session=secret\r\n";
    let home = "Location: /?key=secret\r\nContent-Length: 0\r\n";
    let server = Server::play([
        Reply::response(302, home, ""),
        Reply::response(200, cookie, "data: a\n\n"),
        Reply::response(403, cookie, "secret"),
    ]);
    let mut ask = ask(server.url("/a?key=secret"));
    ask.headers.push(("authorization", "Bearer secret"));
    let seen = all(&ask);
    assert_eq!(data(&seen), ["a"]);
    assert_eq!(seen.last(), Some(&Seen::Closed(CloseReason::Status(403))));
    server.requests();
}

// 9.2.3: a network error reestablishes the connection.
#[test]
fn a_refused_connection_is_retried_as_not_sent() {
    let server = Server::play([]);
    let mut ask = ask(server.url("/"));
    server.requests();
    let policy = ask.config.policy().with_max_attempts(2);
    ask.config = ask.config.with_policy(policy);
    let seen = all(&ask);
    assert_eq!(causes(&seen), [Cause::NotSent, Cause::NotSent]);
    let gave_up = CloseReason::GaveUp { cause: Cause::NotSent, attempts: 2 };
    assert_eq!(seen.last(), Some(&Seen::Closed(gave_up)));
}

#[test]
fn an_answer_before_the_end_of_the_requests_body_counts() {
    let large = "Content-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"error\":\"large\"}";
    let answer = format!("HTTP/1.1 413 \r\n{large}");
    let server = Server::play([Reply::raw(answer).early().hold()]);
    let body = "x".repeat(8 << 20);
    let mut ask = ask(server.url("/"));
    ask.body = Some(body.leak());
    ask.config = ask.config.with_head_timeout(Duration::from_secs(30));
    assert_eq!(all(&ask), [Seen::Closed(CloseReason::Status(413))]);
    server.requests();
}

/// RFC 9110, 15.2: a client reads any number of interim responses before the answer. Their headers
/// are not headers of the answer, which [`Seen::of`] checks of `X-Interim`.
#[test]
fn interim_responses_and_their_headers_are_ignored() {
    let hints = "HTTP/1.1 103 Early Hints\r\nX-Interim: 1\r\nContent-Type: text/html\r\n\
                 Content-Encoding: gzip\r\nLocation: /elsewhere\r\nLink: </a>\r\n\r\n";
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: a\n\n";
    let pause = Duration::from_millis(10);
    let separate = Reply::raw("HTTP/1.1 102 Processing\r\n\r\n").sleep(pause).send(hints).sleep(pause);
    for hinted in [separate.send(answer), Reply::raw([hints, hints, answer].concat())] {
        let server = Server::play([hinted, Reply::no_content()]);
        let seen = all(&ask(server.url("/")));
        assert_eq!((&seen[0], data(&seen)), (&Seen::Open(200), vec!["a"]));
        let requests = server.requests();
        assert_eq!((requests.len(), &*requests[1].path), (2, "/"));
    }
}

/// `Accept-Encoding` of the user's own changes nothing: no client has a decoder.
#[test]
fn a_content_coding_is_refused_and_identity_is_accepted() {
    for user in [None, Some(("accept-encoding", "gzip"))] {
        for coding in ["gzip", "br", "identity, x-unknown"] {
            let headers = format!("Content-Type: text/event-stream\r\nContent-Encoding: {coding}\r\n");
            let server = Server::play([Reply::response(200, &headers, "\u{1f}\u{8b}")]);
            let mut ask = ask(server.url("/"));
            ask.headers.extend(user);
            let seen = all(&ask);
            let Some(Seen::Closed(CloseReason::ContentEncoding(refused))) = seen.last() else {
                panic!("{seen:?}")
            };
            assert!(coding.ends_with(&refused.to_string()), "{refused}");
            assert_eq!(seen.len(), 1);
            let sent = server.requests()[0].text("accept-encoding").map(str::to_owned);
            assert_eq!(sent.as_deref(), Some(user.map_or("identity", |(_, value)| value)));
        }
    }
    let headers = "Content-Type: text/event-stream\r\nContent-Encoding: Identity\r\n";
    let server = Server::play([Reply::response(200, headers, "data: a\n\n"), Reply::no_content()]);
    assert_eq!(data(&all(&ask(server.url("/")))), ["a"]);
    server.requests();
}

// RFC 9112, 7: HTTP clients undo `chunked` alone.
#[test]
fn a_transfer_coding_other_than_chunked_is_refused() {
    let chunk = "3\r\n\u{1f}\u{8b}\r\n0\r\n\r\n";
    for (coding, body) in [("gzip, chunked", chunk), ("gzip", "\u{1f}\u{8b}")] {
        let headers = format!("Content-Type: text/event-stream\r\nTransfer-Encoding: {coding}\r\n");
        let server = Server::play([Reply::response(200, &headers, body)]);
        let seen = all(&ask(server.url("/")));
        let [Seen::Closed(CloseReason::TransferEncoding(refused))] = seen[..] else { panic!("{seen:?}") };
        assert_eq!(refused.to_string(), "gzip");
        server.requests();
    }
}

#[test]
fn a_head_of_100_kilobytes_is_read() {
    let headers = format!("X-Long: {}\r\nContent-Type: text/event-stream\r\n", "x".repeat(100 << 10));
    let server = Server::play([Reply::response(200, &headers, "data: a\n\n"), Reply::no_content()]);
    assert_eq!(data(&all(&ask(server.url("/")))), ["a"]);
    server.requests();
}

#[test]
fn a_user_agent_may_be_replaced() {
    let server = Server::play([Reply::no_content()]);
    let mut ask = ask(server.url("/"));
    ask.headers.push(("user-agent", "mine/1"));
    all(&ask);
    assert_eq!(server.requests()[0].text("user-agent"), Some("mine/1"));
}

/// A `POST` that no server received is sent again by [`Repeat::IfRefused`].
#[test]
fn a_post_that_was_not_sent_may_be_sent_again() {
    let server = Server::play([]);
    let mut ask = ask(server.url("/"));
    server.requests();
    ask.body = Some("question");
    let policy = ask.config.policy().with_max_attempts(2);
    ask.config = ask.config.with_policy(policy).with_repeat(Repeat::IfRefused);
    assert_eq!(causes(&all(&ask)), [Cause::NotSent, Cause::NotSent]);
}

// 9.2.6: an incomplete block is discarded.
#[test]
fn an_event_that_was_cut_is_reported() {
    let server = Server::play([
        Reply::stream("data: a\n\ndata: hal"),
        Reply::stream("data: b\n\n"),
        Reply::no_content(),
    ]);
    let seen = all(&ask(server.url("/")));
    assert_eq!(causes(&seen), [Cause::EventCut, Cause::EndOfStream]);
    server.requests();
}

#[test]
fn an_event_that_a_broken_response_cut_is_reported() {
    let of = |length: usize, body: &str| {
        let headers = format!("Content-Type: text/event-stream\r\nContent-Length: {length}\r\n");
        Reply::response(200, &headers, body)
    };
    let cut = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n";
    let cut = Reply::response(200, cut, "8\r\ndata: ha\r\n");
    let script = [of(100, "data: a\n\ndata: hal"), of(100, "data: b\n\n"), cut, Reply::no_content()];
    let server = Server::play(script);
    let seen = all(&ask(server.url("/")));
    assert_eq!(causes(&seen), [Cause::TransportCut, Cause::Transport, Cause::TransportCut]);
    assert_eq!(data(&seen), ["a", "b"]);
    server.requests();
}

/// RFC 9112, 8: a body without a length is complete when its connection is closed, not when it is
/// reset.
#[cfg(target_os = "linux")]
#[test]
fn a_reset_is_not_the_end_of_a_body_without_a_length() {
    let broken = |body: &str| Reply::stream(body).early().reset();
    let script =
        [broken("data: a\n\n"), broken("data: b\n\ndata: hal"), broken(": hal"), Reply::no_content()];
    let server = Server::play(script);
    let seen = all(&ask(server.url("/")));
    assert_eq!(causes(&seen), [Cause::Transport, Cause::TransportCut, Cause::Transport]);
    assert_eq!(data(&seen), ["a", "b"]);
    server.requests();
}

/// 9.2.6: a comment is not part of an event.
#[test]
fn a_stream_that_ends_in_a_comment_cut_no_event() {
    let server = Server::play([
        Reply::stream("data: a\n\n: hal"),
        Reply::stream("data: b\n: hal"),
        Reply::no_content(),
    ]);
    let seen = all(&ask(server.url("/")));
    assert_eq!(causes(&seen), [Cause::EndOfStream, Cause::EventCut]);
    server.requests();
}
