//! Tests of how much memory a peer can make a parser hold, and of the reaction to larger events.

#[path = "support/heap.rs"]
mod heap;
mod support;

use heap::{Counting, heap, measure};
use sse_proto::{Error, Finish, Frame, Limits, Overflow, Parser};
use support::owned;
use support::transcript::{End, Said, Transcript, Way, listen};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SMALL: Limits = Limits::new().with_event(10).with_id(4).with_overflow(Overflow::Fail);
const SKIPPING: Limits = SMALL.with_overflow(Overflow::Skip);

/// The outcome of a stream, which has to be the same in every chunking and in every way to ask.
fn outcome(stream: &str, limits: Limits) -> Transcript {
    let parser = Parser::with_last_event_id("0").with_limits(limits);
    let outcome = listen(parser.clone(), [stream], || Way::Frame);
    let bytes = stream.as_bytes();
    let equal = (1..=bytes.len()).map(|length| bytes.chunks(length).collect());
    let in_two = (0..bytes.len()).map(|at| vec![&bytes[..at], &bytes[at..]]);
    let but_two = (0..bytes.len().saturating_sub(1)).map(|at| {
        // Single bytes, except one chunk of two: the paths for one byte and for several take turns.
        let [before, after] = [&bytes[..at], &bytes[at + 2..]].map(|bytes| bytes.chunks(1));
        before.chain([&bytes[at..at + 2]]).chain(after).collect()
    });
    for chunks in equal.chain(in_two).chain(but_two) {
        for way in [Way::Frame, Way::Pair] {
            assert_eq!(
                listen(parser.clone(), &chunks, || way),
                outcome,
                "{way:?} of {stream:?} in {chunks:?}"
            );
        }
        let events = listen(parser.clone(), &chunks, || Way::Event);
        assert_eq!(events, outcome.clone().events_only(), "events of {stream:?} in {chunks:?}");
    }
    outcome
}

fn event(event: &str, data: &str, id: &str) -> Said {
    Said::Event(owned(event, data, id))
}

#[test]
fn an_event_may_be_as_long_as_its_limit_and_no_longer() {
    let limit = 10;
    for (fits, too_long) in [
        ("data: 0123456789\n\n", "data: 0123456789a\n\n"),
        ("data:0123456789\n\n", "data:0123456789a\n\n"),
        ("data:  123456789\n\n", "data:  123456789a\n\n"),
        // The LF between two lines counts.
        ("data: 01234\ndata: 6789\n\n", "data: 01234\ndata: 6789a\n\n"),
        ("event: 01\ndata: 345\ndata: 789a\n\n", "event: 01\ndata: 345\ndata: 789ab\n\n"),
        ("data: 012345678\ndata\n\n", "data: 0123456789\ndata\n\n"),
        // So does the type: the last one.
        ("event: 01234\ndata: 56789\n\n", "event: 01234\ndata: 56789a\n\n"),
        ("data: 56789\nevent: 01234\n\n", "data: 56789\nevent: 01234a\n\n"),
        ("event: 01234567\nevent: 0\ndata: 123456789\n\n", "event: 0\nevent: 01\ndata: 234567890\n\n"),
        ("event: 0123456789\n\n", "event: 0123456789a\n\n"),
        // Bytes as they came, not what became of them.
        ("data: 漢字漢x\n\n", "data: 漢字漢xy\n\n"),
        (": 0123456789\n\n", ": 0123456789a\n\n"),
        ("data: x\n: 0123456789\n\n", "data: x\n: 0123456789a\n\n"),
        ("retry: 0000000005\n\n", "retry: 00000000005\n\n"),
    ] {
        // At the start of the stream, and after another event.
        for (before, end) in
            ["", "data: a\n\n"].into_iter().flat_map(|before| ["\n", "\r", "\r\n"].map(|end| (before, end)))
        {
            let [fits, too_long] =
                [fits, too_long].map(|stream| format!("{before}{stream}").replace('\n', end));
            assert_eq!(outcome(&fits, SMALL).error, None, "{fits:?}");
            assert_eq!(outcome(&too_long, SMALL).error, Some(Error::EventTooLong { limit }), "{too_long:?}");
            assert_eq!(outcome(&fits, SKIPPING).skipped, 0, "{fits:?}");
            assert_eq!(outcome(&too_long, SKIPPING).skipped, 1, "{too_long:?}");
        }
    }
}

// 9.2.6: UTF-8 decode makes U+FFFD of an invalid byte.
#[test]
fn a_replacement_character_counts_as_the_byte_that_it_replaces() {
    let parser = Parser::new().with_limits(SMALL);
    for length in 1..=20 {
        let stream = [&b"data: "[..], &[0xff; 10], b"\n\n"].concat();
        let transcript = listen(parser.clone(), stream.chunks(length), || Way::Frame);
        assert_eq!(transcript.said, [event("message", &"\u{fffd}".repeat(10), "")]);
    }
}

#[test]
fn an_id_may_be_as_long_as_its_limit_and_no_longer() {
    for (fits, too_long) in [
        ("id: 0123\ndata: x\n\n", "id: 01234\ndata: x\n\n"),
        ("id:0123\n\n", "id:01234\n\n"),
        ("id: é12\n\n", "id: é123\n\n"),
        ("id: 0123\ndata: 012345\n\n", "id: 01234\ndata: 012345\n\n"),
        ("id: 0123\ndata: x\ndata: y\n\n", "id: 01234\ndata: x\ndata: y\n\n"),
        // Also one that is ignored because of its NUL.
        ("id: 01\0\n\n", "id: 0123\0\n\n"),
    ] {
        assert_eq!(outcome(fits, SMALL).error, None, "{fits:?}");
        assert_eq!(outcome(too_long, SMALL).error, Some(Error::IdTooLong { limit: 4 }), "{too_long:?}");
        assert_eq!(outcome(too_long, SKIPPING).skipped, 1);
    }
}

#[test]
fn unknown_fields_have_no_limit() {
    let stream = format!("unknown: {0}\n{0}\n: a\n: b\n: c\n: d\ndata: x\n\n", "y".repeat(300));
    let outcome = outcome(&stream, SMALL);
    assert_eq!(outcome.said.last(), Some(&event("message", "x", "0")));
}

#[test]
fn the_events_before_the_error_arrive_and_the_error_stays() {
    let outcome = outcome("id: 1\ndata: x\n\nid: 2\ndata: 0123456789a\n\ndata: y\n\nid: 3\n\n", SMALL);
    assert_eq!(outcome.said, [event("message", "x", "1")]);
    assert_eq!(outcome.error, Some(Error::EventTooLong { limit: 10 }));
    assert_eq!((outcome.last_event_id.as_str(), outcome.end), ("1", End::Dropped));

    let mut parser = Parser::new().with_limits(SMALL);
    let error = Err(Error::EventTooLong { limit: 10 });
    assert_eq!(parser.next_event(&mut &b"data: 0123456789a"[..]), error);
    assert_eq!(parser.next_event(&mut &b""[..]), error);
    assert_eq!(parser.next_event(&mut &b"\n\ndata: x\n\n"[..]), error);
    parser.finish();
    assert_eq!(parser.next_event(&mut &b"data: x\n\n"[..]), error, "also after the end of the stream");
}

#[test]
fn a_skipped_block_is_reported_in_its_place_with_its_size_on_the_wire() {
    for end in ["\n", "\r", "\r\n"] {
        let too_long =
            "event: e\nid: 2\n: c\ndata: 0123456789\nid: 3\nretry: 9\ndata: more\n".replace('\n', end);
        let stream = format!("id: 1\ndata: x\n\n{too_long}\ndata: y\n\n").replace('\n', end);
        let stream = stream.replace("\r\r\n", "\r\n");
        let outcome = outcome(&stream, SKIPPING);
        let comment = Said::Comment("c".into());
        let bytes = too_long.len() as u64;
        assert_eq!(
            outcome.said,
            [event("message", "x", "1"), comment, Said::Skipped(bytes), event("message", "y", "1")],
            "its ID is not committed, and nothing in it applies after the limit was passed"
        );
        assert_eq!((outcome.skipped, outcome.retry, outcome.last_event_id.as_str()), (1, None, "1"));
    }
}

// 9.2.5: `bom` and empty events.
#[test]
fn a_byte_order_mark_and_blank_lines_are_no_part_of_a_skipped_block() {
    for start in ["\u{feff}", "\u{feff}\r\n\r\n", "\n\n\n", "\r", ""] {
        let outcome = outcome(&format!("{start}data: 0123456789a\n\ndata: x\n\n"), SKIPPING);
        assert_eq!(outcome.said, [Said::Skipped(18), event("message", "x", "0")], "{start:?}");
    }
}

#[test]
fn a_skipped_block_begins_where_the_one_before_ended() {
    for start in ["", "\u{feff}", "\r\n", "\n\n\n"] {
        let outcome =
            outcome(&format!("{start}data: x\n\nid: 7\ndata: y\n\ndata: 0123456789a\n\n"), SKIPPING);
        assert_eq!(outcome.said[2], Said::Skipped(18), "after {start:?} and two events");
    }
}

#[test]
fn a_value_that_a_later_line_replaces_counts_against_the_limit() {
    for (too_long, error) in [
        ("event: 0123456789a\nevent: e\ndata: x\n\n", Error::EventTooLong { limit: 10 }),
        ("id: 01234\nid: 1\ndata: x\n\n", Error::IdTooLong { limit: 4 }),
    ] {
        assert_eq!(outcome(too_long, SMALL).error, Some(error));
        assert_eq!(outcome(&format!("data: a\n\n{too_long}"), SMALL).error, Some(error));
        assert_eq!(outcome(&format!("data: a\n\n{too_long}"), SKIPPING).skipped, 1);
    }
}

#[test]
fn bytes_that_only_begin_like_a_byte_order_mark_are_a_part_of_it() {
    let block = "\u{fee0}: unknown\ndata: 0123456789a\n";
    assert_eq!(outcome(&format!("{block}\n"), SKIPPING).said, [Said::Skipped(block.len() as u64)]);
}

#[test]
fn the_size_of_a_skipped_block_does_not_reach_back_into_the_stream_before() {
    let mut parser = Parser::new().with_limits(SKIPPING);
    let mut input = &b"data: x\n\ndata: y\n"[..];
    while parser.next_frame(&mut input).expect("within the limits").is_some() {}
    parser.finish();
    let mut input = &b"data: 0123456789a\n\n"[..];
    assert_eq!(parser.next_frame(&mut input), Ok(Some(Frame::Skipped { bytes: 18 })));
}

#[test]
fn the_size_of_a_skipped_block_does_not_depend_on_the_stream_before() {
    for before in [
        "data: x\n\n",
        "id: 7\ndata: x\n\n",
        "event: e\ndata: x\n\n",
        "data: x\ndata: y\n\n",
        "data: \u{fffd}\n\n",
        "data\n\n",
        "id: 7\n\n",
        ": c\n\n",
        ": c\n\n: c\n\n",
        "retry: 1\n\n",
        "\n",
        "data: 0123456789a\n\n",
    ] {
        for end in ["\n", "\r", "\r\n"] {
            let before = format!("data: x\n\n{before}");
            let [before, block] =
                [before.as_str(), "data: 0123456789a\n\n"].map(|part| part.replace('\n', end));
            let bytes = (block.len() - end.len()) as u64;
            for length in 1..=before.len() {
                let mut parser = Parser::new().with_limits(SKIPPING);
                for mut input in before.as_bytes().chunks(length) {
                    while parser.next_event(&mut input).expect("within the limits").is_some() {}
                }
                let frame = parser.next_frame(&mut block.as_bytes());
                assert_eq!(
                    frame,
                    Ok(Some(Frame::Skipped { bytes })),
                    "after {before:?} in chunks of {length}"
                );
            }
        }
    }
}

#[test]
fn each_overlong_block_is_skipped_for_itself() {
    let outcome =
        outcome("data: 0123456789a\n\nid: 01234\n\ndata: x\n\n: 0123456789a\n\nid: 9\ndata: y\n\n", SKIPPING);
    let skipped = |bytes| Said::Skipped(bytes);
    let said =
        [skipped(18), skipped(10), event("message", "x", "0"), skipped(14), event("message", "y", "9")];
    assert_eq!((outcome.said, outcome.skipped), (said.into(), 3));
}

#[test]
fn a_skipped_block_without_an_end_is_dropped_at_the_end_of_the_stream() {
    let outcome = outcome("data: 0123456789a\nid: 7\n", SKIPPING);
    assert_eq!((outcome.said, outcome.skipped, outcome.end), (vec![], 0, End::Dropped));
    assert_eq!(outcome.last_event_id, "0");
}

/// Feeds `piece` after `start` for ever, or so; says what it ended with and the most that was held.
fn endless(limits: Limits, start: &str, piece: &str, frames: bool) -> (Result<(), Error>, i64) {
    let mut parser = Parser::new().with_limits(limits);
    let mut listen_quietly = |chunk: &str| -> Result<(), Error> {
        let mut input = chunk.as_bytes();
        if frames {
            while parser.next_frame(&mut input)?.is_some() {}
        } else {
            while parser.next_event(&mut input)?.is_some() {}
        }
        Ok(())
    };
    let (result, _) = measure(|| {
        let mut result = listen_quietly(start);
        for _ in 0..(1 << 20) / piece.len() {
            result = listen_quietly(piece);
        }
        result
    });
    (result, heap().peak)
}

#[test]
fn endless_input_takes_bounded_memory() {
    const LIMIT: usize = 100_000;
    let limits = Limits::default().with_event(LIMIT).with_id(1000).with_overflow(Overflow::Fail);
    let too_long = Err(Error::EventTooLong { limit: LIMIT });
    let cases = [
        ("a line", "data: ", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", too_long),
        ("an event", "", "data: 0123456789\n", too_long),
        ("an event of empty lines", "", "data\ndata:\n", too_long),
        ("a line of bytes that are replaced", "data: ", "\u{80}\u{80}\u{80}", too_long),
        ("a comment", ":", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", too_long),
        ("a type", "event:", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", too_long),
        ("a number", "retry: ", "99999999999999999999999999999999999999", too_long),
        ("an ID", "id: ", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", Err(Error::IdTooLong { limit: 1000 })),
        ("comments", "data: x\n", ": xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", Ok(())),
        ("cut comments", "data: x\n:", "xxxxxxxxxxxxxxxxxxxxxx\n: xxxxxxxxxx", Ok(())),
        ("IDs", "", "id: 0123456789\nid: 1\n", Ok(())),
        ("types", "", "event: 0123456789\nevent: 1\n", Ok(())),
        ("an unknown line", "unknown", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", Ok(())),
        ("unknown lines", "data: x\n", "unknown: xxxxxxxxxxxxxxxxxxxxxxxxxx\n", Ok(())),
        ("blank lines", "", "\r\r\n\n\n", Ok(())),
    ];
    for ((what, start, piece, expected), frames) in
        cases.iter().flat_map(|case| [(case, true), (case, false)])
    {
        let (result, peak) = endless(limits, start, piece, frames);
        assert_eq!(result, *expected, "{what}");
        assert!(peak <= 3 * LIMIT as i64, "{what} without end took {peak} bytes");
        let (result, peak) = endless(limits.with_overflow(Overflow::Skip), start, piece, frames);
        assert_eq!(result, Ok(()), "{what}");
        assert!(peak <= 3 * LIMIT as i64, "{what} without end took {peak} bytes");
    }
}

#[test]
fn ids_of_megabytes_are_refused_or_skipped() {
    let stream = format!("id: 1\ndata: x\n\nid: {}\ndata: y\n\ndata: z\n\n", "9".repeat(3 << 20));
    for length in [1400, stream.len()] {
        let failing = listen(Parser::new(), stream.as_bytes().chunks(length), || Way::Frame);
        assert_eq!(failing.error, Some(Error::IdTooLong { limit: 4096 }));
        assert_eq!(failing.last_event_id, "1");
        let skipping = Parser::new().with_limits(Limits::default().with_overflow(Overflow::Skip));
        let skipping = listen(skipping, stream.as_bytes().chunks(length), || Way::Frame);
        let bytes = ((3 << 20) + "id: \ndata: y\n".len()) as u64;
        assert_eq!(
            skipping.said,
            [event("message", "x", "1"), Said::Skipped(bytes), event("message", "z", "1")]
        );
    }
}

#[test]
fn the_defaults_are_what_the_documentation_says() {
    assert_eq!(
        Limits::default(),
        Limits::default().with_event(16 << 20).with_id(4096).with_overflow(Overflow::Fail)
    );
    let id = "x".repeat(4096);
    let transcript = listen(Parser::new(), [format!("id: {id}\ndata: y\n\n")], || Way::Frame);
    assert_eq!(transcript.said, [event("message", "y", &id)]);
}

#[test]
fn errors_say_what_to_do() {
    assert_eq!(
        Error::EventTooLong { limit: 10 }.to_string(),
        "an event is longer than 10 bytes: raise `Limits::event` or set `Overflow::Skip`"
    );
    assert_eq!(
        Error::IdTooLong { limit: 4 }.to_string(),
        "an event ID is longer than 4 bytes: raise `Limits::id` or set `Overflow::Skip`"
    );
}

#[test]
fn limits_that_are_lowered_within_a_block_hold_from_the_next_value_on() {
    for next in [&b"data: x"[..], b"event: x"] {
        let mut parser = Parser::new();
        assert_eq!(parser.next_event(&mut &b"data: 0123456789\n"[..]), Ok(None));
        let mut parser = parser.with_limits(SMALL.with_event(5));
        assert_eq!(parser.next_event(&mut &next[..]), Err(Error::EventTooLong { limit: 5 }));
    }
}

#[test]
fn a_value_over_its_limit_at_the_end_of_the_stream_is_an_error() {
    let mut parser = Parser::new().with_limits(SMALL.with_event(1)).with_deliver_unterminated(true);
    assert_eq!(parser.next_event(&mut &b"data: x\ndata"[..]), Ok(None));
    assert_eq!(parser.finish(), Finish::Dropped);
    assert_eq!(parser.next_event(&mut &b"data: y\n\n"[..]), Err(Error::EventTooLong { limit: 1 }));
}
