//! Accepted and refused responses of a source.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::sync::{Arc, Mutex};

use reqwest::StatusCode;
use sse_test::paused::Server;
use sse_test::{Reply, millis, secs};
use sse_tokio::{CloseReason, Error, EventRef, Limits, Overflow, Verdict};
use support::{builder, config, listen, next, source};

async fn failure(server: &Server) -> Error {
    source(server).next_event().await.unwrap().unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn an_error_has_status_headers_and_body() {
    let json = r#"{"error": "quota exceeded"}"#;
    let server = Server::start([Reply::status(
        429,
        "Content-Type: application/json\r\nX-Request-Id: 7\r\nRetry-After: 9\r\n",
        json,
    )])
    .await;
    let mut error = failure(&server).await;
    assert_eq!(
        error.to_string(),
        "the server answered with status 429 instead of 200: {\"error\": \"quota exceeded\"}"
    );
    assert_eq!(error.reason(), Some(CloseReason::Status(429)));
    assert_eq!(error.status(), Some(StatusCode::TOO_MANY_REQUESTS));
    let head = error.head().unwrap();
    assert_eq!(head.headers["x-request-id"], "7");
    assert_eq!(head.headers["retry-after"], "9");
    assert_eq!(head.url.as_str(), server.url("/events"));
    assert_eq!(error.body(1024).await.unwrap(), json);
    assert_eq!(error.text(8).await.unwrap(), "{\"error\"", "it stays");
}

#[tokio::test(start_paused = true)]
async fn the_body_of_an_error_is_read_up_to_a_limit() {
    let endless = Reply::raw("HTTP/1.1 500 No\r\n\r\n").send("x".repeat(1000)).hold();
    let server = Server::start([endless]).await;
    let mut error = failure(&server).await;
    assert_eq!(error.body(10).await.unwrap(), "x".repeat(10));
    drop(error);
    server.hung_up().await;
}

#[tokio::test(start_paused = true)]
async fn the_page_of_a_proxy_can_be_read() {
    let server = Server::start([Reply::of_type("text/html", "<h1>Log in</h1>")]).await;
    let mut error = failure(&server).await;
    assert_eq!((error.reason(), error.status()), (Some(CloseReason::ContentType), Some(StatusCode::OK)));
    assert_eq!(error.body(1024).await.unwrap(), "<h1>Log in</h1>");
}

#[tokio::test(start_paused = true)]
async fn the_body_of_the_last_retried_status_can_be_read() {
    let busy = Reply::status(503, "", "busy");
    let server = Server::start([busy.clone(), busy]).await;
    let mut config = config().with_retry_status(vec![503]);
    let policy = config.policy().with_max_attempts(1);
    config = config.with_policy(policy);
    let mut source = builder(&server, "/").config(config).build().unwrap();
    assert_eq!(next(&mut source).await, "lost Status(503), attempt 1 in 1s");
    let mut error = source.next_event().await.unwrap().unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(error.body(1024).await.unwrap(), "busy");
}

#[tokio::test(start_paused = true)]
async fn an_error_is_send_sync_and_static() {
    fn assert<T: Send + Sync + 'static>(_: &T) {}
    fn assert_send<T: Send>(_: &T) {}
    let server = Server::start([Reply::status(500, "", "")]).await;
    let mut source = source(&server);
    assert_send(&source);
    assert_send(&source.next_event());
    let error = source.next_event().await.unwrap().unwrap_err();
    assert(&error);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_main_returns_is_printed_without_the_servers_text() {
    let server = Server::start([Reply::status(500, "", "your key is secret")]).await;
    let error = source(&server).next_event().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the server answered with status 500 instead of 200: your key is secret");
    // As `main` prints it.
    assert_eq!(format!("{error:?}"), "the server answered with status 500 instead of 200");
    let text = format!("{error:#?}");
    assert!(text.contains("Status(\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_response_hook_sees_every_response_and_decides() {
    let server = Server::start([
        Reply::of_type("application/json", "data: a\n\n"),
        Reply::status(404, "", ""),
        Reply::status(418, "", "short and stout"),
    ])
    .await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let mut source = builder(&server, "/")
        .on_response(move |head, verdict| {
            let status = head.status.as_u16();
            log.lock().unwrap().push((status, verdict));
            match status {
                200 => Verdict::Open,
                404 => Verdict::Retry { status, after: Some(secs(5)) },
                _ => Verdict::Close(CloseReason::Rejected),
            }
        })
        .build()
        .unwrap();
    for said in [
        "open 200",
        "message \"a\" id ",
        "lost EndOfStream, attempt 1 in 1s",
        "lost Status(404), attempt 2 in 5s",
    ] {
        assert_eq!(next(&mut source).await, said);
    }
    let mut error = source.next_event().await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(CloseReason::Rejected));
    assert_eq!(error.body(1024).await.unwrap(), "short and stout");
    let close = Verdict::Close;
    assert_eq!(
        *seen.lock().unwrap(),
        [
            (200, close(CloseReason::ContentType)),
            (404, close(CloseReason::Status(404))),
            (418, close(CloseReason::Status(418)))
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_chunk_hook_sees_the_bytes_of_open_responses_unchanged() {
    let server =
        Server::start([Reply::stream(": hi\r\n\ndata: a\n\nda"), Reply::status(403, "", "no")]).await;
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&bytes);
    let source = builder(&server, "/").on_chunk(move |chunk| log.lock().unwrap().extend_from_slice(chunk));
    listen(&mut source.build().unwrap()).await;
    assert_eq!(*bytes.lock().unwrap(), b": hi\r\n\ndata: a\n\nda");
}

#[tokio::test(start_paused = true)]
async fn lenient_content_type_accepts_every_type_except_html() {
    let lenient = || config().with_lenient_content_type(true);
    for (content_type, said) in [
        ("application/json", "open 200"),
        (
            "text/html; charset=utf-8",
            "error: the response is not text/event-stream but text/html; charset=utf-8: data: a",
        ),
    ] {
        let server = Server::start([Reply::of_type(content_type, "data: a\n\n")]).await;
        let mut source = builder(&server, "/").config(lenient()).build().unwrap();
        assert_eq!(next(&mut source).await, said);
    }
}

/// The test build turns reqwest's `gzip` on, as another dependency may.
#[tokio::test(start_paused = true)]
async fn a_content_coding_is_refused_and_not_decoded() {
    // `data: a\n\n`, compressed.
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03KI,I\xb4RH\xe4\xe2\x02\0~\xe3\xc48\x09\0\0\0";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n";
    let server = Server::start([Reply::raw(head).send(gzip)]).await;
    let said = listen(&mut source(&server)).await;
    assert_eq!(said, ["error: the response has `Content-Encoding: gzip`, which is not decoded"]);
    assert_eq!(server.sent("accept-encoding"), [Some("identity".into())]);
}

#[tokio::test(start_paused = true)]
async fn chunks_may_be_cut_anywhere_and_trailers_are_not_data() {
    let mut answer = Reply::raw(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    for byte in "\u{feff}id: é\r\ndata: …\r\n\r\n".as_bytes() {
        answer = answer.send([b"1\r\n", &[*byte][..], b"\r\n"].concat()).sleep(millis(1));
    }
    let server = Server::start([answer.send("0\r\nX-Checksum: 1\r\n\r\n")]).await;
    let said = listen(&mut source(&server)).await;
    assert_eq!(said, ["open 200", "message \"…\" id é", "lost EndOfStream, attempt 1 in 1s"]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_ends_the_source_and_does_not_meet_the_same_event_again() {
    let body = format!("data: a\n\ndata: {}\n\n", "x".repeat(200));
    let limits = Limits::default().with_event(100);
    let server = Server::start([Reply::stream(&body)]).await;
    let mut source = builder(&server, "/").config(config().with_limits(limits)).build().unwrap();
    assert_eq!(
        listen(&mut source).await,
        [
            "open 200",
            "message \"a\" id ",
            "error: an event is longer than 100 bytes: raise `Limits::event` or set `Overflow::Skip`"
        ]
    );
    assert_eq!(server.received().len(), 1);

    let limits = limits.with_overflow(Overflow::Skip);
    let server = Server::start([Reply::stream(body + "data: b\n\n")]).await;
    let mut source = builder(&server, "/").config(config().with_limits(limits)).build().unwrap();
    let said = listen(&mut source).await;
    assert_eq!(said[1..4], ["message \"a\" id ", "skipped 207", "message \"b\" id "]);
}

#[tokio::test(start_paused = true)]
async fn an_unterminated_event_is_delivered_if_configured() {
    for (flush, said) in [(true, "message \"b\" id "), (false, "lost EventCut, attempt 1 in 1s")] {
        let server = Server::start([Reply::stream("data: a\n\ndata: b")]).await;
        let mut source =
            builder(&server, "/").config(config().with_deliver_unterminated(flush)).build().unwrap();
        assert_eq!(listen(&mut source).await[2], said);
    }
}

#[tokio::test(start_paused = true)]
async fn lent_and_owned_events_agree() {
    let body = ": hi\nretry: 100\nid: 1\nevent: add\ndata: a\ndata: b\n\ndata: c\n\n";
    let script = || [Reply::stream(body), Reply::status(503, "", "")];
    let server = Server::start(script()).await;
    let streamed = listen(&mut source(&server)).await;
    assert_eq!(
        streamed,
        [
            "open 200",
            "comment hi",
            "retry 100ms",
            "add \"a\\nb\" id 1",
            "message \"c\" id 1",
            "lost EndOfStream, attempt 1 in 100ms",
            "error: the server answered with status 503 instead of 200"
        ]
    );

    let server = Server::start(script()).await;
    let mut source = source(&server);
    let mut lent = Vec::new();
    while let Some(event) = source.next_event().await {
        lent.push(support::words(&event.map(EventRef::into_owned)));
    }
    assert_eq!(lent, streamed);
}
