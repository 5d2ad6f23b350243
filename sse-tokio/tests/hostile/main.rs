//! Hostile servers: the memory of the client meanwhile, and its final error.
//!
//! Client and server run on one thread, whose heap is counted; the server sends one piece over and
//! over, so the rest is the client's. Time is paused, and moves while the server sleeps between two
//! pieces.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod attack;
#[cfg(feature = "http2")]
mod frames;
#[path = "../../../sse-proto/tests/support/heap.rs"]
mod heap;
#[cfg(feature = "http2")]
mod http2;
#[path = "../support/mod.rs"]
mod support;

use attack::{MIB, attack, gave_up};
use sse_test::paused::Server;
use sse_test::{Reply, millis, secs};
use sse_tokio::{Cause, CloseReason, Config, Limits, Overflow, ParserError};
use support::{builder, listen, source};
use tokio::time::Instant;

#[global_allocator]
static ALLOCATOR: heap::Counting = heap::Counting;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

fn limited(overflow: Overflow) -> Config {
    let limits = Limits::default().with_event(1 << 20).with_overflow(overflow);
    Config::default().with_limits(limits).with_event_timeout(secs(3))
}

#[test]
fn endless_input_is_over_its_limit() {
    let long = vec![b'x'; 64 << 10];
    let lines = b"data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n".repeat(1000);
    for (start, piece) in
        [("data: ", &long), (": ", &long), ("event: ", &long), ("", &lines), ("\u{feff}data", &lines)]
    {
        let outcome = attack("http", &format!("{HEAD}{start}"), piece, limited(Overflow::Fail));
        let error = ParserError::EventTooLong { limit: 1 << 20 };
        assert_eq!(outcome.reason(), CloseReason::Limit(error), "{start:?}");
        assert!(outcome.peak < 5 * MIB, "{start:?}: {} bytes held", outcome.peak);
        assert_eq!(outcome.events, 0);

        let outcome = attack("http", &format!("{HEAD}{start}"), piece, limited(Overflow::Skip));
        assert_eq!(outcome.reason(), gave_up(Cause::EventTimeout), "{start:?}");
        assert!(outcome.sent > 15_000_000, "{start:?}: {}", outcome.sent);
        assert!(outcome.peak < 5 * MIB, "{start:?}: {} bytes held", outcome.peak);
    }
}

#[test]
fn the_default_limit_holds_as_well() {
    let config = Config::default().with_event_timeout(secs(100));
    let outcome = attack("http", &format!("{HEAD}data: "), &vec![b'x'; 64 << 10], config);
    assert_eq!(outcome.reason(), CloseReason::Limit(ParserError::EventTooLong { limit: 16 << 20 }));
    assert!((16 * MIB..40 * MIB).contains(&outcome.peak), "{} bytes held", outcome.peak);
}

#[test]
fn an_id_of_megabytes_is_over_its_limit() {
    let outcome = attack("http", &format!("{HEAD}id: "), &vec![b'7'; 64 << 10], Config::default());
    assert_eq!(outcome.reason(), CloseReason::Limit(ParserError::IdTooLong { limit: 4 << 10 }));
    assert!(outcome.peak < 2 * MIB, "{} bytes held", outcome.peak);
}

#[test]
fn endless_comments_and_unknown_fields_end_at_the_event_timeout() {
    let comments = b": still here, still here, still here, still here\n".repeat(100);
    for piece in
        [comments, b"x: y\n".repeat(1000), vec![b'\n'; 1000], b"id: 1\n\n".repeat(1000), vec![b'x'; 64 << 10]]
    {
        let outcome = attack("http", HEAD, &piece, limited(Overflow::Fail));
        assert_eq!(outcome.reason(), gave_up(Cause::EventTimeout));
        assert!(outcome.sent > 250 * piece.len(), "{}", outcome.sent);
        assert!(outcome.peak < 3 * MIB, "{} bytes held", outcome.peak);
    }
}

#[test]
fn heads_without_end_are_refused() {
    let status = "HTTP/1.1 200 OK\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let long = vec![b'x'; 64 << 10];
    for (start, piece) in [
        (status.to_owned() + "X: ", long.clone()),
        (status.to_owned(), b"X: y\r\n".repeat(1000)),
        (status.to_owned() + "Location: /", long.clone()),
        (String::new(), long.clone()),
        (chunked.to_owned() + "5;x=", long.clone()),
        (chunked.to_owned(), b"f".repeat(100)),
    ] {
        let outcome = attack("http", &start, &piece, Config::default());
        assert_eq!(outcome.reason(), gave_up(Cause::Transport), "{start:?}");
        assert!(outcome.peak < 3 * MIB, "{start:?}: {} bytes held", outcome.peak);
        assert!(outcome.sent < 3_000_000, "{start:?}: {}", outcome.sent);
        assert!(outcome.chain().matches(": ").count() > 1, "{start:?}: it says why: {}", outcome.chain());
    }
}

#[test]
fn a_response_that_never_begins_ends_at_the_head_timeout() {
    let endless = b"HTTP/1.1 103 Early Hints\r\n\r\n";
    for (start, piece) in [("", &b""[..]), ("HTTP/1.1 200 OK\r\n", b""), ("", endless)] {
        let outcome = attack("http", start, piece, Config::default());
        assert_eq!(outcome.reason(), gave_up(Cause::HeadTimeout), "{start:?}");
        assert!(outcome.peak < 2 * MIB, "{start:?}: {} bytes held", outcome.peak);
    }
}

#[test]
fn a_body_that_never_begins_ends_at_the_idle_timeout() {
    let config = Config::default().with_idle_timeout(secs(20));
    let outcome = attack("http", HEAD, b"", config);
    assert_eq!(outcome.reason(), gave_up(Cause::IdleTimeout));
}

#[test]
fn a_tls_handshake_that_breaks_off_is_reported() {
    // The header announces 16 KiB of handshake.
    let promise = "\x16\x03\x03\x40\0";
    let outcome = attack("https", promise, b"", Config::default());
    assert_eq!(outcome.reason(), gave_up(Cause::ConnectTimeout));

    let alert = "\x15\x03\x03\0\x02\x02\x28";
    for (start, piece) in [(alert, &b""[..]), (HEAD, b""), ("", &[0x16; 4096]), (promise, &[0x02; 4096])] {
        let outcome = attack("https", start, piece, Config::default());
        assert_eq!(outcome.reason(), gave_up(Cause::NotSent), "{start:?}");
        assert!(
            outcome.chain().contains("error trying to connect")
                || outcome.chain().contains("sending request")
        );
        assert!(outcome.peak < 3 * MIB, "{start:?}: {} bytes held", outcome.peak);
    }
}

/// Half of them line ends, colons and names, so that some have a meaning.
fn noise(mut state: u64) -> Vec<u8> {
    let meaning = b"\r\n\n:: \xff\xc3\xed\xa0\x80\0did";
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let random = (state >> 33) as usize;
        meaning.get(random % (2 * meaning.len())).copied().unwrap_or((random >> 8) as u8)
    };
    std::iter::repeat_with(next).take(20_000).collect()
}

#[tokio::test(start_paused = true)]
async fn random_bytes_are_a_valid_stream() {
    for seed in 0..20 {
        let body = [&noise(seed)[..], b"\n\nid\ndata: \xff\xfe end\n\n"].concat();
        let server = Server::start([Reply::stream(body)]).await;
        let said = listen(&mut source(&server)).await;
        assert_eq!(said[0], "open 200");
        assert_eq!(said[said.len() - 2], "message \"\u{fffd}\u{fffd} end\" id ", "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn ids_that_no_header_can_carry_are_kept_and_not_sent() {
    for (id, sent) in
        [("a\x01b", None), ("a\x7f", None), ("a\x1b[2J", None), ("\0", None), ("é\tb", Some("é\tb"))]
    {
        let body = format!("id: {id}\ndata: x\n\n");
        let server = Server::start([Reply::stream(body), Reply::no_content()]).await;
        let mut source = source(&server);
        let said = listen(&mut source).await;
        let kept = if id == "\0" { "" } else { id };
        assert_eq!(said[1], format!("message \"x\" id {kept}"));
        assert_eq!(server.sent("last-event-id"), [None, sent.map(str::to_owned)], "{id:?}");
    }
}

/// A server that sends an event each time, so that no failure adds up, and asks for no wait at all.
#[tokio::test(start_paused = true)]
async fn a_retry_of_zero_becomes_10_ms_and_an_endless_one_becomes_an_hour() {
    let endless = format!("1{}", "0".repeat(30));
    for (retry, wait) in
        [("0", millis(10)), ("00", millis(10)), (&endless, secs(3600)), (&"9".repeat(100_000), secs(3600))]
    {
        let answer = Reply::stream(format!("retry: {retry}\ndata: x\n\n"));
        let server = Server::start(vec![answer; 100]).await;
        let began = Instant::now();
        listen(&mut source(&server)).await;
        assert_eq!(server.received().len(), 101);
        assert!(began.elapsed() >= 100 * wait, "{:?}", began.elapsed());
        assert!(began.elapsed() < 101 * wait, "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn long_redirect_urls_are_followed_up_to_the_limit() {
    let script: Vec<_> =
        (0..30).map(|n| Reply::redirect(307, &format!("/{n}{}", "x".repeat(60_000)))).collect();
    let server = Server::start(script).await;
    let mut source = builder(&server, "/").build().unwrap();
    let said = listen(&mut source).await;
    assert_eq!(
        said,
        ["error: the connection failed, and another attempt would too: more than 20 redirects in a row"]
    );
    assert_eq!(server.received().len(), 21);
}
