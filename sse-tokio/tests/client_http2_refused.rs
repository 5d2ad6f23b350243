//! HTTP/2: a `POST` that the server announced not to have processed is sent again, any other is not
//! (RFC 9113, 8.7).

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[allow(dead_code, reason = "of an attacker's frames, a server needs some")]
#[path = "hostile/frames.rs"]
mod frames;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use frames::{DATA, END_HEADERS, HEADERS, RST_STREAM, SETTINGS, fields, frame};
use futures_util::StreamExt;
use sse_tokio::{
    Cause, CloseReason, Config, Event, EventSource, Jitter, ReconnectPolicy, Repeat, client_builder,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const PREFACE: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;

/// What the server does with a request.
#[derive(Clone, Copy)]
enum Act {
    /// Resets the stream, with this error.
    Reset(u32),
    /// Shuts the connection down; the request is above the last stream that was processed.
    GoAwayBefore,
    /// Shuts the connection down; the request may have been processed.
    GoAwayAfter,
    /// Sends an event.
    Answer,
}

/// Plays a script, an act for each request over any number of connections; counts the requests.
async fn play(script: &'static [Act]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(socket, script, Arc::clone(&count)));
        }
    });
    (url, requests)
}

/// `None` when the client hangs up, or is hung up on.
async fn serve(mut socket: TcpStream, script: &[Act], count: Arc<AtomicUsize>) -> Option<()> {
    socket.read_exact(&mut [0; PREFACE]).await.ok()?;
    socket.write_all(&frame(SETTINGS, 0, 0, &[])).await.ok()?;
    loop {
        let mut head = [0; 9];
        socket.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, _, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        socket.read_exact(&mut payload).await.ok()?;
        if kind != HEADERS {
            continue;
        }
        let stream = u32::from_be_bytes(stream);
        let go_away = |last: u32| frame(GOAWAY, 0, 0, &[last.to_be_bytes(), NO_ERROR.to_be_bytes()].concat());
        let act = script[count.fetch_add(1, Ordering::Relaxed)];
        let (answer, over) = match act {
            Act::Reset(error) => (frame(RST_STREAM, 0, stream, &error.to_be_bytes()), false),
            Act::GoAwayBefore => (go_away(0), false),
            Act::GoAwayAfter => (go_away(stream), true),
            Act::Answer => {
                let head = fields(&[(":status", "200"), ("content-type", "text/event-stream")]);
                let head = frame(HEADERS, END_HEADERS, stream, &head);
                (head.into_iter().chain(frame(DATA, END_STREAM, stream, b"data: a\n\n")).collect(), false)
            }
        };
        socket.write_all(&answer).await.ok()?;
        if over {
            return None;
        }
    }
}

/// A `POST` that is repeated if it was refused: its events and losses, and its end.
async fn post(url: &str) -> (Vec<String>, Option<CloseReason>) {
    post_again(url, Repeat::IfRefused).await
}

async fn post_again(url: &str, repeat: Repeat) -> (Vec<String>, Option<CloseReason>) {
    let policy = ReconnectPolicy::default().with_jitter(Jitter::None).with_max_attempts(20);
    let config = Config::default().with_policy(policy).with_repeat(repeat);
    let mut source = EventSource::builder(url)
        .method(reqwest::Method::POST)
        .body("question")
        .config(config)
        .client_builder(client_builder().http2_prior_knowledge())
        .build()
        .unwrap();
    let mut events = Vec::new();
    while let Some(item) = source.next().await {
        match item {
            Ok(Event::Message(message)) => events.push(message.into_data()),
            Ok(Event::Disconnected { cause, .. }) => {
                assert_eq!(cause.cause(), Cause::NotSent, "{cause}");
                events.push("refused".into());
                // The policy's waits are for others to test.
                source.retry_after(std::time::Duration::ZERO);
            }
            Ok(_) => {}
            Err(error) => assert_eq!(error.reason(), source.close_reason()),
        }
    }
    (events, source.close_reason())
}

#[tokio::test]
async fn a_post_that_was_not_processed_is_sent_again() {
    const SCRIPT: &[Act] = &[
        Act::Reset(REFUSED_STREAM),
        Act::GoAwayBefore,
        Act::GoAwayBefore,
        Act::GoAwayBefore,
        Act::Reset(REFUSED_STREAM),
        Act::Reset(REFUSED_STREAM),
        Act::Reset(REFUSED_STREAM),
        Act::Reset(REFUSED_STREAM),
        Act::Reset(REFUSED_STREAM),
        Act::Answer,
    ];
    let (url, requests) = play(SCRIPT).await;
    let (events, reason) = post(&url).await;
    // Each refusal is reported, and waits for the policy.
    assert_eq!(events, [&["refused"; SCRIPT.len() - 1][..], &["a"]].concat());
    assert_eq!(reason, Some(CloseReason::NotRepeated(Cause::EndOfStream)));
    assert_eq!(requests.load(Ordering::Relaxed), SCRIPT.len());
}

#[tokio::test]
async fn a_refused_request_that_is_never_repeated_is_sent_once() {
    for script in [&[Act::Reset(REFUSED_STREAM), Act::Answer][..], &[Act::GoAwayBefore, Act::Answer]] {
        let (url, requests) = play(script).await;
        let (events, reason) = post_again(&url, Repeat::Never).await;
        assert!(events.is_empty(), "{events:?}");
        assert_eq!(reason, Some(CloseReason::NotRepeated(Cause::NotSent)));
        assert_eq!(requests.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_post_that_may_have_been_processed_is_not_sent_again() {
    for script in [&[Act::Reset(INTERNAL_ERROR)][..], &[Act::GoAwayAfter]] {
        let (url, requests) = play(script).await;
        let (events, reason) = post(&url).await;
        assert!(events.is_empty());
        assert_eq!(reason, Some(CloseReason::NotRepeated(Cause::Transport)));
        assert_eq!(requests.load(Ordering::Relaxed), 1);
    }
}
