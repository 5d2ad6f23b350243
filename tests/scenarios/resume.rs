//! Resuming: which ID is sent, and what a connection leaves behind.

use std::time::Duration;

use super::{Seen, all, ask, causes, data};
use proto::Cause;
use sse_test::{Reply, Server, no_content, response, stream};

/// The bodies that the client follows, then what it said and the `Last-Event-ID` of its requests.
fn follow(bodies: &[&str]) -> (Vec<Seen>, Vec<Option<Vec<u8>>>) {
    let server = Server::play(bodies.iter().map(|body| stream(body)).chain([no_content()]));
    let seen = all(&ask(server.url("/")));
    assert_eq!(seen.last(), Some(&Seen::End));
    let requests = server.requests();
    let ids = requests.iter().map(|request| request.header("last-event-id").map(<[u8]>::to_vec)).collect();
    (seen, ids)
}

fn id(id: &str) -> Option<Vec<u8>> {
    Some(id.into())
}

#[test]
fn a_an_id_lasts_until_the_next_one() {
    let (seen, ids) = follow(&["id: 5\ndata: a\n\ndata: b\n\n", "data: c\n\n"]);
    assert_eq!(ids, [None, id("5"), id("5")]);
    assert_eq!(data(&seen), ["a", "b", "c"]);
    let last = Seen::Event { event: "message".into(), data: "c".into(), id: "5".into() };
    assert!(seen.contains(&last), "{seen:?}");
}

#[test]
fn b_no_id_no_header() {
    let (_, ids) = follow(&["data: a\n\n", "data: b\n\n"]);
    assert_eq!(ids, [None, None, None]);
}

#[test]
fn b_the_first_id_may_be_given() {
    let server = Server::play([stream("data: a\n\n"), no_content()]);
    let mut ask = ask(server.url("/"));
    ask.config = ask.config.with_last_event_id("41");
    all(&ask);
    for request in server.requests() {
        assert_eq!(request.text("last-event-id"), Some("41"));
    }
}

#[test]
fn b_also_as_a_header_until_the_stream_takes_it_back() {
    let server = Server::play([
        stream("data: a\n\n"),
        stream("id: 6\ndata: b\n\n"),
        stream("id\ndata: c\n\n"),
        no_content(),
    ]);
    let mut ask = ask(server.url("/"));
    ask.headers.push(("last-event-id", "5"));
    all(&ask);
    let sent: Vec<_> =
        server.requests().iter().map(|request| request.text("last-event-id").map(str::to_owned)).collect();
    assert_eq!(sent, [Some("5".into()), Some("5".into()), Some("6".into()), None]);
}

#[test]
fn c_retry_alone_is_honoured() {
    let (seen, _) = follow(&["retry: 50\n\n"]);
    let lost = Seen::Disconnected { cause: Cause::EndOfStream, delay: Duration::from_millis(50) };
    assert!(seen.contains(&lost), "{seen:?}");
}

#[test]
fn d_an_id_is_sent_as_utf_8() {
    let (_, ids) = follow(&["id: …ü日\ndata: a\n\n"]);
    assert_eq!(ids[1], id("…ü日"));
}

#[test]
fn g_a_reset_is_no_reason_to_give_up() {
    let server = Server::play([
        stream("id: 1\ndata: a\n\n"),
        Reply::Reset,
        Reply::Reset,
        stream("data: b\n\n"),
        no_content(),
    ]);
    let seen = all(&ask(server.url("/")));
    assert_eq!(data(&seen), ["a", "b"]);
    let transport = Cause::Transport;
    assert_eq!(causes(&seen), [Cause::EndOfStream, transport, transport, Cause::EndOfStream]);
    assert_eq!(server.requests()[1].text("last-event-id"), Some("1"));
}

#[test]
fn h_a_truncated_block_is_not_resumed_after() {
    let (seen, ids) = follow(&["id: 1\ndata: a\n\nid: 2\ndata: hal", "data: b\n\n"]);
    assert_eq!(ids, [None, id("1"), id("1")]);
    assert_eq!(data(&seen), ["a", "b"]);
}

#[test]
fn h_nor_is_one_that_a_broken_response_cut() {
    let chunked = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n";
    let broken = response(200, chunked, "1C\r\nid: 1\ndata: a\n\nid: 2\ndata: h\r\n");
    let server = Server::play([Reply::Bytes(broken), stream("alf\n\ndata: b\n\n"), no_content()]);
    let seen = all(&ask(server.url("/")));
    assert_eq!(data(&seen), ["a", "b"]);
    assert_eq!(causes(&seen), [Cause::Transport, Cause::EndOfStream]);
    assert_eq!(server.requests()[1].text("last-event-id"), Some("1"));
}

#[test]
fn l_a_block_with_an_id_alone_counts() {
    let (_, ids) = follow(&["id: 7\n\n"]);
    assert_eq!(ids, [None, id("7")]);
}

#[test]
fn m_a_malformed_retry_costs_no_event() {
    let (seen, _) = follow(&["retry: x\ndata: a\n\n"]);
    assert_eq!(data(&seen), ["a"]);
}

#[test]
fn n_an_id_that_no_header_can_carry_is_not_sent() {
    let (seen, ids) = follow(&["id: a\u{1}b\ndata: a\n\n", "data: b\n\n"]);
    assert_eq!(ids, [None, None, None]);
    assert_eq!(data(&seen), ["a", "b"]);
    let last = Seen::Event { event: "message".into(), data: "b".into(), id: "a\u{1}b".into() };
    assert!(seen.contains(&last), "{seen:?}");
}

#[test]
fn n_a_query_parameter_carries_any_id() {
    let server = Server::play([stream("id: a\u{1}b&c\ndata: a\n\n"), no_content()]);
    let mut ask = ask(server.url("/?since=0&x=%7e"));
    ask.id_parameter = Some("since");
    all(&ask);
    let requests = server.requests();
    assert_eq!(requests[0].path, "/?since=0&x=%7e");
    assert_eq!(requests[1].path, "/?x=%7e&since=a%01b%26c");
}

#[test]
fn a_request_that_may_not_be_repeated_is_sent_once() {
    let server = Server::play([stream("data: a\n\n")]);
    let mut ask = ask(server.url("/"));
    ask.body = Some("question");
    let seen = all(&ask);
    assert_eq!(seen.last(), Some(&Seen::End));
    assert_eq!(causes(&seen), []);
    let request = &server.requests()[0];
    assert_eq!((&*request.method, &*request.body), ("POST", "question"));
}

#[test]
fn or_with_its_body_as_often_as_asked() {
    let server = Server::play([stream("data: a\n\n"), no_content()]);
    let mut ask = ask(server.url("/"));
    ask.body = Some("question");
    ask.config = ask.config.with_repeat(proto::Repeat::Always);
    all(&ask);
    for request in server.requests() {
        assert_eq!((&*request.method, &*request.body), ("POST", "question"));
    }
}
