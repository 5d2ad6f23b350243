//! Tests of resuming: the ID that is sent, and the state that outlives a connection.

use super::{Seen, all, ask, causes, data};
use proto::Cause;
use sse_test::{Reply, Server};

// 9.2.4: `Last-Event-ID` carries the last event ID string.
#[test]
fn a_configured_last_event_id_is_sent_with_the_first_request() {
    let server = Server::play([Reply::stream("data: a\n\n"), Reply::no_content()]);
    let mut ask = ask(server.url("/"));
    ask.config = ask.config.with_last_event_id("41");
    all(&ask);
    for request in server.requests() {
        assert_eq!(request.text("last-event-id"), Some("41"));
    }
}

#[test]
fn a_last_event_id_header_is_sent_until_the_stream_changes_the_id() {
    let server = Server::play([
        Reply::stream("data: a\n\n"),
        Reply::stream("id: 6\ndata: b\n\n"),
        Reply::stream("id\ndata: c\n\n"),
        Reply::no_content(),
    ]);
    let mut ask = ask(server.url("/"));
    ask.headers.push(("last-event-id", "5"));
    all(&ask);
    let sent: Vec<_> =
        server.requests().iter().map(|request| request.text("last-event-id").map(str::to_owned)).collect();
    assert_eq!(sent, [Some("5".into()), Some("5".into()), Some("6".into()), None]);
}

// 9.2.3: a network error reestablishes the connection.
#[test]
fn a_reset_connection_is_retried() {
    let server = Server::play([
        Reply::stream("id: 1\ndata: a\n\n"),
        Reply::raw("").reset(),
        Reply::raw("").reset(),
        Reply::stream("data: b\n\n"),
        Reply::no_content(),
    ]);
    let seen = all(&ask(server.url("/")));
    assert_eq!(data(&seen), ["a", "b"]);
    let transport = Cause::Transport;
    assert_eq!(causes(&seen), [Cause::EndOfStream, transport, transport, Cause::EndOfStream]);
    assert_eq!(server.requests()[1].text("last-event-id"), Some("1"));
}

// 9.2.6: an incomplete block is discarded, with its ID.
#[test]
fn an_event_cut_by_a_broken_response_is_resumed() {
    let chunked = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n";
    let broken = Reply::response(200, chunked, "1C\r\nid: 1\ndata: a\n\nid: 2\ndata: h\r\n");
    let server = Server::play([broken, Reply::stream("alf\n\ndata: b\n\n"), Reply::no_content()]);
    let seen = all(&ask(server.url("/")));
    assert_eq!(data(&seen), ["a", "b"]);
    assert_eq!(causes(&seen), [Cause::TransportCut, Cause::EndOfStream]);
    assert_eq!(server.requests()[1].text("last-event-id"), Some("1"));
}

#[test]
fn a_query_parameter_carries_an_id_that_no_header_can() {
    let server = Server::play([Reply::stream("id: a\u{1}b&c\ndata: a\n\n"), Reply::no_content()]);
    let mut ask = ask(server.url("/?since=0&x=%7e"));
    ask.id_parameter = Some("since");
    all(&ask);
    let requests = server.requests();
    assert_eq!(requests[0].path, "/?since=0&x=%7e");
    assert_eq!(requests[1].path, "/?x=%7e&since=a%01b%26c");
}

#[test]
fn a_request_that_may_not_be_repeated_is_sent_once() {
    let server = Server::play([Reply::stream("data: a\n\n")]);
    let mut ask = ask(server.url("/"));
    ask.body = Some("question");
    let seen = all(&ask);
    assert_eq!(seen.last(), Some(&Seen::End));
    assert_eq!(causes(&seen), []);
    let request = &server.requests()[0];
    assert_eq!((&*request.method, &*request.body), ("POST", &b"question"[..]));
}

#[test]
fn a_request_with_a_body_is_repeated_as_configured() {
    let server = Server::play([Reply::stream("data: a\n\n"), Reply::no_content()]);
    let mut ask = ask(server.url("/"));
    ask.body = Some("question");
    ask.config = ask.config.with_repeat(proto::Repeat::Always);
    all(&ask);
    for request in server.requests() {
        assert_eq!((&*request.method, &*request.body), ("POST", &b"question"[..]));
    }
}
