//! Reconnection over real sockets in virtual time.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use sse_test::paused::{Answer, Server};
use sse_tokio::{Config, EventSource};
use support::{builder, config, listen, next, source};

/// An event without an ID does not make the client forget the last one.
// 9.2.6: the last event ID buffer is not reset at a dispatch.
#[tokio::test(start_paused = true)]
async fn the_last_event_id_survives_events_without_an_id() {
    let server = Server::start([
        Answer::stream("id: 5\ndata: a\n\ndata: b\n\n"),
        Answer::stream("data: c\n\n"),
        Answer::stream("data: d\n\n"),
    ])
    .await;
    let said = listen(&mut source(&server)).await;
    let messages: Vec<_> = said.iter().filter(|words| words.starts_with("message")).collect();
    assert_eq!(
        messages,
        ["message \"a\" id 5", "message \"b\" id 5", "message \"c\" id 5", "message \"d\" id 5"]
    );
    let id = Some("5".to_owned());
    assert_eq!(server.sent("last-event-id"), [None, id.clone(), id.clone(), id]);
}

// 9.2.3: `Last-Event-ID` is set only if the last event ID string is not empty.
#[tokio::test(start_paused = true)]
async fn without_an_id_there_is_no_last_event_id_header() {
    let server = Server::start([Answer::stream("data: a\n\n"), Answer::stream("id\ndata: b\n\n")]).await;
    listen(&mut source(&server)).await;
    assert_eq!(server.sent("last-event-id"), [None, None, None]);
}

// 9.2.6: `retry` sets the reconnection time.
#[tokio::test(start_paused = true)]
async fn retry_alone_in_a_block_sets_the_reconnection_time() {
    let server = Server::start([Answer::stream("retry: 50\n\n")]).await;
    assert_eq!(
        listen(&mut source(&server)).await,
        ["open 200", "retry 50ms", "lost EndOfStream, attempt 1 in 50ms"]
    );
    let [first, second] = server.requests().try_into().unwrap();
    // Tokio's timer rounds up to the next millisecond.
    let waited = (second.at - first.at).as_millis();
    assert!((50..=51).contains(&waited), "{waited}");
}

// 9.2.3: the header has the last event ID string, encoded as UTF-8.
#[tokio::test(start_paused = true)]
async fn a_last_event_id_is_sent_as_utf_8() {
    let server = Server::start([Answer::stream("id: …é\ndata: a\n\n")]).await;
    listen(&mut source(&server)).await;
    assert_eq!(server.requests()[1].header("last-event-id"), Some("…é".as_bytes()));
}

// 9.2.1: 204 No Content stops reconnection.
#[tokio::test(start_paused = true)]
async fn a_204_ends_a_source_for_good() {
    let server = Server::start([Answer::stream("data: a\n\n"), Answer::status(204, "", "")]).await;
    let mut source = source(&server);
    let said = listen(&mut source).await;
    assert_eq!(said, ["open 200", "message \"a\" id ", "lost EndOfStream, attempt 1 in 1s"]);
    assert_eq!(next(&mut source).await, "end");
    assert_eq!(server.requests().len(), 2);
}

// 9.2.2: a status other than 200 fails the connection (9.2.3).
#[tokio::test(start_paused = true)]
async fn a_503_closes_a_source() {
    let server = Server::start([Answer::status(503, "", "busy")]).await;
    let mut source = source(&server);
    assert_eq!(next(&mut source).await, "error: the server answered with status 503 instead of 200: busy");
    for _ in 0..3 {
        assert_eq!(next(&mut source).await, "end");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_503_is_retried_if_configured() {
    let server = Server::start([
        Answer::status(503, "Retry-After: 7\r\n", ""),
        Answer::status(503, "", ""),
        Answer::stream("data: a\n\n"),
    ])
    .await;
    let config = config().with_retry_status(Config::TRANSIENT_STATUS);
    let said = listen(&mut builder(&server, "/").config(config).build().unwrap()).await;
    assert_eq!(
        said,
        [
            "lost Status(503), attempt 1 in 7s",
            "lost Status(503), attempt 2 in 2s",
            "open 200",
            "message \"a\" id ",
            "lost EndOfStream, attempt 1 in 1s"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_reset_while_reconnecting_is_a_failed_attempt() {
    let server = Server::start([
        Answer::stream("id: 1\ndata: a\n\n").reset(),
        Answer::raw("").reset(),
        Answer::raw("HTTP/1.1 200 OK\r\nConte").reset(),
        Answer::stream("data: b\n\n"),
    ])
    .await;
    let said = listen(&mut source(&server)).await;
    // A reset may overtake the data that was sent before it.
    let tail: Vec<_> = said.iter().skip_while(|words| !words.contains("attempt 2")).collect();
    assert_eq!(tail[0], "lost Transport, attempt 2 in 2s");
    assert_eq!(tail[1], "lost Transport, attempt 3 in 4s");
    assert_eq!(tail[2], "open 200");
    assert!(tail[3].starts_with("message \"b\" id "), "{said:?}");
    assert_eq!(server.requests().len(), 5);
}

// 9.2.6: an incomplete block is discarded, with its ID.
#[tokio::test(start_paused = true)]
async fn after_a_truncated_block_the_source_resumes_from_the_block_before() {
    let server = Server::start([
        Answer::stream("id: 1\ndata: a\n\nid: 2\ndata: b"),
        Answer::stream("id: 2\ndata: b\n\n"),
    ])
    .await;
    let said = listen(&mut source(&server)).await;
    assert_eq!(said.iter().filter(|words| words.contains("\"b\"")).count(), 1);
    assert_eq!(server.sent("last-event-id"), [None, Some("1".into()), Some("2".into())]);
}

async fn content_type(content_type: &str) -> String {
    let server = Server::start([Answer::of_type(content_type, "data: a\n\n")]).await;
    let said = next(&mut source(&server)).await;
    assert_eq!(server.requests().len(), 1);
    said
}

// 9.2.2: another `Content-Type` fails the connection (9.2.3).
#[tokio::test(start_paused = true)]
async fn a_content_type_of_html_closes_a_source() {
    assert_eq!(
        content_type("text/html").await,
        "error: the response is not text/event-stream but text/html: data: a"
    );
}

// 9.2.2: the content type is compared as a MIME type.
#[tokio::test(start_paused = true)]
async fn case_and_parameters_of_a_content_type_do_not_matter() {
    assert_eq!(content_type("Text/Event-Stream; charset=x").await, "open 200");
}

// 9.2.2: the content type is compared as a MIME type.
#[tokio::test(start_paused = true)]
async fn a_content_type_with_a_longer_subtype_closes_a_source() {
    assert_eq!(
        content_type("text/event-streamX").await,
        "error: the response is not text/event-stream but text/event-streamX: data: a"
    );
}

// 9.2.6, dispatch, step 1: a block without data sets the last event ID string.
#[tokio::test(start_paused = true)]
async fn a_source_resumes_from_a_block_that_has_only_an_id() {
    let server = Server::start([Answer::stream("id: 9\n\n")]).await;
    assert_eq!(listen(&mut source(&server)).await, ["open 200", "lost EndOfStream, attempt 1 in 1s"]);
    assert_eq!(server.sent("last-event-id"), [None, Some("9".into())]);
}

// 9.2.6: `retry` counts only if its value consists of ASCII digits.
#[tokio::test(start_paused = true)]
async fn a_malformed_retry_is_ignored() {
    let server = Server::start([Answer::stream("retry: x\nretry: +5\nretry: \ndata: a\n\n")]).await;
    assert_eq!(
        listen(&mut source(&server)).await,
        ["open 200", "message \"a\" id ", "lost EndOfStream, attempt 1 in 1s"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_id_that_no_header_can_carry_is_not_sent() {
    let server = Server::start([
        Answer::stream("id: a\u{1}b\ndata: a\n\n"),
        Answer::stream("data: b\n\nid: c\td\ndata: c\n\n"),
    ])
    .await;
    let mut source: EventSource = source(&server);
    let said = listen(&mut source).await;
    assert!(said.contains(&"message \"b\" id a\u{1}b".to_owned()), "{said:?}");
    assert_eq!(server.sent("last-event-id"), [None, None, Some("c\td".into())]);
}

// 9.2.1: event stream requests can be redirected.
#[tokio::test(start_paused = true)]
async fn each_attempt_follows_a_redirect_with_a_relative_location() {
    for status in [301, 302, 303, 307, 308] {
        let server = Server::start([
            Answer::redirect(status, "../there?x=1"),
            Answer::stream("id: 1\ndata: a\n\n"),
            Answer::redirect(status, "../there?x=1"),
        ])
        .await;
        let said = listen(&mut builder(&server, "/here/and/").build().unwrap()).await;
        assert_eq!(said, ["open 200", "message \"a\" id 1", "lost EndOfStream, attempt 1 in 1s"], "{status}");
        let (here, there) = ("GET /here/and/", "GET /here/there?x=1");
        assert_eq!(server.lines(), [here, there, here, there], "{status}");
        let id = Some("1".to_owned());
        assert_eq!(server.sent("last-event-id"), [None, None, id.clone(), id], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_without_a_location_is_an_error_and_not_a_loop() {
    for status in [301, 302, 303, 307, 308] {
        for headers in ["", "Location:\r\n", "Location:  \r\n"] {
            let server = Server::start([Answer::status(status, headers, "")]).await;
            let mut source = source(&server);
            let error = source.next_event().await.unwrap().unwrap_err();
            let source_of_it = std::error::Error::source(&error).unwrap();
            let cause = std::error::Error::source(source_of_it).unwrap();
            assert_eq!(
                cause.to_string(),
                "the `Location` header is missing or empty",
                "{status} {headers:?}"
            );
            assert_eq!(next(&mut source).await, "end");
            assert_eq!(server.requests().len(), 1);
        }
    }
}
