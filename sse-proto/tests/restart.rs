//! `Parser::restart` for the next connection, and `Parser::span` for gateways.

use sse_proto::{Error, Finish, Limits, Parser};

fn data(parser: &mut Parser, mut input: &[u8]) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(event) = parser.next_event(&mut input).expect("within the limits") {
        seen.push(format!("{} {} {}", event.event, event.data, event.id));
    }
    seen
}

// 9.2.3: last event ID string and reconnection time survive a reconnection.
#[test]
fn restart_drops_what_is_pending_and_keeps_id_and_reconnection_time() {
    let start = b"id: 7\nretry: 5\n\n";
    let pending = b"event: e\nid: 8\ndata: x\n: comment\nretry: 6\ndata: cut";
    for at in 0..pending.len() {
        let mut parser = Parser::new();
        data(&mut parser, &[start, &pending[..at]].concat());
        let retry = parser.retry();
        parser.restart();
        // A new stream has a byte order mark of its own.
        assert_eq!(data(&mut parser, "\u{feff}data: y\n\n".as_bytes()), ["message y 7"], "cut at {at}");
        assert_eq!(parser.retry(), retry);
        assert_eq!(parser.finish(), Finish::Complete);
    }
}

#[test]
fn restart_ends_a_failure() {
    let mut parser = Parser::new().with_limits(Limits::default().with_event(3));
    let error = Err(Error::EventTooLong { limit: 3 });
    assert_eq!(parser.next_event(&mut &b"data: four\n\n"[..]), error);
    parser.restart();
    assert_eq!(data(&mut parser, b"data: 333\n\n"), ["message 333 "]);
}

#[test]
fn the_span_of_an_event_is_what_it_took_on_the_wire_wherever_it_is_cut() {
    let blocks = [
        "data: x\n\n",
        "id: 1\nevent: e\ndata: x\ndata: y\n\n",
        ": c\ndata: x\n\n",
        "data: \u{fffd}\nretry: 1\n\n",
    ];
    for end in ["\n", "\r", "\r\n"] {
        let blocks = blocks.map(|block| block.replace('\n', end));
        let stream = format!("\u{feff}: hello{end}{end}{}", blocks.concat());
        for length in 1..=stream.len() {
            let mut parser = Parser::new();
            let mut spans = Vec::new();
            for mut input in stream.as_bytes().chunks(length) {
                while parser.next_event(&mut input).expect("within the limits").is_some() {
                    spans.push(parser.span() as usize);
                }
            }
            let whole = blocks.iter().map(String::len);
            for (span, whole) in spans.iter().zip(whole) {
                // The LF of the last CR may come in the next chunk.
                assert!(
                    *span == whole || end == "\r\n" && span + 1 == whole,
                    "{span} of {whole} by {length}"
                );
            }
            assert_eq!(spans.len(), blocks.len());
        }
    }
}
