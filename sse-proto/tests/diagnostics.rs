//! Lines without effect, reported on request (9.2.10): unknown fields, and values that 9.2.6
//! ignores.

use sse_proto::{Config, EventSource, Frame, Instant, Output, OwnedFrame, Parser, Verdict};

/// All frames of a stream that is parsed in chunks of `size` bytes.
fn read(stream: &[u8], size: usize, diagnostics: bool) -> Vec<String> {
    let mut parser = Parser::new().with_diagnostics(diagnostics);
    let mut said = Vec::new();
    for mut chunk in stream.chunks(size) {
        while let Some(frame) = parser.next_frame(&mut chunk).expect("no limit is reached") {
            said.push(match frame {
                Frame::Event(event) => format!("event {}: {}", event.event, event.data),
                Frame::Comment(comment) => format!("comment {comment}"),
                Frame::Ignored(line) => format!("ignored {line}"),
                other => format!("{other:?}"),
            });
        }
    }
    said
}

// 9.2.6: "otherwise, the field is ignored".
#[test]
fn lines_without_effect_are_reported_whole_in_every_chunking() {
    for (stream, line) in [
        (&b"{\"error\": \"overloaded\"}\n\n"[..], "{\"error\": \"overloaded\"}"),
        (b"x\n\n", "x"),
        (b"Data: x\n\n", "Data: x"),
        (b"data : x\r\n\r\n", "data : x"),
        (b"dat: x\r\r", "dat: x"),
        (b"datax\n\n", "datax"),
        (b"message: a: b\n\n", "message: a: b"),
        (b"a\0b\n\n", "a\0b"),
        (b"\xEF\xBB\xBF\xEF\xBB\xBFdata: x\n\n", "\u{FEFF}data: x"),
        (b"caf\xC3\xA9: \xFF\n\n", "caf\u{E9}: \u{FFFD}"),
        (b"retry: soon\n\n", "retry: soon"),
        (b"retry:+5\n\n", "retry:+5"),
        (b"retry\n\n", "retry"),
        (b"id: a\0b\n\n", "id: a\0b"),
    ] {
        let around = [b"data: 1\n\n", stream, b"data: 2\n\n"].concat();
        for size in 1..=around.len() {
            // A byte order mark counts at the start of the stream alone (9.2.5).
            let mark = stream.starts_with(b"\xEF");
            let stream = if mark { stream } else { &around };
            let said = read(stream, size, true);
            let expected = format!("ignored {line}");
            if mark {
                assert_eq!(said, [expected], "{line:?} in chunks of {size}");
            } else {
                assert_eq!(
                    said,
                    ["event message: 1", &expected, "event message: 2"],
                    "{line:?} in chunks of {size}"
                );
            }
            assert!(!read(stream, size, false).iter().any(|said| said.starts_with("ignored")));
        }
    }
}

#[test]
fn an_ignored_line_within_a_block_does_not_change_the_event() {
    let stream = b"event: add\nfoo: 1\ndata: a\n: hi\nbar\ndata: b\nretry: x\nid: 7\n\n";
    for size in 1..=stream.len() {
        let said = read(stream, size, true);
        assert_eq!(
            said,
            ["ignored foo: 1", "comment hi", "ignored bar", "ignored retry: x", "event add: a\nb"],
            "in chunks of {size}"
        );
    }
}

#[test]
fn a_long_line_without_effect_is_cut_and_takes_no_more_memory() {
    let stream = ["x".repeat(100_000), "\n".into(), "\u{E9}".repeat(100_000), "\n".into()].concat();
    for size in [1000, 4096, stream.len()] {
        let said = read(stream.as_bytes(), size, true);
        assert_eq!(
            said,
            [format!("ignored {}", "x".repeat(1024)), format!("ignored {}", "\u{E9}".repeat(512))]
        );
    }
}

#[test]
fn without_frames_diagnostics_change_nothing() {
    let mut parser = Parser::new().with_diagnostics(true);
    let mut input = &b"foo: 1\ndata: a\nbar\n\nretry: x\n\ndata: b\n\n"[..];
    let mut data = Vec::new();
    while let Some(event) = parser.next_event(&mut input).unwrap() {
        data.push(event.data.to_owned());
    }
    assert_eq!(data, ["a", "b"]);
}

#[test]
fn a_client_reports_ignored_lines_if_asked_to() {
    for diagnostics in [false, true] {
        let mut source = EventSource::new(Config::default().with_diagnostics(diagnostics), 1);
        let _ = source.poll(Instant::ZERO, &mut &b""[..]);
        source.handle_verdict(Verdict::Open);
        let mut input = &b"{\"error\": 1}\ndata: x\n\n"[..];
        let mut frames = Vec::new();
        loop {
            match source.poll(Instant::ZERO, &mut input) {
                Output::Frame(frame) => frames.push(frame.into_owned()),
                Output::NeedData { .. } => break,
                _ => {}
            }
        }
        let ignored = OwnedFrame::Ignored("{\"error\": 1}".to_owned());
        assert_eq!(frames.contains(&ignored), diagnostics);
        assert_eq!(frames.len(), if diagnostics { 2 } else { 1 });
    }
}

#[test]
fn a_line_read_before_diagnostics_were_switched_on_is_no_part_of_the_next_one() {
    let mut parser = Parser::new().with_diagnostics(true);
    assert_eq!(parser.next_frame(&mut &b"foo: ba"[..]), Ok(None));
    let mut parser = parser.with_diagnostics(false);
    assert_eq!(parser.next_frame(&mut &b"r\nqu"[..]), Ok(None));
    let mut parser = parser.with_diagnostics(true);
    assert_eq!(parser.next_frame(&mut &b"x: z\n"[..]), Ok(Some(Frame::Ignored("x: z"))));
}
