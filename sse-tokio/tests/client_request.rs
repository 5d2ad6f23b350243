//! Tests of the requests of a source, once and with every attempt.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Client, Method};
use sse_test::Reply;
use sse_test::paused::Server;
use sse_tokio::{Builder, Cause, CloseReason, Config, Event, EventSource, Repeat, TransportError};
use support::{builder, config, listen, next, source};

fn repeat(repeat: Repeat) -> Config {
    config().with_repeat(repeat)
}

fn body_stream() -> Body {
    let frames = ["ques", "tion"].map(|text| Ok::<_, std::io::Error>(Frame::data(Bytes::from(text))));
    Body::wrap(StreamBody::new(stream::iter(frames)))
}

// 9.2.2: `Accept: text/event-stream`, and the cache mode no-store.
#[tokio::test(start_paused = true)]
async fn a_get_has_the_headers_of_the_specification() {
    let server = Server::start([]).await;
    listen(&mut source(&server)).await;
    let request = &server.received()[0];
    assert_eq!(request.line(), "GET /events HTTP/1.1");
    let mut names: Vec<_> = request.headers().map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "accept-encoding", "cache-control", "host", "user-agent"]);
    assert_eq!(request.text("accept"), Some("text/event-stream"));
    assert_eq!(request.text("cache-control"), Some("no-cache"));
}

#[tokio::test(start_paused = true)]
async fn method_headers_and_body_are_the_users() {
    let server = Server::start([]).await;
    let mut more = HeaderMap::new();
    more.insert("x-two", HeaderValue::from_static("2"));
    let mut source = builder(&server, "/")
        .method(Method::from_bytes(b"REPORT").unwrap())
        .header("x-one", "1")
        .headers(more)
        .header("accept", "text/event-stream, application/json")
        .body("question")
        .build()
        .unwrap();
    listen(&mut source).await;
    let request = &server.received()[0];
    assert_eq!(request.line(), "REPORT / HTTP/1.1");
    assert_eq!(request.text("x-one"), Some("1"));
    assert_eq!(request.text("x-two"), Some("2"));
    assert_eq!(server.sent("accept"), [Some("text/event-stream, application/json".into())]);
    assert_eq!(request.body, b"question");
}

#[tokio::test(start_paused = true)]
async fn credentials_of_the_url_are_sent_as_a_header() {
    let server = Server::start([]).await;
    let url = server.url("/a").replace("http://", "http://user:p%20w@");
    let mut source = EventSource::get(&url).unwrap();
    assert_eq!(source.url().as_str(), server.url("/a"));
    listen(&mut source).await;
    listen(&mut EventSource::builder(&url).header("authorization", "Bearer t").build().unwrap()).await;
    // user:p w
    let (url, header) = ("Basic dXNlcjpwIHc=".to_owned(), "Bearer t".to_owned());
    assert_eq!(server.sent("authorization"), [Some(url), Some(header)]);
}

#[tokio::test]
async fn a_malformed_request_fails_at_once() {
    let cause = |builder: Builder| {
        let error = builder.build().unwrap_err();
        assert_eq!((error.reason(), error.status()), (None, None));
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(error.to_string().starts_with(&format!("the request cannot be built: {cause}")), "{error}");
        cause
    };
    assert_eq!(cause(EventSource::builder("no url")), "the URL is malformed");
    assert_eq!(
        cause(EventSource::builder("ftp://127.0.0.1/")),
        "the scheme of the URL is `ftp`, not `http` or `https`"
    );
    let good = || EventSource::builder("http://127.0.0.1/");
    assert_eq!(cause(good().header("a b", "c")), "the request is malformed");
    assert_eq!(cause(good().header("a", "b\n")), "the request is malformed");
}

#[test]
#[cfg(all(feature = "rustls", not(feature = "native-tls")))]
fn without_certificates_only_http_works() {
    // Where certificates are is said by the environment, which only another process can have
    // changed.
    let nowhere = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(|name| (name, "/nonexistent"));
    if std::env::var(nowhere[0].0).is_ok_and(|place| place == nowhere[0].1) {
        assert!(EventSource::get("http://127.0.0.1/").is_ok());
        assert!(EventSource::get("https://127.0.0.1/").is_err());
        return;
    }
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    let output = again.args(["--exact", "without_certificates_only_http_works"]).envs(nowhere).output();
    let output = output.unwrap();
    let ran = String::from_utf8_lossy(&output.stdout).contains("1 passed");
    assert!(output.status.success() && ran, "{output:?}");
}

#[tokio::test(start_paused = true)]
async fn the_hook_gives_a_fresh_token_to_every_attempt() {
    let server = Server::start([
        Reply::stream("id: 1\ndata: a\n\n"),
        Reply::raw("").reset(),
        Reply::raw("").reset(),
        Reply::stream("data: b\n\n"),
    ])
    .await;
    let calls = AtomicUsize::new(0);
    let source = builder(&server, "/").on_request(move |mut request, attempt| {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::task::yield_now().await;
            assert!(request.headers().get("authorization").is_none(), "every attempt starts afresh");
            assert_eq!(request.headers().contains_key("last-event-id"), call > 0);
            request.headers_mut().insert("authorization", format!("Bearer {call}-{attempt}").try_into()?);
            Ok(request)
        }
    });
    listen(&mut source.build().unwrap()).await;
    let tokens = ["0-0", "1-1", "2-2", "3-3", "4-1"].map(|token| Some(format!("Bearer {token}")));
    assert_eq!(server.sent("authorization"), tokens);
}

#[tokio::test(start_paused = true)]
async fn a_hook_sees_one_last_event_id_and_credentials_that_are_not_shown() {
    let server = Server::start([]).await;
    let url = server.url("/").replace("http://", "http://user:secret@");
    let config = config().with_last_event_id("7");
    let source = EventSource::builder(url).header("last-event-id", "5").config(config).on_request(
        |request, _| async move {
            let ids: Vec<_> = request.headers().get_all("last-event-id").iter().collect();
            assert_eq!(ids, ["7"], "the machine's takes the place of the user's");
            assert!(request.headers()["authorization"].is_sensitive());
            assert!(!format!("{request:?}").contains("secret"));
            Ok(request)
        },
    );
    listen(&mut source.build().unwrap()).await;
    assert_eq!(server.sent("last-event-id"), [Some("7".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_is_a_failed_attempt() {
    let server = Server::start([Reply::stream("data: a\n\n")]).await;
    let calls = AtomicUsize::new(0);
    let source = builder(&server, "/").on_request(move |request, _| {
        let first = calls.fetch_add(1, Ordering::Relaxed) == 0;
        async move { if first { Err("no token".into()) } else { Ok(request) } }
    });
    let mut source = source.build().unwrap();
    let Some(Ok(sse_tokio::EventRef::Disconnected { cause, attempt, .. })) = source.next_event().await else {
        panic!()
    };
    assert_eq!((cause.cause(), attempt), (Cause::NotSent, 1));
    let Some(TransportError::Hook(error)) = cause.error() else { panic!("{cause:?}") };
    assert_eq!(error.to_string(), "no token");
    assert_eq!(next(&mut source).await, "open 200");
    assert_eq!(server.received().len(), 1);
}

// 9.2.4: `Last-Event-ID` carries a string encoded as UTF-8.
#[tokio::test(start_paused = true)]
async fn a_last_event_id_that_is_not_utf8_is_not_sent_as_another() {
    let server = Server::start([]).await;
    let id = HeaderValue::from_bytes(b"caf\xe9").unwrap();
    listen(&mut builder(&server, "/").header("last-event-id", id).build().unwrap()).await;
    assert_eq!(server.sent("last-event-id"), [None]);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_no_header_can_carry_is_not_sent() {
    let server = Server::start([
        Reply::stream("id: a\u{1}b\ndata: a\n\n"),
        Reply::stream("data: b\n\nid: c\td\ndata: c\n\n"),
    ])
    .await;
    let said = listen(&mut source(&server)).await;
    assert!(said.contains(&"message \"b\" id a\u{1}b".to_owned()), "{said:?}");
    assert_eq!(server.sent("last-event-id"), [None, None, Some("c\td".into())]);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_a_request_hook_puts_into_the_url_become_a_header() {
    let server = Server::start([]).await;
    let source = builder(&server, "/").on_request(|mut request, _| async move {
        *request.uri_mut() = request.uri().to_string().replace("//", "//me:secret@").parse()?;
        Ok(request)
    });
    listen(&mut source.build().unwrap()).await;
    assert_eq!(server.received()[0].text("authorization"), Some("Basic bWU6c2VjcmV0"));
}

#[tokio::test(start_paused = true)]
async fn secrets_are_in_no_error_and_not_printed() {
    let broken =
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\n:\n");
    let refused = Reply::status(403, "", "");
    let server = Server::start([broken, Reply::raw("").reset(), refused]).await;
    let builder = builder(&server, "/live?key=secret").header("authorization", "Bearer secret");
    let mut printed = format!("{builder:?}");
    let mut source = builder.build().unwrap();
    let mut seen = 0;
    while let Some(event) = source.next().await {
        printed += &format!("{source:?} {event:?}");
        if let Ok(Event::Disconnected { cause, .. }) = event {
            seen += 1;
            let mut error: Option<&dyn std::error::Error> = cause.error().map(|error| error as _);
            while let Some(cause) = error {
                printed += &cause.to_string();
                error = cause.source();
            }
        }
    }
    assert_eq!(seen, 2);
    assert!(printed.starts_with("Builder { config: Config {"), "{printed}");
    assert!(
        printed.contains("EventSource { driver: ") && printed.contains("Head { status: 200, "),
        "{printed}"
    );
    assert!(printed.contains(&server.url("/live")), "the error names the place: {printed}");
    assert!(!printed.contains("secret"), "{printed}");
}

#[tokio::test(start_paused = true)]
async fn a_post_is_sent_exactly_once() {
    let post = |server: &Server| builder(server, "/").method(Method::POST).body("question");

    let server = Server::start([Reply::stream("id: 1\ndata: a\n\ndata: [DONE]\n\n")]).await;
    let said = listen(&mut post(&server).build().unwrap()).await;
    assert_eq!(said, ["open 200", "message \"a\" id 1", "message \"[DONE]\" id 1"], "and no error");
    assert_eq!(server.lines(), ["POST /"]);

    // Broken off is not ended.
    let server = Server::start([Reply::raw(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 99\r\n\r\n: a\n",
    )])
    .await;
    let said = listen(&mut post(&server).build().unwrap()).await;
    let end = [
        "error: the connection failed, and the request is not sent again",
        "end of file before message length reached",
    ]
    .join(": ");
    assert_eq!(said, ["open 200", "comment a", &end]);
    assert_eq!(server.lines(), ["POST /"]);

    // Nor is it sent again where a GET would be.
    let server = Server::start([Reply::status(503, "Retry-After: 1\r\n", "")]).await;
    let config = config().with_retry_status(vec![503]);
    let mut source = post(&server).config(config).build().unwrap();
    let error = source.next_event().await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(CloseReason::NotRepeated(Cause::Status(503))));
    assert_eq!(next(&mut source).await, "end");
    assert_eq!(server.lines(), ["POST /"]);
}

#[tokio::test(start_paused = true)]
async fn a_post_is_repeated_with_its_body_if_configured() {
    let server = Server::start([Reply::stream("data: a\n\n"), Reply::stream("data: b\n\n")]).await;
    let post = builder(&server, "/").config(repeat(Repeat::Always)).method(Method::POST).body("question");
    listen(&mut post.build().unwrap()).await;
    assert_eq!(server.received().iter().filter(|request| request.body == b"question").count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_post_is_repeated_if_there_is_an_id_to_resume_from() {
    let server = Server::start([Reply::stream("id: 1\n\n"), Reply::stream("id\ndata: b\n\n")]).await;
    let post = builder(&server, "/").config(repeat(Repeat::IfResumable)).method(Method::POST);
    listen(&mut post.build().unwrap()).await;
    assert_eq!(server.sent("last-event-id"), [None, Some("1".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_a_stream_is_sent_once() {
    let server = Server::start([Reply::stream("data: a\n\n")]).await;
    let source = builder(&server, "/").method(Method::POST).body(body_stream()).build();
    assert_eq!(listen(&mut source.unwrap()).await, ["open 200", "message \"a\" id "]);
    assert_eq!(server.received()[0].text("transfer-encoding"), Some("chunked"));
    assert_eq!(server.received()[0].body, b"4\r\nques\r\n4\r\ntion\r\n0\r\n\r\n");

    let server = Server::start([Reply::stream("data: a\n\n")]).await;
    let source =
        builder(&server, "/").config(repeat(Repeat::Always)).method(Method::POST).body(body_stream()).build();
    let said = listen(&mut source.unwrap()).await;
    assert_eq!(
        said[3],
        "error: the connection failed, and another attempt would too: the body is a stream and cannot be sent again: \
         use `Repeat::Never`, or a body in memory"
    );
    assert_eq!(server.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_of_the_users_own_client_is_sent_by_it() {
    let server = Server::start([]).await;
    let client = Client::builder().user_agent("mine").build().unwrap();
    let request = client.post(server.url("/a?b=c")).basic_auth("user", Some("p w")).body("question");
    listen(&mut EventSource::new(request).unwrap()).await;
    let request = &server.received()[0];
    assert_eq!(request.line(), "POST /a?b=c HTTP/1.1");
    assert_eq!(request.text("user-agent"), Some("mine"));
    assert_eq!(request.text("authorization"), Some("Basic dXNlcjpwIHc="));
    assert_eq!(request.text("accept"), Some("text/event-stream"));

    let wrong = client.get(server.url("/")).header("a b", "c");
    let error = EventSource::new(wrong).unwrap_err();
    assert!(error.to_string().starts_with("the request cannot be built: "), "{error}");
    assert!(error.to_string().ends_with(": invalid HTTP header name"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn client_builder_sets_the_sources_own_client() {
    let server = Server::start([]).await;
    let client = Client::builder().user_agent("mine");
    listen(&mut builder(&server, "/").client_builder(client).build().unwrap()).await;
    assert_eq!(server.sent("user-agent"), [Some("mine".into())]);
}

#[tokio::test(start_paused = true)]
async fn the_first_request_can_resume_an_earlier_run() {
    let server = Server::start([Reply::stream("data: a\n\n")]).await;
    let config = config().with_last_event_id("7");
    let mut source = builder(&server, "/").config(config).build().unwrap();
    assert_eq!(source.last_event_id(), "7");
    assert_eq!(listen(&mut source).await[1], "message \"a\" id 7");
    assert_eq!(server.sent("last-event-id"), [Some("7".into()), Some("7".into())]);
}

#[tokio::test(start_paused = true)]
async fn last_event_id_parameter_sends_the_id_in_the_query() {
    let server = Server::start([
        Reply::stream("id: a b&c\n\n"),
        Reply::stream("id: \u{1}…\n\n"),
        Reply::stream("id\n\n"),
    ])
    .await;
    let source = builder(&server, "/?q=x%20y").last_event_id_parameter("lastEventId");
    listen(&mut source.build().unwrap()).await;
    assert_eq!(
        server.lines(),
        [
            "GET /?q=x%20y",
            "GET /?q=x%20y&lastEventId=a+b%26c",
            // An ID that no header can carry.
            "GET /?q=x%20y&lastEventId=%01%E2%80%A6",
            "GET /?q=x%20y"
        ]
    );

    let server = Server::start([Reply::stream("id: 2\n\n")]).await;
    let source = builder(&server, "/?last=1&q=x").last_event_id_parameter("last");
    listen(&mut source.build().unwrap()).await;
    assert_eq!(server.lines(), ["GET /?last=1&q=x", "GET /?q=x&last=2"]);
}

#[tokio::test(start_paused = true)]
async fn forward_header_takes_a_header_name() {
    let server = Server::start([]).await;
    let name = HeaderName::from_static("x-api-key");
    let source = builder(&server, "/").header(name.clone(), "1").forward_header(name).build();
    assert!(!listen(&mut source.unwrap()).await.iter().any(|words| words.starts_with("error")));
    assert_eq!(server.sent("x-api-key"), [Some("1".into())]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_before_a_source_is_polled() {
    let server = Server::start([Reply::stream("data: a\n\n")]).await;
    let mut source = source(&server);
    tokio::time::sleep(sse_test::secs(60)).await;
    assert_eq!(server.received().len(), 0);
    let Some(Ok(sse_tokio::EventRef::Open(head))) = source.next_event().await else { panic!() };
    assert_eq!(head.url.as_str(), server.url("/events"));
    let event: Option<Result<Event, _>> = futures_util::StreamExt::next(&mut source).await;
    assert!(matches!(event, Some(Ok(Event::Message(message))) if message.data() == "a"));
}
