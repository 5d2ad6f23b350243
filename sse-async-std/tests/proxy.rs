//! Requests through a proxy.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};

use futures_lite::StreamExt;
use futures_lite::future::block_on;
use sse_async_std::{EventSource, Url};

/// Answers one request with `response`; returns the head of the request.
fn proxy(response: &'static str) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = thread::spawn(move || {
        let mut reader = BufReader::new(listener.accept().unwrap().0);
        let mut lines = reader.by_ref().lines().map(Result::unwrap);
        let head = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        reader.get_mut().write_all(response.as_bytes()).unwrap();
        head
    });
    (address, thread)
}

fn source(url: &str, proxy: SocketAddr) -> EventSource {
    let proxy = Url::parse(&format!("http://user:secret@{proxy}")).unwrap();
    EventSource::builder(url).proxy(Some(proxy)).build().unwrap()
}

#[test]
fn plain_http_is_requested_from_a_proxy_by_its_whole_url() {
    let (address, thread) = proxy("HTTP/1.1 204 \r\n\r\n");
    let mut source = source("http://me:myself@events.example:81/a?b#c", address);
    assert!(block_on(source.next()).is_none(), "204");
    let head = thread.join().unwrap();
    assert_eq!(head[0], "GET http://events.example:81/a?b HTTP/1.1");
    assert!(head.contains(&"host: events.example:81".into()), "{head:?}");
    assert!(head.contains(&"proxy-authorization: Basic dXNlcjpzZWNyZXQ=".into()), "{head:?}");
    assert!(head.contains(&"authorization: Basic bWU6bXlzZWxm".into()), "{head:?}");
}

#[test]
#[cfg(feature = "webpki-roots")]
fn https_goes_through_a_proxy_tunnel_and_a_refused_tunnel_is_an_error() {
    use sse_async_std::{CloseReason, Config, ReconnectPolicy, TransportError};

    let (address, thread) = proxy("HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\n\r\n");
    let config = Config::default().with_policy(ReconnectPolicy::never());
    let url = "https://events.example/";
    let proxy = Url::parse(&format!("http://{address}")).unwrap();
    let mut source = EventSource::builder(url).config(config).proxy(Some(proxy)).build().unwrap();
    let error = block_on(source.next()).unwrap().unwrap_err();
    assert!(matches!(error.reason(), Some(CloseReason::GaveUp { .. })), "{error:?}");
    let cause = std::error::Error::source(&error).unwrap().downcast_ref().unwrap();
    assert!(matches!(cause, TransportError::Connect(_)), "{cause:?}");
    let refusal = std::error::Error::source(cause).unwrap().to_string();
    assert_eq!(refusal, "the proxy answered with status 407");
    let head = thread.join().unwrap();
    assert_eq!(head[..2], ["CONNECT events.example:443 HTTP/1.1", "Host: events.example:443"]);
    assert_eq!(head.len(), 2, "a proxy gets nothing of the request: {head:?}");
}

#[test]
#[cfg(feature = "webpki-roots")]
fn tls_begins_in_the_tunnel() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = thread::spawn(move || {
        let mut reader = BufReader::new(listener.accept().unwrap().0);
        let lines = reader.by_ref().lines().map(Result::unwrap);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        reader.get_mut().write_all(b"HTTP/1.1 200 \r\n\r\n").unwrap();
        let mut first = [0];
        reader.read_exact(&mut first).unwrap();
        (head, first)
    });
    let mut source = source("https://events.example/", address);
    assert!(matches!(block_on(source.next()), Some(Ok(sse_async_std::Event::Disconnected { .. }))));
    let (head, first) = thread.join().unwrap();
    assert_eq!(first, [22], "a handshake");
    assert_eq!(head[2..], ["Proxy-Authorization: Basic dXNlcjpzZWNyZXQ="]);
}

#[test]
#[cfg(feature = "webpki-roots")]
fn a_proxys_answer_without_end_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut source = source("https://events.example/", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let mut socket = listener.accept().unwrap().0;
        while socket.write_all(&[b'x'; 1024]).is_ok() {}
    });
    assert!(matches!(block_on(source.next()), Some(Ok(sse_async_std::Event::Disconnected { .. }))));
    thread.join().unwrap();
}

#[test]
#[cfg(feature = "system-proxy")]
fn a_proxy_of_the_environment_is_used() {
    // In another process, whose environment can be changed.
    if std::env::var_os("PROXIED").is_some() {
        assert!(block_on(EventSource::get("http://events.example/a").unwrap().next()).is_none(), "204");
        return;
    }
    let (address, thread) = proxy("HTTP/1.1 204 \r\n\r\n");
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "a_proxy_of_the_environment_is_used"]).env_clear().env("PROXIED", "");
    let output = again.env("HTTP_PROXY", address.to_string()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(thread.join().unwrap()[0], "GET http://events.example/a HTTP/1.1");
}
