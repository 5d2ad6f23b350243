//! The scenarios of every client, for the blocking one over ureq; and what only it can do.
#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::io::Read;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use sse_blocking::client::ureq::http::{HeaderName, Method};
use sse_blocking::client::ureq::{self, Proxy};
use sse_blocking::{ClientEvent, CloseReason, Config, EventSource};

#[path = "../../tests/scenarios/mod.rs"]
mod scenarios;
#[path = "../../tests/socks.rs"]
mod socks;

use scenarios::{Ask, Seen, build, tell};

fn follow(ask: &Ask, seen: &mut dyn FnMut(Seen) -> bool) {
    let mut source = build!(ask, EventSource, Method, HeaderName);
    tell(seen, || Some(Seen::of(source.next()?, |head| head.status.as_u16(), |closed| closed.reason)));
}

#[test]
fn the_body_of_an_error_can_be_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        use std::io::Write;
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 4096]).unwrap();
        socket.write_all(b"HTTP/1.1 401 \r\nContent-Length: 7\r\n\r\nno key!").unwrap();
    });
    let mut source = EventSource::get(url).unwrap();
    let closed = source.next().unwrap().unwrap_err();
    assert_eq!(closed.reason, CloseReason::Status(401));
    let (head, mut body) = *closed.response.unwrap();
    assert_eq!(head.status, 401);
    let mut text = String::new();
    body.read_to_string(&mut text).unwrap();
    assert_eq!(text, "no key!");
    server.join().unwrap();
}

#[test]
fn a_time_beyond_the_clock_is_no_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        use std::io::Write;
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 4096]).unwrap();
        socket.write_all(b"HTTP/1.1 204 \r\n\r\n").unwrap();
    });
    let config = Config { connect_timeout: Some(Duration::MAX), ..Config::default() };
    let mut source = EventSource::builder(url).config(config).build().unwrap();
    assert!(source.next().is_none(), "204");
    server.join().unwrap();
}

#[test]
fn another_thread_can_close_it_while_it_reads() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        use std::io::Write;
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 4096]).unwrap();
        socket.write_all(b"HTTP/1.1 200 \r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n").unwrap();
        // The client hangs up, and we hear of it.
        assert_eq!(socket.read(&mut [0]).unwrap(), 0);
    });
    let source = EventSource::get(url).unwrap();
    let closer = source.closer();
    let mut closing = None;
    for event in source {
        if let ClientEvent::Message(_) = event.unwrap() {
            let closer = closer.clone();
            closing = Some(thread::spawn(move || closer.close()));
        }
    }
    assert!(closer.is_closed());
    server.join().unwrap();
    closing.unwrap().join().unwrap();
}

#[test]
fn nor_does_a_refusal_that_is_read_hold_a_thread() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        use std::io::Write;
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 4096]).unwrap();
        socket.write_all(b"HTTP/1.1 401 \r\nContent-Length: 7\r\n\r\nno").unwrap();
        assert_eq!(socket.read(&mut [0]).unwrap(), 0, "the client hangs up");
    });
    let mut source = EventSource::get(url).unwrap();
    let closer = source.closer();
    let (_, mut body) = *source.next().unwrap().unwrap_err().response.unwrap();
    let mut start = [0; 2];
    body.read_exact(&mut start).unwrap();
    let closing = thread::spawn(move || closer.close());
    assert!(body.read_to_end(&mut Vec::new()).is_err());
    closing.join().unwrap();
    server.join().unwrap();
}

#[test]
fn a_malformed_request_is_an_error_at_once() {
    assert!(EventSource::get("no url").is_err());
    assert!(EventSource::get("ftp://localhost/").is_err());
    assert!(EventSource::builder("http://localhost/").header("a\n", "b").build().is_err());
}

#[test]
fn a_url_that_has_to_be_of_https_is_told_without_its_query() {
    let agent = ureq::config::Config::builder().https_only(true).build();
    let mut source = EventSource::builder("http://localhost/a?key=secret").agent(agent).build().unwrap();
    let closed = source.next().unwrap().unwrap_err();
    let printed = format!("{closed:?} {}", closed.error.as_ref().and_then(Error::source).unwrap());
    assert!(printed.contains("http://localhost/a") && !printed.contains("secret"), "{printed}");
    assert_eq!(closed.reason, CloseReason::Transport);
}

#[test]
fn any_method_is_sent_with_its_body() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        use std::io::Write;
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"question") {
            let mut some = [0; 4096];
            let length = socket.read(&mut some).unwrap();
            assert_ne!(length, 0, "{}", request.escape_ascii());
            request.extend(&some[..length]);
        }
        socket.write_all(b"HTTP/1.1 204 \r\n\r\n").unwrap();
        assert!(request.starts_with(b"QUERY / HTTP/1.1\r\n"));
    });
    let query = EventSource::builder(url).method(Method::from_bytes(b"QUERY").unwrap()).body("question");
    assert!(query.build().unwrap().next().is_none(), "204");
    server.join().unwrap();
}

#[test]
fn a_socks_proxy_is_not_gone_around() {
    let (address, proxy) = socks::proxy();
    let agent =
        ureq::config::Config::builder().proxy(Some(Proxy::new(&format!("socks5h://{address}")).unwrap()));
    let mut source = EventSource::builder("http://events.example/a").agent(agent.build()).build().unwrap();
    assert!(source.next().is_none(), "204");
    assert_eq!(proxy.join().unwrap(), ("events.example".to_owned(), "GET /a HTTP/1.1".to_owned()));
}
