//! The body of a response, alone and under hyper.
#![allow(clippy::unwrap_used)]

use std::convert::Infallible;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use async_io::Async;
use bytes::Bytes;
use futures_lite::future::{block_on, poll_fn};
use futures_lite::{StreamExt, stream};
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Either, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use smol::channel;
use smol_hyper::rt::FuturesIo;
use sse_async_std::{CloseReason, EncodedEvent, Event, EventBuilder, EventSource, Sse, response};

fn event(data: &str) -> EncodedEvent {
    EventBuilder::new().data(data).into()
}

#[test]
fn events_that_are_ready_together_are_one_frame_and_an_error_comes_after_them() {
    let items = [Ok(event("a")), Ok(event("b")), Err("broken"), Ok(event("c"))];
    let mut body = Sse::try_new(stream::iter(items));
    let frame = block_on(body.frame()).unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "data: a\n\ndata: b\n\n");
    assert!(!body.is_end_stream());
    assert!(format!("{body:?}").starts_with("Sse(Chunks"), "{body:?}");
    assert_eq!(block_on(body.frame()).unwrap().unwrap_err(), "broken");
    assert!(body.is_end_stream());
    assert!(block_on(body.frame()).is_none());
}

#[test]
fn no_cache_and_no_proxy_holds_events_back() {
    let headers = [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
    ];
    let response = response(());
    for (name, value) in headers {
        assert_eq!(response.headers()[name], value);
    }
}

// 9.2.7: a comment line every 15 seconds or so.
#[test]
fn silence_is_filled_with_comments_and_only_silence() {
    let events = stream::iter([event("a")]).chain(stream::pending());
    let mut body = Sse::new(events).keep_alive(Duration::from_millis(2));
    let mut next = || block_on(body.frame()).unwrap().unwrap().into_data().unwrap();
    assert_eq!(next(), "data: a\n\n");
    assert_eq!(next(), ": \n");
    assert_eq!(next(), ": \n");
}

#[test]
fn a_shutdown_ends_the_body_between_events_with_a_retry() {
    let (sender, events) = channel::unbounded();
    let (stop, stopped) = channel::bounded::<()>(1);
    let until = async move { assert!(stopped.recv().await.is_err()) };
    let mut body = Sse::new(events).until(until, Duration::from_millis(500));
    sender.try_send(event("a")).unwrap();
    assert_eq!(block_on(body.frame()).unwrap().unwrap().into_data().unwrap(), "data: a\n\n");
    sender.try_send(event("b")).unwrap();
    drop(stop);
    assert_eq!(block_on(body.frame()).unwrap().unwrap().into_data().unwrap(), "data: b\n\nretry: 500\n\n");
    assert!(block_on(body.frame()).is_none());
}

#[test]
fn an_interval_of_duration_max_sends_no_comments() {
    let mut body = Sse::new(stream::pending::<EncodedEvent>()).keep_alive(Duration::MAX);
    let pending =
        block_on(poll_fn(|cx| std::task::Poll::Ready(std::pin::pin!(body.frame()).poll(cx).is_pending())));
    assert!(pending);
}

/// Two events, and after the second the end for good.
async fn serve(request: Request<Incoming>) -> Result<Response<Either<BoxedSse, Empty<Bytes>>>, Infallible> {
    let events = match request.headers().get("last-event-id").map(|id| id.as_bytes()) {
        None => "a",
        Some(b"a") => "b",
        _ => return Ok(Response::builder().status(204).body(Either::Right(Empty::new())).unwrap()),
    };
    let event = EventBuilder::new().id(events).unwrap().data(events).retry(Duration::from_millis(1)).into();
    Ok(response(Either::Left(Sse::try_new(stream::iter(vec![Ok(event)])))))
}

type BoxedSse = Sse<stream::Iter<std::vec::IntoIter<Result<EncodedEvent, Infallible>>>>;

#[test]
fn a_client_follows_a_hyper_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        for _ in 0..3 {
            let socket = Async::new(listener.accept().unwrap().0).unwrap();
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(FuturesIo::new(socket), service_fn(serve));
            // The client hangs up when it has its response.
            let _ = block_on(connection);
        }
    });
    let mut source = EventSource::builder(url).proxy(None).build().unwrap();
    let mut data = Vec::new();
    while let Some(event) = block_on(source.next()) {
        if let Event::Message(message) = event.unwrap() {
            data.push(message.into_data());
        }
    }
    assert_eq!(data, ["a", "b"]);
    assert_eq!(source.close_reason(), Some(CloseReason::NoContent));
    server.join().unwrap();
}
