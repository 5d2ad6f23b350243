//! HTTP/2: a hundred sources share one connection, where browsers with HTTP/1.1 stop at six; a
//! large head is read as over HTTP/1.1.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::Client;
use sse_tokio::{Event, EventSource, client_builder};
use tokio::net::TcpListener;

const SOURCES: usize = 100;

/// Answers every request with its path as an event, and then with silence; counts connections.
async fn serve(listener: TcpListener, connections: Arc<AtomicUsize>) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        connections.fetch_add(1, Ordering::Relaxed);
        let service = service_fn(async |request: Request<_>| {
            let _: &hyper::body::Incoming = request.body();
            let event = Bytes::from(format!("data: {}\n\n", request.uri().path()));
            let frames = stream::iter([Ok::<_, Infallible>(Frame::data(event))]).chain(stream::pending());
            let response = Response::builder().header("content-type", "text/event-stream");
            let response = match request.uri().path() {
                "/large" => {
                    (0..50).fold(response, |response, n| response.header(format!("x-{n}"), "x".repeat(2000)))
                }
                _ => response,
            };
            Ok::<_, Infallible>(response.body(StreamBody::new(frames)).unwrap())
        });
        tokio::spawn(
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service),
        );
    }
}

#[tokio::test]
async fn a_hundred_sources_share_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    tokio::spawn(serve(listener, Arc::clone(&connections)));

    let client = Client::builder().http2_prior_knowledge().build().unwrap();
    let sources =
        (0..SOURCES).map(|n| EventSource::new(client.get(format!("http://{address}/{n}"))).unwrap());
    // All of them are open at the same time: none ends.
    let mut all = stream::select_all(sources);
    let (mut open, mut paths) = (0, Vec::new());
    while paths.len() < SOURCES {
        match all.next().await.unwrap().unwrap() {
            Event::Open(head) => {
                assert_eq!(head.version, reqwest::Version::HTTP_2);
                open += 1;
            }
            Event::Message(message) => paths.push(message.into_data()),
            other => panic!("{other:?}"),
        }
    }
    paths.sort_by_key(|path| path[1..].parse::<usize>().unwrap());
    assert_eq!(paths, (0..SOURCES).map(|n| format!("/{n}")).collect::<Vec<_>>());
    assert_eq!(open, SOURCES);
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_head_of_100_kb_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/large", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, Arc::default()));
    let builder = EventSource::builder(url).client_builder(client_builder().http2_prior_knowledge());
    let mut source = builder.build().unwrap();
    let Some(Ok(Event::Open(head))) = source.next().await else { panic!() };
    assert_eq!(head.headers["x-49"].len(), 2000);
}
