//! Tests of the closer, by which another thread ends a source.

use std::io::Read;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use sse_blocking::{CloseReason, Closer, Event, EventSource};
use sse_test::{Reply, Server, serve};

use super::config;

#[test]
fn another_thread_can_close_a_source_that_is_reading() {
    let server = Server::play([Reply::stream("data: a\n\n").hold()]);
    let source = EventSource::get(server.url("/")).unwrap();
    let closer = source.closer();
    let mut closing = None;
    for event in source {
        if let Event::Message(_) = event.unwrap() {
            let closer = closer.clone();
            closing = Some(thread::spawn(move || closer.close()));
        }
    }
    assert!(closer.is_closed());
    // The script ends when the client has hung up.
    server.requests();
    closing.unwrap().join().unwrap();
}

/// Sends this reply, closes the client, and waits until the client has hung up.
fn close_after(listener: TcpListener, reply: &'static str, closer: Closer) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        serve(&mut socket, &Reply::raw(reply), drop).unwrap();
        closer.close();
        assert_eq!(socket.read(&mut [0]).unwrap(), 0, "the client hangs up");
    })
}

#[test]
fn a_closer_interrupts_the_reading_of_a_refused_body() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut source = EventSource::get(format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let closing = close_after(listener, "HTTP/1.1 401 \r\nContent-Length: 7\r\n\r\nno", source.closer());
    // Closed in the middle of the refusal, or of the request: which of the two is not ours to say.
    if let Some(item) = source.next() {
        assert_eq!(item.unwrap_err().reason(), Some(CloseReason::Status(401)));
    }
    drop(source);
    closing.join().unwrap();
}

#[test]
fn a_closer_ends_a_request_that_is_not_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut source = EventSource::get(format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let closing = close_after(listener, "", source.closer());
    assert!(source.next().is_none());
    assert_eq!(source.close_reason(), Some(CloseReason::Caller));
    closing.join().unwrap();
}

#[cfg(feature = "rustls")]
#[test]
fn a_closer_ends_a_tls_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let mut source = EventSource::get(url).unwrap();
    let closer = source.closer();
    let thread = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.read_exact(&mut [0]).unwrap();
        closer.close();
        // The rest of the client's first message, and the end.
        while socket.read(&mut [0; 512]).unwrap() > 0 {}
    });
    assert!(source.next().is_none());
    assert_eq!(source.close_reason(), Some(CloseReason::Caller));
    thread.join().unwrap();
}

/// Only the closer ends the connect, so a failing test does not end.
#[cfg(target_os = "linux")]
#[test]
fn a_closer_ends_a_connect_whose_packets_are_dropped() {
    let host = sse_test::Full::listen();
    let (connecting, begun) = mpsc::channel();
    let config = config().with_connect_timeout(None).with_head_timeout(None);
    let mut source = EventSource::builder(host.url("/"))
        .config(config)
        .on_request(move |request, _| {
            connecting.send(())?;
            Ok(request)
        })
        .build()
        .unwrap();
    let closer = source.closer();
    let thread = thread::spawn(move || {
        begun.recv().unwrap();
        closer.close();
    });
    assert!(source.next().is_none());
    assert_eq!(source.close_reason(), Some(CloseReason::Caller));
    thread.join().unwrap();
}
