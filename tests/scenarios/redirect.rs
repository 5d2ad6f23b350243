//! Tests of redirects, and of the headers that do not follow them.

use super::{Seen, all, ask, data};
use proto::CloseReason;
use sse_test::{Reply, Server};

const FATAL: Seen = Seen::Closed(CloseReason::Transport);

// 9.2.1: event stream requests can be redirected.
#[test]
fn a_relative_location_is_resolved() {
    for code in [301, 302, 303, 307, 308] {
        for (location, path) in
            [("next?x=1", "/dir/next?x=1"), ("/root", "/root"), ("../up", "/up"), ("?q", "/dir/first?q")]
        {
            let server = Server::play([
                Reply::redirect(code, location),
                Reply::stream("id: 1\ndata: a\n\n"),
                Reply::no_content(),
            ]);
            let seen = all(&ask(server.url("/dir/first")));
            assert_eq!(data(&seen), ["a"], "{code} {location}");
            let requests = server.requests();
            assert_eq!(requests[1].path, path, "{code} {location}");
            assert_eq!(requests[2].path, "/dir/first", "a reconnection begins at the first URL");
            assert_eq!(requests[2].text("last-event-id"), Some("1"));
        }
    }
}

/// A server may close a connection without saying so in the response before (RFC 9112, 9.6). A
/// request that meets the end of a kept connection is lost, so each request has its own.
#[test]
fn each_request_has_its_own_connection() {
    let home = |n: usize| Reply::raw(format!("HTTP/1.1 307 \r\nLocation: /{n}\r\nContent-Length: 0\r\n\r\n"));
    for _ in 0..5 {
        let server = Server::play((0..9).map(home).chain([Reply::stream("data: a\n\n")]));
        let mut ask = ask(server.url("/"));
        ask.body = Some("question");
        assert_eq!(data(&all(&ask)), ["a"]);
        let requests = server.requests();
        assert_eq!(requests.len(), 10);
        assert!(requests.iter().all(|request| request.body == b"question"));
    }
}

// Servers put raw Latin-1 into `Location`; browsers keep the bytes.
#[test]
fn a_location_in_latin_1_is_followed() {
    let location =
        b"HTTP/1.1 302 \r\nLocation: /caf\xe9?a=\xe9\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let server = Server::play([Reply::raw(location), Reply::stream("data: a\n\n"), Reply::no_content()]);
    assert_eq!(data(&all(&ask(server.url("/")))), ["a"]);
    assert_eq!(server.requests()[1].path, "/caf%E9?a=%E9");
}

#[test]
fn a_redirect_without_a_location_is_an_error() {
    for reply in [
        Reply::status(301, "", ""),
        Reply::redirect(307, ""),
        Reply::redirect(302, "ftp://localhost/"),
        Reply::redirect(302, "http://"),
    ] {
        let server = Server::play([reply]);
        assert_eq!(all(&ask(server.url("/"))), [FATAL]);
        server.requests();
    }
}

#[test]
fn redirects_are_counted_up_to_20_and_urls_are_not_compared() {
    for path in [|_| "/".to_owned(), |n: usize| format!("/{n}")] {
        let server = Server::play((0..21).map(|n| Reply::redirect(302, &path(n))));
        assert_eq!(all(&ask(server.url("/"))), [FATAL]);
        assert_eq!(server.requests().len(), 21);
    }
    let server = Server::play(
        (0..20).map(|_| Reply::redirect(302, "/")).chain([Reply::stream("data: a\n\n"), Reply::no_content()]),
    );
    assert_eq!(data(&all(&ask(server.url("/")))), ["a"]);
    server.requests();
}

#[test]
fn credential_headers_do_not_follow_a_redirect_to_another_origin() {
    let there = Server::play([Reply::stream("data: a\n\n")]);
    let here = Server::play([
        Reply::redirect(307, "/here"),
        Reply::redirect(307, &there.url("/there")),
        Reply::no_content(),
    ]);
    let mut ask = ask(here.url("/"));
    ask.headers =
        vec![("authorization", "Bearer x"), ("cookie", "a=b"), ("x-api-key", "k"), ("x-public", "p")];
    ask.forward = vec!["x-public"];
    ask.config = ask.config.with_last_event_id("7");
    assert_eq!(data(&all(&ask)), ["a"]);
    for request in here.requests() {
        assert_eq!(request.text("authorization"), Some("Bearer x"));
        assert_eq!(request.text("x-api-key"), Some("k"));
    }
    let request = &there.requests()[0];
    for name in ["authorization", "cookie", "x-api-key"] {
        assert_eq!(request.header(name), None, "{name}");
    }
    assert_eq!(request.text("x-public"), Some("p"));
    assert_eq!(request.text("accept"), Some("text/event-stream"));
    assert_eq!(request.text("last-event-id"), Some("7"));
}

#[test]
fn credentials_of_a_url_do_not_follow_a_redirect_to_another_origin() {
    let there = Server::play([Reply::stream("data: a\n\n")]);
    let here = Server::play([
        Reply::redirect(307, "/here"),
        Reply::redirect(307, &there.url("/there")),
        Reply::no_content(),
    ]);
    let url = here.url("/").replace("//", "//me:pass%20word@");
    let seen = all(&ask(url));
    assert_eq!(data(&seen), ["a"]);
    for request in here.requests() {
        assert_eq!(request.text("authorization"), Some("Basic bWU6cGFzcyB3b3Jk"));
    }
    assert_eq!(there.requests()[0].header("authorization"), None);
}

#[test]
fn credentials_of_a_location_are_sent_to_its_origin() {
    let there = Server::play([Reply::stream("data: a\n\n")]);
    let location = there.url("/").replace("//", "//me:pass%20word@");
    let here = Server::play([Reply::redirect(307, &location), Reply::no_content()]);
    assert_eq!(data(&all(&ask(here.url("/")))), ["a"]);
    assert_eq!(there.requests()[0].text("authorization"), Some("Basic bWU6cGFzcyB3b3Jk"));
    assert!(here.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn a_redirect_keeps_the_body_or_turns_the_method_into_get() {
    for (code, method, body) in [
        (301, "GET", ""),
        (302, "GET", ""),
        (303, "GET", ""),
        (307, "POST", "question"),
        (308, "POST", "question"),
    ] {
        let server = Server::play([Reply::redirect(code, "/next"), Reply::stream("data: a\n\n")]);
        let mut ask = ask(server.url("/"));
        ask.headers = vec![("content-type", "text/plain")];
        ask.body = Some("question");
        assert_eq!(data(&all(&ask)), ["a"]);
        let request = &server.requests()[1];
        assert_eq!((&*request.method, &*request.body), (method, body.as_bytes()), "{code}");
        assert_eq!(request.text("content-type").is_some(), method == "POST", "{code}");
    }
}
