//! Hostile servers over HTTP/2, whose frames can also be endless. The body is read as over
//! HTTP/1.1.

use sse_tokio::{Cause, Config};

use super::attack::{MIB, Outcome, attack_with, gave_up};
use super::frames::{
    CONTINUATION, DATA, END_HEADERS, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, bomb, fields, frame,
};
use sse_test::secs;

const PUSH_PROMISE: u8 = 5;

fn attack(start: &[Vec<u8>], piece: &[u8], config: Config) -> Outcome {
    let start = [frame(SETTINGS, 0, 0, &[]), start.concat()].concat();
    attack_with(|http| http.http2_prior_knowledge(), asked, "http", &start, piece, config)
}

/// Whether there are the fields of a request: before them a response would be an error of its own.
fn asked(sent: &[u8]) -> bool {
    let mut frames = sent.get(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()..).unwrap_or_default();
    while let [a, b, c, kind, ..] = *frames {
        if kind == HEADERS {
            return true;
        }
        let length = 9 + u32::from_be_bytes([0, a, b, c]) as usize;
        frames = frames.get(length..).unwrap_or_default();
    }
    false
}

fn head(flags: u8) -> Vec<u8> {
    frame(HEADERS, flags, 1, &fields(&[(":status", "200"), ("content-type", "text/event-stream")]))
}

#[test]
fn bytes_that_are_not_http2_end_the_connection_with_a_reason() {
    let field = fields(&[("x", &"y".repeat(100))]);
    let promise = [&2u32.to_be_bytes()[..], &field].concat();
    let (open, begun) = (head(END_HEADERS), frame(HEADERS, 0, 1, &field));
    let reset = frame(RST_STREAM, 0, 1, &2u32.to_be_bytes());
    let flood = frame(DATA, 0, 1, &[b'x'; 16 << 10]).repeat(20);
    for (start, piece, why) in [
        (vec![begun.clone()], frame(CONTINUATION, 0, 1, &field).repeat(100), "too_many_continuations"),
        (vec![begun], frame(CONTINUATION, 0, 1, &[]).repeat(100), "too_many_continuations"),
        (vec![frame(HEADERS, END_HEADERS, 1, &bomb())], vec![], "header_list_way_too_large"),
        (vec![frame(PUSH_PROMISE, END_HEADERS, 1, &promise)], vec![], "protocol error"),
        (vec![frame(DATA, 0, 1, b"data: x\n\n")], vec![], "protocol error"),
        (vec![frame(0xbe, 0xff, 0, &[0xff; 60_000])], vec![], "invalid size"),
        (vec![reset.clone()], vec![], "stream error received"),
        (vec![open.clone(), reset], vec![], "stream error received"),
        (vec![open.clone()], frame(DATA, 0, 1, &[]).repeat(100), "too_many_data_frames"),
        (vec![open], flood, "flow-control"),
    ] {
        let outcome = attack(&start, &piece, Config::default());
        // The flood of data is a line that never ends.
        let cause = if why == "flow-control" { Cause::TransportCut } else { Cause::Transport };
        assert_eq!(outcome.reason(), gave_up(cause), "{why}");
        assert!(outcome.chain().contains(why), "{}", outcome.chain());
        assert!(outcome.peak < 3 * MIB, "{why}: {} bytes held", outcome.peak);
        assert_eq!(outcome.events, 0);
    }
}

#[test]
fn http2_frames_without_data_do_not_restart_the_idle_timeout() {
    for piece in [
        frame(PING, 0, 0, &[7; 8]),
        frame(SETTINGS, 0, 0, &[]),
        frame(WINDOW_UPDATE, 0, 0, &1u32.to_be_bytes()),
        frame(0xbe, 0, 1, &[7; 8]),
    ] {
        let piece = piece.repeat(100);
        let config = Config::default().with_idle_timeout(secs(20));
        let outcome = attack(&[head(END_HEADERS)], &piece, config);
        assert_eq!(outcome.reason(), gave_up(Cause::IdleTimeout));
        assert!(outcome.peak < 2 * MIB, "{} bytes held", outcome.peak);

        let outcome = attack(&[], &piece, Config::default());
        assert_eq!(outcome.reason(), gave_up(Cause::HeadTimeout));
        assert!(outcome.peak < 2 * MIB, "{} bytes held", outcome.peak);
    }
}
