//! Control of a client by the application: hooks, and calls between two events.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_io::Timer;
use futures_core::FusedStream;
use futures_lite::StreamExt;
use futures_lite::future::{block_on, or, poll_once};
use http::{HeaderValue, Request};
use sse_async_std::{
    Builder, Cause, CloseReason, Config, Event, EventRef, EventSource, ReadyState, ReconnectPolicy,
    TransportError, Verdict,
};

use sse_test::{Reply, Server};

/// A client that reconnects at once.
fn builder(url: &str) -> Builder {
    let policy = ReconnectPolicy::default().with_initial(Duration::ZERO);
    EventSource::builder(url).proxy(None).config(Config::default().with_policy(policy))
}

fn hold(body: &str) -> Reply {
    Reply::stream(body).hold()
}

/// The next item, which does not let wait for it.
fn next(source: &mut EventSource) -> Option<Result<Event, sse_async_std::Error>> {
    let late = async {
        Timer::after(Duration::from_secs(60)).await;
        panic!("nothing comes")
    };
    block_on(or(source.next(), late))
}

#[test]
fn the_request_hook_can_replace_every_request() {
    let server = Server::play([Reply::stream("id: 7\ndata: a\n\n"), Reply::no_content()]);
    let url = server.url("/?n=x");
    let mut source = builder(&url.replace("//", "//me:secret@"))
        .on_request(|mut request, attempt| async move {
            assert!(request.headers()["authorization"].is_sensitive());
            assert!(!format!("{request:?}").contains("secret"));
            request.headers_mut().insert("x-attempt", HeaderValue::from(attempt));
            *request.uri_mut() = request.uri().to_string().replace("n=x", &format!("n={attempt}")).parse()?;
            Ok(request)
        })
        .build()
        .unwrap();
    assert_eq!(source.url().as_str(), url);
    while let Some(item) = next(&mut source) {
        item.unwrap();
    }
    assert_eq!(source.last_event_id(), "7");
    let requests = server.requests();
    for (request, attempt) in requests.iter().zip(["0", "1"]) {
        assert_eq!(request.path, format!("/?n={attempt}"));
        assert_eq!(request.text("x-attempt"), Some(attempt));
        assert_eq!(request.text("authorization"), Some("Basic bWU6c2VjcmV0"));
    }
    assert_eq!(requests[1].text("last-event-id"), Some("7"));
}

#[test]
fn a_hook_that_fails_is_a_failed_attempt() {
    let server = Server::play([Reply::no_content()]);
    let hook = |request: Request<_>, attempt| async move {
        if attempt == 0 { Err("no token".into()) } else { Ok(request) }
    };
    let mut source = builder(&server.url("/")).on_request(hook).build().unwrap();
    let Some(Ok(Event::Disconnected { cause, .. })) = next(&mut source) else { panic!() };
    let (cause, error) = (cause.cause(), cause.into_error().unwrap());
    assert_eq!((cause, error.to_string().as_str()), (Cause::NotSent, "the request hook failed"));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no token");
    assert!(matches!(error, TransportError::Hook(_)));
    assert!(next(&mut source).is_none(), "204");
}

#[test]
fn the_response_hook_decides_and_the_chunk_hook_sees_open_responses_only() {
    let server = Server::play([
        Reply::status(404, "", ""),
        Reply::stream(": hi\r\n\ndata: a\n\nda"),
        Reply::status(404, "", ""),
    ]);
    let mut first = true;
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&bytes);
    let mut source = builder(&server.url("/"))
        .on_response(move |head, verdict| {
            let status = head.status.as_u16();
            if std::mem::take(&mut first) { Verdict::Retry { status, after: None } } else { verdict }
        })
        .on_chunk(move |chunk| log.lock().unwrap().extend_from_slice(chunk))
        .build()
        .unwrap();
    assert!(
        matches!(next(&mut source), Some(Ok(Event::Disconnected { cause, .. })) if cause.cause() == Cause::Status(404))
    );
    let mut last = None;
    while let Some(item) = next(&mut source) {
        last = Some(item);
    }
    let error = last.unwrap().unwrap_err();
    assert_eq!((error.reason(), error.status().unwrap().as_u16()), (Some(CloseReason::Status(404)), 404));
    assert_eq!(*bytes.lock().unwrap(), b": hi\r\n\ndata: a\n\nda");
}

#[test]
fn close_hangs_up_and_delivers_nothing_more() {
    let server = Server::play([hold("id: 1\ndata: a\n\ndata: b\n\n")]);
    let mut source = builder(&server.url("/")).build().unwrap();
    assert!(matches!(block_on(source.next_event()), Some(Ok(EventRef::Open(_)))));
    assert!(matches!(block_on(source.next_event()), Some(Ok(EventRef::Message(event))) if event.data == "a"));
    source.close();
    server.requests();
    assert!(!source.is_terminated());
    assert!(next(&mut source).is_none());
    assert!(source.is_terminated());
}

#[test]
fn retry_after_replaces_the_announced_delay() {
    let server = Server::play([Reply::stream(""), Reply::no_content()]);
    let policy = ReconnectPolicy::default().with_initial(Duration::MAX).with_max(Duration::MAX);
    let config = Config::default().with_policy(policy);
    let mut source = builder(&server.url("/")).config(config).build().unwrap();
    assert!(matches!(next(&mut source), Some(Ok(Event::Open(_)))));
    assert!(matches!(next(&mut source), Some(Ok(Event::Disconnected { .. }))));
    source.retry_after(Duration::ZERO);
    assert!(next(&mut source).is_none(), "204");
}

#[test]
fn a_suspended_source_hangs_up_and_resumes_after_its_id() {
    let server = Server::play([hold("id: 4\ndata: a\n\n"), Reply::no_content()]);
    let mut source = builder(&server.url("/")).build().unwrap();
    assert!(matches!(next(&mut source), Some(Ok(Event::Open(_)))));
    assert!(matches!(next(&mut source), Some(Ok(Event::Message(_)))));
    source.suspend();
    assert_eq!(source.ready_state(), ReadyState::Connecting);
    assert!(block_on(poll_once(source.next())).is_none(), "it is pending");
    source.resume();
    assert!(next(&mut source).is_none(), "204");
    assert_eq!(server.requests()[1].text("last-event-id"), Some("4"));
}

#[test]
fn secrets_are_not_printed() {
    let server = Server::play([Reply::stream("data: a\n\n"), Reply::status(403, "", "")]);
    let url = server.url("/live?key=secret").replace("//", "//me:secret@");
    let builder = builder(&url).header("x-api-key", "secret");
    let mut printed = format!("{builder:?}");
    let mut source = builder.build().unwrap();
    while let Some(item) = next(&mut source) {
        printed += &format!("{source:?} {item:?} {item:#?}");
    }
    for name in ["Builder { config: ", "EventSource { driver: ", "status: 403,"] {
        assert!(printed.contains(name), "{name}: {printed}");
    }
    assert!(!printed.contains("secret"), "{printed}");
}
