//! Borrowing from the chunk, allocations, and freed capacity.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

#[path = "support/heap.rs"]
mod heap;

use heap::{Counting, heap, measure};
use sse_proto::{Config, Event, Frame, Limits, Message, Overflow, Parser};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MIB: usize = 1 << 20;

/// The most that an idle parser may keep: 128 KiB for each of four buffers.
const RETAINED: i64 = 4 * 128 * 1024;

fn lies_in(text: &str, chunk: &[u8]) -> bool {
    let (text, chunk) = (text.as_bytes().as_ptr_range(), chunk.as_ptr_range());
    chunk.start <= text.start && text.end <= chunk.end
}

/// All the events of a chunk through each way to ask; `each` gets the chunk too.
fn each_event(chunk: &[u8], mut each: impl FnMut(Event<'_>, &[u8])) {
    let (mut parser, mut input) = (Parser::new(), chunk);
    while let Some(event) = parser.next_event(&mut input).unwrap() {
        each(event, chunk);
    }
    let (mut parser, mut input) = (Parser::new(), chunk);
    while let Some(frame) = parser.next_frame(&mut input).unwrap() {
        if let Frame::Event(event) = frame {
            each(event, chunk);
        }
    }
    let (mut parser, mut input) = (Parser::new(), chunk);
    loop {
        let before = input;
        let step = parser.advance(&mut input).unwrap();
        match parser.frame(step, before) {
            Some(Frame::Event(event)) => each(event, chunk),
            Some(_) => {}
            None => break,
        }
    }
}

#[test]
fn an_event_that_is_whole_in_the_chunk_points_into_it() {
    let blocks = [
        "data: x\n\n",
        "data:x\n\n",
        "data: grün, 漢字, 🦀\n\n",
        "event: add\ndata: 73857293\nid: 7\n\n",
        "id: 7\ndata: {\"a\": \"a value that is longer than a vector register, and than two\"}\nevent: größe\n\n",
        ": a comment before\nevent: e\ndata: x\n\n",
        "retry: 50\ndata: x\nevent: e\n\n",
        "unknown: field\ndata: x\nno colon\n\n",
        "data: only\n\nevent: second\ndata: in the chunk\n\n",
        "event: first\nevent: last\ndata: x\n\n",
        "\u{feff}data: x\n\n",
        "\n\n\ndata: x\n\n: trailing\n",
    ];
    for block in blocks {
        for end in ["\n", "\r", "\r\n"] {
            let chunk = block.replace('\n', end).into_bytes();
            let mut seen = 0;
            each_event(&chunk, |event, chunk| {
                seen += 1;
                assert!(lies_in(event.data, chunk), "{event:?} of {block:?}");
                assert!(lies_in(event.event, chunk) || event.event == "message", "{event:?} of {block:?}");
            });
            assert_eq!(seen, 3 * block.matches("data:").count(), "{block:?}");
        }
    }
}

#[test]
fn next_event_borrows_an_event_with_other_lines_between() {
    let chunk = b"event: add\n: comment\ndata: x\nretry: 5\nid: 1\n: another\n\n";
    let (mut parser, mut input) = (Parser::new(), &chunk[..]);
    let event = parser.next_event(&mut input).unwrap().unwrap();
    assert!(lies_in(event.data, chunk) && lies_in(event.event, chunk));
}

#[test]
fn comments_are_borrowed() {
    let chunk = ": keep-alive, grün\r\n:\r: x\n".as_bytes();
    let (mut parser, mut input) = (Parser::new(), chunk);
    for expected in ["keep-alive, grün", "", "x"] {
        let Some(Frame::Comment(comment)) = parser.next_frame(&mut input).unwrap() else {
            panic!("a comment")
        };
        assert_eq!(comment, expected);
        assert!(lies_in(comment, chunk));
    }
}

#[test]
fn a_comment_that_next_event_began_is_not_half_reported() {
    let stream = b": keep-alive\n\ndata: x\n: between\n\n: next\n";
    for at in 1..=11 {
        let mut parser = Parser::new();
        assert_eq!(parser.next_event(&mut &stream[..at]), Ok(None), "{at}");
        let mut input = &stream[at..];
        let mut frames = Vec::new();
        while let Some(frame) = parser.next_frame(&mut input).unwrap() {
            frames.push(match frame {
                Frame::Comment(comment) => comment.to_owned(),
                other => format!("{other:?}"),
            });
        }
        let whole = usize::from(frames.len() == 4);
        assert!(whole == 0 || at == 1 && frames[0] == "keep-alive", "{at}: {frames:?}");
        assert_eq!(frames[whole], "between");
        assert!(frames[whole + 1].contains("\"x\""), "{frames:?}");
        assert_eq!(frames[whole + 2..], ["next"]);
    }
}

#[test]
fn the_event_after_a_split_one_is_borrowed_again() {
    let mut parser = Parser::new();
    assert_eq!(parser.next_event(&mut &b"event: e\ndata: spl"[..]), Ok(None));
    let chunk = b"it\n\ndata: whole\n\ndata: two\ndata: lines\n\nevent: t\ndata: whole again\n\n";
    let mut input = &chunk[..];
    for (data, borrowed) in [("split", false), ("whole", true), ("two\nlines", false), ("whole again", true)]
    {
        let event = parser.next_event(&mut input).unwrap().unwrap();
        assert_eq!((event.data, lies_in(event.data, chunk)), (data, borrowed));
    }
}

#[test]
fn a_step_used_with_another_chunk_yields_no_text() {
    let chunk = "data: grün\n\ndata: green\n\n: grün\n".as_bytes();
    let (mut parser, mut input) = (Parser::new(), chunk);
    let event = parser.advance(&mut input).unwrap();
    let line = parser.advance(&mut input).unwrap();
    let after_event = input;
    let comment = parser.advance(&mut input).unwrap();
    // Too short, cut within a character at the end of the value, not UTF-8 at all.
    for other in [&b""[..], b"data: gr", "data: xxxx漢xx".as_bytes(), &[0xFF; 40]] {
        assert_eq!((parser.frame(event, other), parser.frame(line, other)), (None, None), "{other:?}");
    }
    for other in [&b""[..], b": gr", ": xxxx漢xx".as_bytes(), &[0xFF; 40]] {
        assert_eq!(parser.frame(comment, other), None, "{other:?}");
    }
    assert!(matches!(parser.frame(event, chunk), Some(Frame::Event(event)) if event.data == "grün"));
    assert_eq!(parser.frame(comment, after_event), Some(Frame::Comment("grün")));
}

#[test]
fn an_outdated_step_yields_no_text_that_is_not_validated() {
    for (first, second, unfinished) in [
        (&b"data: x"[..], &b"\n\n"[..], &b"data: \xFF"[..]),
        (b"data: x", b"\n\n", b"event: \xFF"),
        (b": x", b"\n", b": \xFF"),
        (b": x", b"\n", b"id: \xFF"),
    ] {
        let mut parser = Parser::new();
        assert!(parser.advance(&mut &first[..]).unwrap().needs_data());
        let step = parser.advance(&mut &second[..]).unwrap();
        assert!(parser.frame(step, second).is_some());
        assert!(parser.advance(&mut &unfinished[..]).unwrap().needs_data());
        assert_eq!(parser.frame(step, second), None, "{unfinished:?}");
    }
}

#[test]
fn borrowed_frames_cost_no_allocation() {
    let stream =
        "event: add\ndata: 漢字 and more\n\n: comment\ndata:\r\n\r\nretry: 5\nunknown\n\n".repeat(50);
    let (events, heap) = measure(|| {
        let mut events = 0;
        let (mut parser, mut input) = (Parser::new(), stream.as_bytes());
        while parser.next_event(&mut input).unwrap().is_some() {
            events += 1;
        }
        events
    });
    assert_eq!((events, heap.calls), (100, 0));
}

#[test]
fn nothing_is_allocated_in_the_steady_state_however_the_stream_is_cut() {
    let stream = "event: add\nid: 12\ndata: one line\n\n: a comment\nretry: 3000\ndata: two\ndata: grün \n\nid: 7\nid:\n\n\
                  data: \u{fffd}\r\nid: 345\r\n\r\nunknown: x\r\r"
        .as_bytes();
    let stream =
        [stream, b"data: ill\xffformed\xe2\x80\nevent: \xf0\x9f\n\nevent: no data\n\n"].concat().repeat(8);
    for length in (1..=40).chain([64, 100, 128, 333, 1000, stream.len()]) {
        let mut frames = Parser::new();
        let mut events = Parser::new()
            .with_limits(Limits::default().with_overflow(Overflow::Skip).with_event(100).with_id(5));
        let mut run = || {
            for chunk in stream.chunks(length) {
                let mut input = chunk;
                while frames.next_frame(&mut input).unwrap().is_some() {}
                let mut input = chunk;
                while events.next_event(&mut input).unwrap().is_some() {}
            }
        };
        run();
        let ((), heap) = measure(run);
        assert_eq!(heap.calls, 0, "in chunks of {length}");
    }
}

#[test]
fn ids_types_and_reconnection_times_of_up_to_40_bytes_never_touch_the_heap() {
    let uuid = "123e4567-e89b-12d3-a456-426614174000";
    let stream = format!("id: {uuid}\nevent: {}\nretry: 3000\n\nid: 7\n\n", "e".repeat(40)).repeat(3);
    for length in [1, 2, 3, 8, 64, stream.len()] {
        let (id, heap) = measure(|| {
            let mut parser = Parser::new();
            for mut chunk in stream.as_bytes().chunks(length) {
                while parser.next_frame(&mut chunk).unwrap().is_some() {}
            }
            parser.set_last_event_id(uuid);
            parser.last_event_id().len()
        });
        assert_eq!((id, heap.calls), (36, 0), "in chunks of {length}");
    }
}

#[test]
fn the_buffer_of_large_events_is_reused() {
    // So long that its room is not kept for small ones, and so that no event ends with a chunk.
    let stream = format!("data: {}\n\n", "x".repeat(300_001)).repeat(6);
    let (early, late) = stream.as_bytes().split_at(stream.len() / 3 + 500);
    let mut parser = Parser::new();
    let mut run = |bytes: &[u8]| {
        for mut chunk in bytes.chunks(1400) {
            while parser.next_event(&mut chunk).unwrap().is_some() {}
        }
    };
    run(early);
    let ((), heap) = measure(|| run(late));
    assert_eq!(heap.calls, 0);
}

#[test]
fn a_config_with_the_transient_statuses_is_not_allocated() {
    let (config, heap) = measure(|| Config::default().with_retry_status(Config::TRANSIENT_STATUS));
    assert_eq!((config.retry_status().len(), heap.calls), (13, 0));
}

#[test]
fn a_message_is_one_allocation() {
    let event = Event { event: "add", data: "73857293", id: "7" };
    let (message, heap) = measure(|| Message::from(event));
    // 12 bytes of text, and one for the length of the type.
    assert_eq!((heap.calls, heap.held), (1, 13));
    let (data, heap) = measure(|| message.into_data());
    assert_eq!((data.as_str(), heap.calls), ("73857293", 0));
}

/// A giant value in chunks; then a quiet stream. What the parser still holds at its end.
fn held_after_giant(giant: &[u8], giant_chunk: usize, quiet: &[u8], quiet_chunk: usize, frames: bool) -> i64 {
    let mut parser = Parser::new().with_limits(Limits::default().with_id(usize::MAX));
    let ((), _) = measure(|| {
        for mut input in giant.chunks(giant_chunk).chain(quiet.chunks(quiet_chunk)) {
            if frames {
                while parser.next_frame(&mut input).unwrap().is_some() {}
            } else {
                while parser.next_event(&mut input).unwrap().is_some() {}
            }
        }
    });
    let held = heap().held;
    drop(parser);
    held
}

#[test]
fn capacity_is_given_back_after_one_giant_value_whatever_follows() {
    // More than one buffer may keep; the others hold next to nothing.
    let retained = 129 * 1024;
    let long = "x".repeat(160 * 1024);
    let giants = [
        format!("data: {long}\n\n"),
        format!("data: {long}\r\n\r\n").replace("xx", "x\u{e9}"),
        format!("data: x\ndata: {long}\n\n"),
        format!("event: {long}\ndata: x\n\n"),
        format!("event: {long}\n\n"),
        format!(": {long}\n"),
        format!("data: x\n: {long}\n\n"),
        format!("retry: {long}\n"),
        // An ignored ID, whose line continues in the next chunk.
        format!("id: {long}\0"),
        format!("data: {long}\n\n").replace(&"x".repeat(64), &format!("\ndata: {}", "x".repeat(63))),
    ]
    .map(String::into_bytes)
    .into_iter()
    .chain([[b": ", long.as_bytes(), b"\xff\n"].concat()]);
    let quiets: [&[u8]; 7] = [
        b"data: borrowed\n\n",
        b"id: 5\n\ndata: borrowed\n\n",
        b"id: 5\ndata: two\ndata: lines\n\n",
        b": keep-alive\n\n",
        b"event: e\ndata: \xff\n\n",
        b"\n",
        // With this one, a chunk of 64 bytes never ends between two lines.
        b"data: 0123456789012345678901234567890123456789\n\n: comment    \n",
    ];
    // Nothing, or more in the same chunk, and a line that is cut.
    let cuts = [("", ""), ("data: more\n\n", ""), ("data: more\n\n: and a line that", " the chunk cuts\n\n")];
    let ways = [(1, true), (64, true), (64, false), (usize::MAX, true), (usize::MAX, false)];
    for (giant, (more, cut)) in giants.flat_map(|giant| cuts.map(|cut| (giant.clone(), cut))) {
        let giant = [&giant, more.as_bytes()].concat();
        for quiet in quiets {
            let quiet = [cut.as_bytes(), &quiet.repeat(20)].concat();
            for (giant_chunk, (quiet_chunk, frames)) in
                [1400, giant.len()].into_iter().flat_map(|chunk| ways.map(|way| (chunk, way)))
            {
                let held = held_after_giant(&giant, giant_chunk, &quiet, quiet_chunk, frames);
                let (start, quiet) = (giant[..12].escape_ascii(), quiet.escape_ascii());
                assert!(
                    held <= retained,
                    "{held} bytes after {start}.. in chunks of {giant_chunk}, then {quiet} in chunks of {quiet_chunk}, \
                     cut {cut:?}, frames: {frames}"
                );
            }
        }
    }
}

#[test]
fn capacity_is_given_back_after_an_event_over_the_limit() {
    let mut parser =
        Parser::new().with_limits(Limits::default().with_overflow(Overflow::Skip).with_event(4 * MIB));
    let piece = [b'x'; 1400];
    let (_, heap) = measure(|| {
        assert_eq!(parser.next_event(&mut &b"data: "[..]), Ok(None));
        for _ in 0..5 * MIB / piece.len() {
            assert_eq!(parser.next_event(&mut &piece[..]), Ok(None));
        }
    });
    assert!(heap.held <= RETAINED, "{heap:?}");
    assert!(heap.peak <= 6 * MIB as i64, "{heap:?}");
}

#[test]
fn a_giant_event_takes_little_more_room_than_its_size_and_is_copied_a_few_times() {
    const SIZE: usize = 64 * MIB;
    let mut parser = Parser::new().with_limits(Limits::default().with_event(usize::MAX));
    let piece = [b'x'; 1400];
    let (len, heap) = measure(|| {
        assert_eq!(parser.next_event(&mut &b"data: "[..]), Ok(None));
        for _ in 0..SIZE / piece.len() {
            assert_eq!(parser.next_event(&mut &piece[..]), Ok(None));
        }
        parser.next_event(&mut &b"\n\n"[..]).unwrap().unwrap().data.len()
    });
    assert_eq!(len, SIZE / piece.len() * piece.len());
    assert!(heap.peak <= SIZE as i64 * 3 / 2, "{heap:?}");
    // Growth by a fixed factor: a geometric series. By a fixed amount, it would be thousands of
    // times the size.
    assert!(heap.asked <= 7 * SIZE as u64, "{heap:?}");
}
