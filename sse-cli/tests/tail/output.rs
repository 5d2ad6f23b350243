//! Forms of output for people: text, JSON, raw.

use std::time::Duration;

use serde_json::json;

use sse_test::{Reply, Server};

use crate::run;

const BODY: &str = ": hi\nretry: 10\nid: 7\nevent: add\ndata: one\ndata: two\n\ndata: {\"a\":1}\n\n";

#[test]
fn events_go_to_stdout_and_everything_else_to_stderr() {
    let server = Server::play([Reply::stream(BODY), Reply::no_content()]);
    let left = run(&server.url("/"), &[]);
    assert_eq!(left.out, "add #7: one\n  two\nmessage #7: {\"a\":1}\n");
    let err: Vec<_> = left.err.lines().collect();
    assert_eq!(err[0], format!("* open: {}, 200 OK HTTP/1.1", server.url("/")));
    assert_eq!(err[1..3], [": hi", "* retry: 10 ms"]);
    assert!(err[3].starts_with("* disconnected: the response ended; attempt 1 in 1"), "{}", err[3]);
    assert_eq!(err[4], "* closed: the server answered with status 204: do not connect again");
    let summary = format!("* 2 events, 1 comment, {} bytes, 0 reconnections, ", BODY.len());
    assert!(err[5].starts_with(&summary), "{}", err[5]);
    assert_eq!(err.len(), 6);
    assert_eq!(left.code, Some(0));
}

#[test]
fn json_has_an_object_a_line_for_everything() {
    let server = Server::play([Reply::stream(BODY), Reply::stream("data:\n\n"), Reply::no_content()]);
    let left = run(&server.url("/"), &["--json"]);
    let mut lines = left.json();
    for line in &mut lines {
        // The delay is left to chance, within bounds.
        if line["kind"] == "disconnected" {
            let delay = line["delay_ms"].take().as_u64().unwrap();
            assert!((10..=15).contains(&delay), "{delay}");
        }
    }
    assert_eq!(
        lines,
        [
            json!({"kind": "open", "status": 200}),
            json!({"kind": "comment", "data": "hi"}),
            json!({"kind": "retry", "delay_ms": 10}),
            json!({"kind": "event", "event": "add", "data": "one\ntwo", "id": "7"}),
            json!({"kind": "event", "event": "message", "data": "{\"a\":1}", "id": "7",
                "json": {"a": 1}}),
            json!({"kind": "disconnected", "attempt": 1, "delay_ms": null, "cause": "the response ended"}),
            json!({"kind": "open", "status": 200}),
            json!({"kind": "event", "event": "message", "data": "", "id": "7"}),
            json!({"kind": "disconnected", "attempt": 1, "delay_ms": null, "cause": "the response ended"}),
            json!({"kind": "closed", "status": 204,
                "cause": "the server answered with status 204: do not connect again"}),
        ]
    );
    assert_eq!(left.code, Some(0));
}

#[test]
fn lines_without_effect_are_shown_with_verbose() {
    let body = "{\"error\": \"overloaded\\u001b\"}\nretry: soon\n\ndata: a\n\n";
    for verbose in [false, true] {
        let server = Server::play([
            Reply::stream(body),
            Reply::no_content(),
            Reply::stream(body),
            Reply::no_content(),
        ]);
        let flags = if verbose { &["--verbose"][..] } else { &[] };
        let left = run(&server.url("/"), flags);
        assert_eq!(left.out, "message: a\n");
        for line in ["* ignored: {\"error\": \"overloaded\\u001b\"}\n", "* ignored: retry: soon\n"] {
            assert_eq!(left.err.contains(line), verbose, "{}", left.err);
        }
        let flags = [flags, &["--json"]].concat();
        let ignored: Vec<_> = run(&server.url("/"), &flags)
            .json()
            .into_iter()
            .filter(|line| line["kind"] == "ignored")
            .collect();
        let expected = json!({"kind": "ignored", "data": "retry: soon"});
        assert_eq!(ignored.last(), verbose.then_some(&expected));
    }
}

#[test]
fn no_control_character_is_left_in_json() {
    let server = Server::play([Reply::stream("data: \x1b[2J\x7f\u{9b}31m\u{202e}\n\n")]);
    let left = run(&server.url("/"), &["--json", "--max-events", "1"]);
    assert!(!left.out.contains(|char: char| char.is_control() && char != '\n' || char == '\u{202e}'));
    assert_eq!(left.json()[1]["data"], "\x1b[2J\x7f\u{9b}31m\u{202e}");
}

#[test]
fn text_in_a_pipe_is_unchanged() {
    let server = Server::play([Reply::stream("data: \x1b[1mbold\x1b[0m\n\n")]);
    assert_eq!(run(&server.url("/"), &["--max-events", "1"]).out, "message: \x1b[1mbold\x1b[0m\n");
}

#[test]
fn raw_passes_on_the_bytes_and_ends_with_the_response() {
    let body = "\u{feff}: hi\r\nretry: 10\r\ndata: one\r\n\r\nid: 2\ndata: cut";
    let server = Server::play([Reply::stream(body), Reply::stream("data: never requested\n\n")]);
    let left = run(&server.url("/"), &["--raw"]);
    assert_eq!(left.out, body);
    assert_eq!(left.code, Some(0));
    server.request();
    assert_eq!(server.further_requests(), 0);
}

#[test]
fn max_events_ends_the_command() {
    let server = Server::play([Reply::stream("data: 1\n\n: no event\ndata: 2\n\ndata: 3\n\n").hold()]);
    let left = run(&server.url("/"), &["--max-events", "2"]);
    assert_eq!(left.out, "message: 1\nmessage: 2\n");
    assert_eq!(left.code, Some(0));
}

#[test]
fn a_refused_response_is_reported_with_its_status_and_its_first_bytes() {
    let body = "{\n  \"error\": \"no \x1b[31mkey\"\n}\n";
    let server = Server::play([Reply::status(401, "Content-Type: application/json\r\n", body)]);
    let left = run(&server.url("/"), &["--json"]);
    let cause = "the server answered with status 401 instead of 200: { \"error\": \"no \\u{1b}[31mkey\" }";
    assert_eq!(left.err, format!("sse: {}: {cause}\n", server.url("/")));
    assert_eq!(left.json()[0]["kind"], "closed");
    assert_eq!(left.json()[0]["status"], 401);
    assert_eq!(left.code, Some(3));
}

#[test]
fn a_long_refusal_is_cut_in_the_message() {
    let endless =
        Reply::raw("HTTP/1.1 500 Internal Server Error\r\n\r\n").repeat("x".repeat(10_000), Duration::ZERO);
    let long = Reply::status(500, "", &"x".repeat(100_000));
    let server = Server::play([long, endless]);
    for _ in 0..2 {
        let left = run(&server.url("/"), &[]);
        assert!(left.err.chars().count() < 420, "{}", left.err);
        assert!(left.err.ends_with("xxx…\n"));
        assert_eq!(left.code, Some(3));
    }
}

#[test]
fn another_content_type_is_refused_unless_lenient() {
    let answer = || Reply::status(200, "Content-Type: application/json\r\n", "data: one\n\ndata: two");
    let server = Server::play([answer(), answer()]);
    let left = run(&server.url("/"), &[]);
    assert!(left.err.contains("the response is not text/event-stream but application/json"), "{}", left.err);
    assert_eq!((left.out.as_str(), left.code), ("", Some(3)));
    let left = run(&server.url("/"), &["--lenient", "--no-reconnect"]);
    assert_eq!((left.out.as_str(), left.code), ("message: one\nmessage: two\n", Some(0)));
}
