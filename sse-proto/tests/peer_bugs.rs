//! Tests for bugs of other parsers, which were found by running them, and for known attacks.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

mod support;

use std::time::Duration;

use sse_proto::{Finish, Parser};
use support::transcript::{Said, Transcript, Way, listen};
use support::{Owned, owned};

/// The outcome, which is the same whole, byte by byte, and cut in two anywhere.
fn read(stream: impl AsRef<[u8]>) -> Transcript {
    let stream = stream.as_ref();
    let whole = listen(Parser::new(), [stream], || Way::Frame);
    assert_eq!(listen(Parser::new(), stream.chunks(1), || Way::Frame), whole);
    for at in 0..=stream.len() {
        assert_eq!(
            listen(Parser::new(), [&stream[..at], &stream[at..]], || Way::Frame),
            whole,
            "cut at {at}"
        );
    }
    whole
}

fn events(stream: impl AsRef<[u8]>) -> Vec<Owned> {
    let events = |said| if let Said::Event(event) = said { Some(event) } else { None };
    read(stream).said.into_iter().filter_map(events).collect()
}

fn message(data: &str) -> Owned {
    owned("message", data, "")
}

// 9.2.5: one leading U+FEFF is ignored.
#[test]
fn a_byte_order_mark_neither_panics_nor_loses_an_event_however_it_is_split() {
    assert_eq!(events("\u{feff}data: x\n\n"), [message("x")]);
    let chunks: [&[u8]; 5] = [b"", b"\xef", b"", b"\xbb", b"\xbfdata: x\n\n"];
    assert_eq!(listen(Parser::new(), chunks, || Way::Event).said, [Said::Event(message("x"))]);
}

// 9.2.5: `bom` stands at the start of the stream alone.
#[test]
fn a_second_byte_order_mark_and_one_further_on_are_characters() {
    assert_eq!(events("\u{feff}\u{feff}data: x\n\ndata: y\n\n"), [message("y")]);
    assert_eq!(
        events("data: x\n\n\u{feff}data: y\n\ndata: \u{feff}z\n\n"),
        [message("x"), message("\u{feff}z")]
    );
}

// 9.2.6: the stream is decoded with the UTF-8 decode algorithm.
#[test]
fn an_invalid_byte_becomes_a_replacement_character_and_the_stream_continues() {
    assert_eq!(events(b"data: a\xffb\n\ndata: next\n\n"), [message("a\u{fffd}b"), message("next")]);
    assert_eq!(events(b"\xff\xfe: x\ndata: \xe2\x80\n\n\xc3\n\n"), [message("\u{fffd}")]);
    assert_eq!(events(b"event: \x80\nid: \xf0\x9f\ndata: x\n\n"), [owned("\u{fffd}", "x", "\u{fffd}")]);
}

// 9.2.6: UTF-8 decode replaces a cut sequence and keeps the line end.
#[test]
fn a_sequence_that_a_line_end_cuts_does_not_reach_into_the_next_line() {
    assert_eq!(events(b"data: \xe2\x82\ndata: \xac\n\n"), [message("\u{fffd}\n\u{fffd}")]);
}

// 9.2.6: `retry` sets the reconnection time when its line is processed.
#[test]
fn retry_alone_in_a_block_is_honoured_at_its_line() {
    let transcript = read("retry: 50\n\n");
    assert_eq!((transcript.retry, transcript.said.len()), (Some(Duration::from_millis(50)), 1));
    assert_eq!(read("retry: 50\n").retry, Some(Duration::from_millis(50)), "before the blank line");
    assert_eq!(read("retry: 50").retry, None, "but not before the line has ended");
}

// 9.2.6: `retry` counts if its value consists of only ASCII digits.
#[test]
fn retry_takes_digits_alone_and_neither_wraps_nor_ends_the_stream() {
    for value in ["+5", "-5", "0x10", "1e3", "1.5", " 5", "5 ", "\t5", "", "abc", "٣", "5\0"] {
        let transcript = read(format!("retry: 7\nretry: {value}\ndata: x\n\n"));
        assert_eq!(transcript.retry, Some(Duration::from_millis(7)), "{value:?}");
        assert_eq!(transcript.said.len(), 2, "the event after {value:?} arrives");
    }
    for (value, milliseconds) in [("0", 0), ("007", 7), ("18446744073709551615", u64::MAX)] {
        assert_eq!(read(format!("retry: {value}\n")).retry, Some(Duration::from_millis(milliseconds)));
    }
    let huge = format!("retry: 1{}\n", "0".repeat(30));
    assert_eq!(read(huge).retry, Some(Duration::from_millis(u64::MAX)));
}

// 9.2.6: `id` is ignored if its value contains U+0000 NULL.
#[test]
fn an_id_with_nul_is_ignored_and_the_stream_continues() {
    assert_eq!(events("id: 1\nid: 2\0\ndata: x\n\n"), [owned("message", "x", "1")]);
    assert_eq!(events("id: \0\ndata: x\0y\n\n"), [message("x\0y")]);
}

// 9.2.6: U+0000 NULL alone makes an `id` invalid.
#[test]
fn an_id_with_other_control_characters_is_an_id() {
    assert_eq!(events("id: a\u{1}b\u{7f}\t\ndata: x\n\n"), [owned("message", "x", "a\u{1}b\u{7f}\t")]);
}

// 9.2.6, dispatch, step 1: the last event ID string is set before the data is looked at.
#[test]
fn a_block_with_an_id_alone_commits_it() {
    let transcript = read("id: 5\n\n");
    assert_eq!((transcript.said, transcript.last_event_id.as_str()), (vec![], "5"));
}

// 9.2.6: the last event ID buffer is not reset at a dispatch.
#[test]
fn an_event_without_an_id_has_the_last_event_id() {
    assert_eq!(
        events("id: 5\n\ndata: x\n\ndata: y\n\n"),
        [owned("message", "x", "5"), owned("message", "y", "5")]
    );
    assert_eq!(events("id: 5\n\nid\ndata: x\n\n"), [message("x")], "but an empty one resets it");
}

// 9.2.6: pending data is discarded at the end of the file.
#[test]
fn the_id_of_a_block_that_did_not_end_is_not_committed() {
    for cut in ["id: 2\n", "id: 2\ndata: half", "id: 2\ndata: x\n", "id: 2", "id: 2\r\ndata: x\r\n"] {
        let transcript = read(format!("id: 1\ndata: x\n\n{cut}"));
        assert_eq!(transcript.last_event_id, "1", "{cut:?}");
        assert_eq!(transcript.said.len(), 1);
    }
}

// 9.2.5: a lone CR is an `end-of-line`.
#[test]
fn cr_ends_an_event_at_once() {
    let mut parser = Parser::new();
    assert_eq!(parser.next_event(&mut &b"data: x\r\r"[..]).unwrap().map(|event| event.data), Some("x"));
    let mut input = &b"data: y\r"[..];
    assert_eq!(parser.next_event(&mut input), Ok(None));
    assert_eq!(parser.next_event(&mut &b"\r"[..]).unwrap().map(|event| event.data), Some("y"));
    assert_eq!(parser.next_event(&mut &b"data: z\r\n\r"[..]).unwrap().map(|event| event.data), Some("z"));
    // The LF of the last one, late, is neither a blank line nor anything else.
    assert_eq!(parser.next_event(&mut &b"\ndata: "[..]), Ok(None));
    assert_eq!(parser.next_event(&mut &b"a\r\n\r\n"[..]).unwrap().map(|event| event.data), Some("a"));
}

// 9.2.5: a CRLF pair is one `end-of-line`.
#[test]
fn a_crlf_that_reads_split_is_one_line_end() {
    assert_eq!(events("event: e\r\ndata: a\r\ndata: b\r\n\r\n"), [owned("e", "a\nb", "")]);
    let chunks = ["data: a\r", "\ndata: b\r", "", "\n\r", "\n"];
    assert_eq!(listen(Parser::new(), chunks, || Way::Event).said, [Said::Event(message("a\nb"))]);
}

// 9.2.5: `end-of-line` is CRLF, LF or CR; U+0085 and U+2028 are characters.
#[test]
fn line_ends_of_other_formats_are_data() {
    let data = "a\u{b}b\u{c}c\u{85}d\u{2028}e\u{2029}f";
    assert_eq!(events(format!("data: {data}\n\n")), [message(data)]);
}

// 9.2.6, dispatch, step 2: without data there is no event; `data` alone appends a line feed.
#[test]
fn a_data_field_without_a_value_makes_an_event_and_a_block_without_data_none() {
    assert_eq!(events("data\n\n"), [message("")]);
    assert_eq!(events("data:\ndata: \n\n"), [message("\n")]);
    assert_eq!(events("event: e\nid: 1\n\n"), []);
    let priming = events("id: x\nretry: 5\ndata:\n\n");
    assert_eq!(priming, [owned("message", "", "x")], "the first event of an MCP stream");
}

// 9.2.6: one leading U+0020 SPACE is removed from the value.
#[test]
fn one_space_is_removed_and_no_other_blank() {
    assert_eq!(
        events("data:  two\ndata:none\ndata: \u{a0}\ndata:\ttab\n\n"),
        [message(" two\nnone\n\u{a0}\n\ttab")]
    );
}

// 9.2.6, dispatch, step 2: the event type buffer is emptied with the data buffer.
#[test]
fn the_type_of_a_block_without_data_is_forgotten() {
    assert_eq!(events("event: e\n\ndata: x\n\n"), [message("x")]);
    assert_eq!(events("event: e\nevent:\ndata: x\n\n"), [message("x")], "the last type of a block wins");
}

// 9.2.6: any event type is dispatched, `error` and `open` too.
#[test]
fn a_stream_event_named_error_or_open_is_an_event() {
    assert_eq!(
        events("event: error\ndata: x\n\nevent: open\ndata: y\n\n"),
        [owned("error", "x", ""), owned("open", "y", "")]
    );
}

// 9.2.3: a reconnection starts a new stream; 9.2.6 discards the incomplete event.
#[test]
fn no_bytes_of_a_dead_connection_meet_the_next_one() {
    for half in ["data: half", "da", "event: e\ndata: x\n", "id: 9\n", "data: x\r", "\u{feff}", "retry: 1"] {
        let mut parser = Parser::with_last_event_id("1");
        assert_eq!(parser.next_event(&mut half.as_bytes()), Ok(None));
        parser.finish();
        let mut next = Parser::with_last_event_id(parser.last_event_id());
        for parser in [&mut parser, &mut next] {
            let mut input = "\u{feff}data: whole\n\n".as_bytes();
            let event = parser.next_event(&mut input).unwrap().map(Owned::from);
            assert_eq!(event, Some(owned("message", "whole", "1")), "after {half:?}");
        }
    }
}

// 9.2.6: an event without its blank line is discarded at the end of the file.
#[test]
fn finish_reports_an_unterminated_rest() {
    let complete = [
        "",
        "data: x\n\n",
        "\n",
        "id: 1\n\n",
        ": comment\n",
        "\u{feff}",
        "data: x\r\r",
        // A comment is not part of an event.
        ":",
        ": ",
        ": cut",
        "data: x\n\n: cut",
        ": a\n: cut",
        "retry: 5\n: cut",
        "unknown: x\n: cut",
        "\u{feff}: cut",
    ];
    let dropped = [
        "data: x\n",
        "data: x",
        "d",
        "id: 1\n",
        "event: e\n",
        "data\n",
        "data: x\n: comment\n",
        "data: x\n: cut",
        "id: 1\n:",
        "event: e\n: cut",
        "unknown: x",
        "retry: 5",
    ];
    let bytes = complete.iter().map(|stream| (stream.as_bytes(), Finish::Complete));
    let dropped = dropped.iter().map(|stream| (stream.as_bytes(), Finish::Dropped));
    // Two bytes of a byte order mark are an unterminated line.
    for (stream, finish) in bytes.chain(dropped).chain([(&b"\xef\xbb"[..], Finish::Dropped)]) {
        for size in [1, 3, stream.len().max(1)] {
            let (mut events, mut frames) = (Parser::new(), Parser::new());
            for mut chunk in stream.chunks(size) {
                let mut input = chunk;
                while events.next_event(&mut input).unwrap().is_some() {}
                while frames.next_frame(&mut chunk).unwrap().is_some() {}
            }
            for mut parser in [events, frames] {
                assert_eq!(parser.finish(), finish, "{:?}", stream.escape_ascii().to_string());
                assert_eq!(parser.finish(), Finish::Complete, "the next stream has not begun");
            }
        }
    }
}

// 9.2.6 would discard it; some servers end like this.
#[test]
fn an_event_without_its_blank_line_is_delivered_on_request_and_its_id_is_not_committed() {
    let mut parser = Parser::with_last_event_id("1").with_deliver_unterminated(true);
    assert_eq!(parser.next_event(&mut &b"id: 2\nevent: e\ndata: a\ndata: [DONE]"[..]), Ok(None));
    let Finish::Flushed(event) = parser.finish() else { panic!("it is flushed") };
    assert_eq!(Owned::from(event), owned("e", "a\n[DONE]", "1"));
    assert_eq!(parser.last_event_id(), "1");
}

#[test]
fn a_delivered_rest_is_not_part_of_the_next_stream() {
    let mut parser = Parser::new().with_deliver_unterminated(true);
    assert_eq!(parser.next_event(&mut &b"event: e\ndata: a"[..]), Ok(None));
    assert!(matches!(parser.finish(), Finish::Flushed(_)));
    assert_eq!(parser.finish(), Finish::Complete, "nor flushed again");
    let mut input = &b"data: b\n\n"[..];
    assert_eq!(parser.next_event(&mut input).unwrap().map(Owned::from), Some(message("b")));
}

#[test]
fn an_event_returned_by_the_last_call_is_neither_dropped_nor_delivered_twice() {
    for flush in [false, true] {
        for start in ["", "da", "data: a\n", "id: 1\n"] {
            let mut parser = Parser::new().with_deliver_unterminated(flush);
            assert_eq!(parser.next_event(&mut start.as_bytes()), Ok(None));
            let mut input = match start {
                "da" => &b"ta: x\n\n"[..],
                _ => b"data: x\n\n",
            };
            assert!(parser.next_event(&mut input).unwrap().is_some());
            assert_eq!(parser.finish(), Finish::Complete, "after {start:?}");
        }
    }
}
