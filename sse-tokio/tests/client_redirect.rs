//! Tests of redirects: the next URL, and which headers are sent to it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::error::Error as _;

use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use reqwest::header::HeaderName;
use reqwest::{Body, Client, Method};
use sse_test::Reply;
use sse_test::paused::Server;
use sse_tokio::{Builder, Error, RedirectError, TransportError};
use support::{builder, listen, next};

/// The end that a redirect came to.
fn redirect_error(error: &Error) -> RedirectError {
    match error.source().unwrap().downcast_ref() {
        Some(TransportError::Redirect(error)) => *error,
        other => panic!("{other:?}"),
    }
}

async fn failure(server: &Server) -> RedirectError {
    let mut source = support::source(server);
    let error = redirect_error(&source.next_event().await.unwrap().unwrap_err());
    assert_eq!(next(&mut source).await, "end");
    error
}

fn with_secrets(builder: Builder) -> Builder {
    builder
        .header("authorization", "Bearer secret")
        .header("x-api-key", "secret")
        .header("cookie", "a=secret")
}

/// Fetch counts, and has no loop test: with a cookie the same URL answers differently.
// 9.2.1: event stream requests can be redirected; Fetch bounds the number.
#[tokio::test(start_paused = true)]
async fn a_url_may_redirect_to_itself() {
    let server = Server::start([Reply::redirect(302, "/events"), Reply::stream("data: a\n\n")]).await;
    assert_eq!(next(&mut support::source(&server)).await, "open 200");
    assert_eq!(server.lines(), ["GET /events", "GET /events"]);
}

#[tokio::test(start_paused = true)]
async fn a_chain_without_end_is_an_error() {
    let script: Vec<_> = (0..30).map(|n| Reply::redirect(302, &format!("/{n}"))).collect();
    let server = Server::start(script).await;
    assert_eq!(failure(&server).await, RedirectError::TooMany);
    assert_eq!(server.received().len(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_missing_or_empty_location_is_an_error() {
    for status in [301, 302, 303, 307, 308] {
        for headers in ["", "Location:\r\n", "Location:  \r\n"] {
            let server = Server::start([Reply::status(status, headers, "")]).await;
            let error = failure(&server).await.to_string();
            assert_eq!(error, "the `Location` header is missing or empty", "{status} {headers:?}");
            assert_eq!(server.received().len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_location_that_is_not_an_http_url_is_an_error() {
    for location in ["http://[", "ftp://127.0.0.1/", "data:text/event-stream,data:x"] {
        let server = Server::start([Reply::redirect(302, location)]).await;
        assert_eq!(failure(&server).await, RedirectError::Location, "{location}");
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn headers_follow_a_redirect_within_the_origin() {
    let server = Server::start([Reply::redirect(302, "/b"), Reply::stream("data: a\n\n")]).await;
    next(&mut with_secrets(builder(&server, "/a")).build().unwrap()).await;
    let second = &server.received()[1];
    assert_eq!(second.text("authorization"), Some("Bearer secret"));
    assert_eq!(second.text("x-api-key"), Some("secret"));
    assert_eq!(second.text("cookie"), Some("a=secret"));
}

#[tokio::test(start_paused = true)]
async fn headers_do_not_follow_a_redirect_to_another_origin() {
    // Another port is another origin.
    let away = Server::start([Reply::stream("id: 7\n\n")]).await;
    let redirect = Reply::redirect(307, &away.url("/b"));
    let home = Server::start([redirect.clone(), redirect]).await;
    let mut source = with_secrets(builder(&home, "/a")).build().unwrap();
    assert_eq!(listen(&mut source).await, ["open 200", "lost EndOfStream, attempt 1 in 1s"]);

    assert_eq!(home.sent("x-api-key"), [Some("secret".into()), Some("secret".into())]);
    for name in ["authorization", "x-api-key", "cookie"] {
        assert_eq!(away.sent(name), [None, None], "{name}");
    }
    // The protocol's own headers are needed there.
    assert_eq!(away.sent("accept")[0].as_deref(), Some("text/event-stream"));
    assert_eq!(away.sent("cache-control")[0].as_deref(), Some("no-cache"));
    assert_eq!(away.sent("last-event-id"), [None, Some("7".into())]);
}

#[tokio::test(start_paused = true)]
async fn removed_headers_do_not_come_back_after_a_redirect_home() {
    let home = Server::start([]).await;
    let away = Server::start([Reply::redirect(302, &home.url("/c"))]).await;
    let start = Server::start([Reply::redirect(302, &away.url("/b"))]).await;
    listen(&mut with_secrets(builder(&start, "/a")).build().unwrap()).await;
    assert_eq!(home.sent("x-api-key"), [None]);
}

#[tokio::test(start_paused = true)]
async fn a_forwarded_header_follows_a_redirect_to_another_origin() {
    let away = Server::start([Reply::stream("")]).await;
    let home = Server::start([Reply::redirect(302, &away.url("/b"))]).await;
    let source =
        with_secrets(builder(&home, "/a")).forward_header(HeaderName::from_static("x-api-key")).build();
    next(&mut source.unwrap()).await;
    assert_eq!(away.sent("x-api-key"), [Some("secret".into())]);
    assert_eq!(away.sent("authorization"), [None]);
}

#[tokio::test(start_paused = true)]
async fn credentials_of_a_location_are_sent_only_to_its_origin() {
    let away = Server::start([Reply::stream("")]).await;
    let location = away.url("/b").replace("http://", "http://user:p%20w@");
    let home = Server::start([Reply::redirect(302, &location)]).await;
    next(&mut with_secrets(builder(&home, "/a")).build().unwrap()).await;
    // user:p w
    assert_eq!(away.sent("authorization"), [Some("Basic dXNlcjpwIHc=".into())]);
}

/// The rule of the Fetch standard: 303 is a GET, and so is a POST after 301 and 302; 307 and 308
/// repeat the request.
#[tokio::test(start_paused = true)]
async fn redirects_change_method_and_body_as_fetch_says() {
    let cases = [
        (301, Method::POST, "GET", ""),
        (302, Method::POST, "GET", ""),
        (303, Method::POST, "GET", ""),
        (307, Method::POST, "POST", "question"),
        (308, Method::POST, "POST", "question"),
        (301, Method::PUT, "PUT", "question"),
        (303, Method::PUT, "GET", ""),
        (308, Method::PUT, "PUT", "question"),
    ];
    for (status, method, expected, body) in cases {
        let server = Server::start([Reply::redirect(status, "/b"), Reply::stream("")]).await;
        let source =
            builder(&server, "/a").method(method).body("question").header("content-type", "text/plain");
        assert_eq!(next(&mut source.build().unwrap()).await, "open 200");
        let second = &server.received()[1];
        assert_eq!(second.line(), format!("{expected} /b HTTP/1.1"), "{status}");
        assert_eq!(second.body, body.as_bytes(), "{status}");
        let content_type = (!body.is_empty()).then_some("text/plain");
        assert_eq!(second.text("content-type"), content_type, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_redirects_to_its_own_url_does_not_loop() {
    let server = Server::start([Reply::redirect(303, "/a"), Reply::stream("data: a\n\n")]).await;
    let mut source = builder(&server, "/a").method(Method::POST).body("question").build().unwrap();
    assert_eq!(next(&mut source).await, "open 200");
    assert_eq!(server.lines(), ["POST /a", "GET /a"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_body_cannot_follow_a_redirect_that_needs_it() {
    let stream = || {
        let frame = Frame::data(Bytes::from_static(b"question"));
        Body::wrap(StreamBody::new(futures_util::stream::iter([Ok::<_, std::io::Error>(frame)])))
    };
    let server = Server::start([Reply::redirect(303, "/b"), Reply::stream("")]).await;
    let post = builder(&server, "/a").method(Method::POST).header("x-api-key", "k").body(stream());
    assert_eq!(next(&mut post.build().unwrap()).await, "open 200");
    assert_eq!(server.lines(), ["POST /a", "GET /b"]);
    assert_eq!(server.received()[1].text("x-api-key"), Some("k"));

    let server = Server::start([Reply::redirect(307, "/b"), Reply::stream("")]).await;
    let mut source = builder(&server, "/a").method(Method::POST).body(stream()).build().unwrap();
    let error = source.next_event().await.unwrap().unwrap_err();
    assert_eq!(redirect_error(&error), RedirectError::Body);
    assert_eq!(server.lines(), ["POST /a"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_of_the_users_own_follows_its_own_policy() {
    let server = Server::start([Reply::redirect(302, "/b"), Reply::stream("")]).await;
    let mut source = builder(&server, "/a").client(Client::new()).build().unwrap();
    assert_eq!(next(&mut source).await, "open 200");
    assert_eq!(server.lines(), ["GET /a", "GET /b"]);

    let server = Server::start([Reply::redirect(302, "/b")]).await;
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut source = builder(&server, "/a").client(client).build().unwrap();
    assert_eq!(next(&mut source).await, "error: the server answered with status 302 instead of 200");

    let server = Server::start([Reply::redirect(302, "/a")]).await;
    let client = Client::builder().redirect(reqwest::redirect::Policy::limited(0)).build().unwrap();
    let mut source = builder(&server, "/a").client(client).build().unwrap();
    let end = "error: the connection failed, and another attempt would too: too many redirects";
    assert_eq!(next(&mut source).await, end);
    assert_eq!(server.received().len(), 1);
}
