//! Tests of resuming: the last event ID that is sent, and that no event is lost or repeated.

#[path = "client/mod.rs"]
mod client;

use client::{Client, config, ok, secs};
use sse_proto::{Config, ErrorKind, EventSource, Frame, Instant, Limits, Output, Overflow, ResponseHead};

/// Blocks as they go over the wire, the ID of each, and the data if it is an event.
const CORPUS: &[(&str, &str, Option<&str>)] = &[
    ("id: 1\ndata: one\n\n", "1", Some("one")),
    (": keep-alive\nretry: 1000\nevent: add\ndata: a\ndata:\ndata:  b\nid: 2\n\n", "2", Some("a\n\n b")),
    ("id:3\r\ndata:crlf\r\n\r\n", "3", Some("crlf")),
    ("data: cr\rid: 4\r\r", "4", Some("cr")),
    ("id: 5 ä…\ndata: grüße 🦀\n\n", "5 ä…", Some("grüße 🦀")),
    ("id: 6\n\n", "6", None),
    ("\n:\n\nunknown: field\ndata: 7\nid: 7\n\n", "7", Some("7")),
    ("data\nid: 8\n\n", "8", Some("")),
    ("id: 9\ndata: nine\r\n\r\n", "9", Some("nine")),
];

/// What a server that honours `Last-Event-ID` sends.
fn stream(last_event_id: Option<&str>) -> Vec<u8> {
    let sent = last_event_id.map_or(0, |last| {
        1 + CORPUS.iter().position(|&(_, id, _)| id == last).expect("only an ID that was sent")
    });
    CORPUS[sent..].iter().flat_map(|(wire, ..)| wire.bytes()).collect()
}

/// Reads the corpus over connections that are cut after `cut` bytes, and then over a complete one.
fn read_with_cuts(cuts: &[usize], chunk_len: usize, error: bool) -> Vec<(String, String)> {
    let mut source = EventSource::new(Config::default(), 7);
    let mut cuts = cuts.iter();
    let mut now = Instant::ZERO;
    let (mut body, mut read, mut whole) = (Vec::new(), 0, false);
    let mut received = Vec::new();
    let mut input = 0..0;
    loop {
        let mut rest = &body[input.clone()];
        let output = source.poll(now, &mut rest);
        input.start = input.end - rest.len();
        match output {
            Output::Connect { .. } if whole => source.handle_response(ResponseHead::from(204)),
            Output::Connect { request, .. } => {
                body = stream(request.last_event_id);
                match cuts.next() {
                    Some(&cut) => body.truncate(cut),
                    None => whole = true,
                }
                (read, input) = (0, 0..0);
                source.handle_response(ok());
            }
            Output::NeedData { .. } if read < body.len() => {
                input = read..body.len().min(read + chunk_len);
                read = input.end;
            }
            Output::NeedData { .. } if error => source.handle_error(ErrorKind::Retryable),
            Output::NeedData { .. } => source.handle_eof(),
            Output::Wait(until) => now = until.expect("the source is not suspended"),
            Output::Frame(Frame::Event(event)) => received.push((event.id.to_owned(), event.data.to_owned())),
            Output::Closed(_) => return received,
            Output::Open | Output::Frame(_) | Output::Disconnected { .. } => {}
        }
    }
}

fn all_events() -> Vec<(String, String)> {
    let events = CORPUS.iter().filter_map(|&(_, id, data)| Some((id.to_owned(), data?.to_owned())));
    events.collect()
}

// 9.2.3: reconnection sends `Last-Event-ID`; 9.2.6 discards an incomplete event.
#[test]
fn no_event_is_lost_or_repeated_wherever_the_stream_is_cut() {
    let len = stream(None).len();
    for cut in 0..=len {
        for chunk_len in [1, 7, len] {
            for error in [false, true] {
                let received = read_with_cuts(&[cut], chunk_len, error);
                assert_eq!(received, all_events(), "cut at {cut}, chunks of {chunk_len}");
            }
        }
    }
}

#[test]
fn an_event_that_is_cut_repeatedly_is_not_skipped() {
    let len = stream(None).len();
    for first in 0..=len {
        for second in (0..=len - first).step_by(3) {
            let received = read_with_cuts(&[first, second, 20], len, false);
            assert_eq!(received, all_events(), "cut at {first} and {second}");
        }
    }
    assert_eq!(read_with_cuts(&[60; 100], len, true), all_events());
}

/// The ID that is sent on the connection after one that carried `stream`.
fn resumed_from(stream: &str) -> String {
    let mut client = Client::open(config());
    client.read(stream);
    client.lose();
    client.sleep(secs(1));
    let request = client.poll();
    let id = request.strip_prefix("connect 1 id ").and_then(|request| request.split_once(" until "));
    id.unwrap_or_else(|| panic!("{request}")).0.to_owned()
}

// 9.2.6, dispatch, step 1: an ID counts from its blank line on.
#[test]
fn a_client_resumes_only_from_an_id_whose_block_ended() {
    assert_eq!(resumed_from("data: x\n\n"), "-");
    assert_eq!(resumed_from("id: 5\n\n"), "5", "a block without data");
    assert_eq!(resumed_from("id: 1\ndata: x\n\nid: 2\ndata: y"), "1", "a truncated block");
    assert_eq!(resumed_from("id: 1\ndata: x\n\nid: 2\ndata: y\n"), "1", "an unterminated block");
    assert_eq!(resumed_from("id: 1\ndata: x\n\nid\ndata: y\n\n"), "-", "an empty ID takes it back");
    assert_eq!(resumed_from("id: 1\n\nid: 2\0\n\n"), "1", "NUL");
    assert_eq!(resumed_from("id: ä…\t\n\n"), "ä…\t");
}

// 9.2.3: the last event ID string outlives the connection.
#[test]
fn an_id_without_an_event_survives_reconnections() {
    let mut client = Client::open(config());
    client.read("id: 5\ndata: x\n\n");
    for _ in 0..3 {
        assert_eq!(client.lose(), "lost Transport, attempt 1 in 1s");
        client.sleep(secs(1));
        assert!(client.poll().starts_with("connect 1 id 5 "));
        client.connect();
        assert_eq!(client.read("data: y\n\n")[0], "event message \"y\" id 5");
    }
}

// 9.2.4: `Last-Event-ID` carries the last event ID string.
#[test]
fn an_id_that_no_header_can_carry_is_kept_and_not_sent() {
    for id in ["a\u{1}b", "\u{7f}", "\u{1b}[0m"] {
        assert_eq!(resumed_from(&format!("id: 1\n\nid: {id}\ndata: x\n\n")), "-");
        let mut client = Client::open(config());
        let said = client.read(&format!("id: {id}\ndata: x\n\n"));
        assert_eq!(said[0], format!("event message \"x\" id {id}"));
        client.lose();
        assert_eq!(client.source.last_event_id(), id);
        client.sleep(secs(1));
        let Output::Connect { request, .. } = client.source.poll(client.now, &mut &[][..]) else {
            panic!("due")
        };
        assert_eq!((request.last_event_id, request.id), (None, id));
        client.connect();
        assert_eq!(client.read("data: y\n\n")[0], format!("event message \"y\" id {id}"));
    }
}

// 9.2.4: `Last-Event-ID`.
#[test]
fn an_initial_id_is_sent_with_the_first_request() {
    let mut client = Client::new(config().with_last_event_id("42"));
    assert_eq!(client.source.last_event_id(), "42");
    assert!(client.poll().starts_with("connect 0 id 42 "));
    client.connect();
    assert_eq!(client.read("data: x\n\n")[0], "event message \"x\" id 42");
}

#[test]
fn half_a_line_of_a_dead_connection_never_meets_the_next() {
    for half in
        ["data: ha", "data: half\n", "event: add\ndata: x\n", "id: 9", "\u{feff}dat", "data: \r", "re"]
    {
        let mut client = Client::open(config());
        client.read(half);
        client.lose();
        client.sleep(secs(1));
        client.connect();
        // The byte order mark is also one at the start of this stream.
        assert_eq!(client.read("\u{feff}data: x\n\n")[0], "event message \"x\" id ", "{half:?}");
    }
}

#[test]
fn bytes_of_a_dead_connection_are_dropped() {
    let mut client = Client::open(config());
    let mut rest: &[u8] = b"data: x\n\ndata: late\n\n";
    assert!(matches!(client.source.poll(client.now, &mut rest), Output::Frame(Frame::Event(_))));
    client.source.handle_error(ErrorKind::Retryable);
    assert!(matches!(client.source.poll(client.now, &mut rest), Output::Disconnected { .. }));
    assert_eq!(rest, b"");
    rest = b"data: late\n\n";
    assert!(matches!(client.source.poll(client.now, &mut rest), Output::Wait(_)));
    assert_eq!(rest, b"");
    client.sleep(secs(1));
    rest = b"data: late\n\n";
    assert!(matches!(client.source.poll(client.now, &mut rest), Output::Connect { .. }));
    assert_eq!(rest, b"");
}

#[test]
fn bytes_that_arrive_with_the_head_are_read() {
    let mut client = Client::new(config());
    client.poll();
    client.source.handle_response(ok());
    let mut rest: &[u8] = b"data: x\n\n";
    assert_eq!(client.source.poll(client.now, &mut rest), Output::Open);
    assert!(matches!(client.source.poll(client.now, &mut rest), Output::Frame(Frame::Event(_))));
}

// 9.2.6: the block is discarded at the end of the file.
#[test]
fn an_unterminated_event_is_dropped_unless_deliver_unterminated_is_set() {
    let end = |flush, stream| {
        let mut client = Client::open(config().with_deliver_unterminated(flush));
        client.read(stream);
        client.source.handle_eof();
        let mut said = vec![client.poll()];
        while !said[said.len() - 1].starts_with("lost") {
            said.push(client.poll());
        }
        (said, client.source.last_event_id().to_owned())
    };
    let lost = "lost EndOfStream, attempt 1 in 1s".to_owned();
    let cut = "lost EventCut, attempt 1 in 1s".to_owned();
    let stream = "id: 1\n\nid: 2\ndata: x\ndata: y";
    assert_eq!(end(false, stream), (vec![cut.clone()], "1".into()));
    let event = "event message \"x\\ny\" id 1".to_owned();
    assert_eq!(end(true, stream), (vec![event, lost.clone()], "1".into()));
    for complete in ["", "data: x\n\n", "data: x\n\n:\n"] {
        for flush in [false, true] {
            assert_eq!(end(flush, complete).0.pop().unwrap(), lost, "{complete:?}");
        }
    }
    for without_data in ["data: x\n\nid: 2\n", "event: x", "data: x\n\ndat"] {
        for flush in [false, true] {
            assert_eq!(end(flush, without_data).0.pop().unwrap(), cut, "{without_data:?}");
        }
    }
}

#[test]
fn a_broken_connection_delivers_no_unterminated_event() {
    let mut client = Client::open(config().with_deliver_unterminated(true));
    client.read("data: x\n");
    assert_eq!(client.lose(), "lost TransportCut, attempt 1 in 1s");
}

#[test]
fn a_delivered_unterminated_event_is_a_success() {
    let mut client = Client::new(config().with_deliver_unterminated(true));
    client.poll();
    client.lose();
    client.sleep(secs(1));
    client.connect();
    client.read("data: x\n");
    client.source.handle_eof();
    assert_eq!(client.poll(), "event message \"x\" id ");
    assert_eq!(client.poll(), "lost EndOfStream, attempt 1 in 1s");
}

#[test]
fn a_stream_over_its_limit_is_not_requested_again() {
    let limits = Limits::default().with_event(8).with_id(4).with_overflow(Overflow::Fail);
    let mut client = Client::open(config().with_limits(limits));
    let said = client.read("id: 1\n\ndata: 123456789\n\ndata: x\n\n");
    assert_eq!(said, ["closed Limit(EventTooLong { limit: 8 })"]);
    assert_eq!(client.source.last_event_id(), "1");

    let mut client = Client::open(config().with_limits(limits));
    assert_eq!(client.read("id: 12345\n\n"), ["closed Limit(IdTooLong { limit: 4 })"]);
}

#[test]
fn a_skipped_event_commits_its_id() {
    let limits = Limits::default().with_event(8).with_id(4).with_overflow(Overflow::Skip);
    let mut client = Client::open(config().with_limits(limits));
    let said = client.read("id: 1\n\nid: 2\ndata: 123456789\n\ndata: x\n\n");
    assert!(said[0].starts_with("skipped "), "{said:?}");
    assert_eq!(said[1..], ["event message \"x\" id 1", "read for ever"]);
}
