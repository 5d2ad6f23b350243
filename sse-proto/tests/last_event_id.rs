//! `Parser::set_last_event_id`: an application replaces the last event ID string (9.2.6), and
//! `Limits::NONE`.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use sse_proto::{Limits, Parser};

/// The IDs of the events of `stream`.
fn ids(parser: &mut Parser, mut stream: &[u8]) -> Vec<String> {
    let mut ids = Vec::new();
    while let Some(event) = parser.next_event(&mut stream).unwrap() {
        ids.push(event.id.to_owned());
    }
    ids
}

// 9.2.6: the last event ID string changes at a dispatch alone.
#[test]
fn a_set_last_event_id_holds_until_the_stream_sets_another() {
    let mut parser = Parser::new();
    parser.set_last_event_id("7");
    assert_eq!(parser.last_event_id(), "7");
    assert_eq!(ids(&mut parser, b"data: a\n\nid: 8\ndata: b\n\ndata: c\n\n"), ["7", "8", "8"]);
    parser.set_last_event_id("9");
    assert_eq!(ids(&mut parser, b"data: d\n\nid\ndata: e\n\n"), ["9", ""]);
}

// 9.2.6, dispatch, step 1.
#[test]
fn the_id_of_an_open_block_is_committed_over_a_set_one() {
    let mut parser = Parser::new();
    assert!(ids(&mut parser, b"id: 1\ndata: a\n").is_empty());
    parser.set_last_event_id("9");
    assert_eq!(parser.last_event_id(), "9");
    assert_eq!(ids(&mut parser, b"\ndata: b\n\n"), ["1", "1"]);
}

#[test]
fn a_set_last_event_id_takes_any_text_in_any_place_of_a_line() {
    let stream = b"data: a\n\ndata: b\r\n\r\n";
    for at in 0..stream.len() {
        let mut parser = Parser::new();
        let before = ids(&mut parser, &stream[..at]).len();
        parser.set_last_event_id("gr\u{fc}n");
        assert_eq!(ids(&mut parser, &stream[at..]), vec!["gr\u{fc}n"; 2 - before], "set at {at}");
    }
}

#[test]
fn without_limits_an_event_and_an_id_are_as_long_as_the_peer_sends_them() {
    let long = "x".repeat(17 << 20);
    let mut parser = Parser::new().with_limits(Limits::NONE);
    let stream = format!("id: {long}\ndata: {long}\n\n");
    let mut chunks = stream.as_bytes().chunks(1 << 20).peekable();
    while let Some(mut chunk) = chunks.next() {
        let event = parser.next_event(&mut chunk).unwrap();
        assert_eq!(event.is_some(), chunks.peek().is_none());
        assert!(event.is_none_or(|event| event.data == long && event.id == long));
    }
}
