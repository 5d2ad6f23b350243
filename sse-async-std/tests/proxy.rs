//! Requests through a proxy.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;

use futures_lite::StreamExt;
use futures_lite::future::block_on;
use sse_async_std::{EventSource, Url};
use sse_test::{Reply, Server};

fn source(url: &str, proxy: SocketAddr) -> EventSource {
    let proxy = Url::parse(&format!("http://user:secret@{proxy}")).unwrap();
    EventSource::builder(url).proxy(Some(proxy)).build().unwrap()
}

#[test]
fn plain_http_is_requested_from_a_proxy_by_its_whole_url() {
    let proxy = Server::play([Reply::no_content()]);
    let mut source = source("http://me:myself@events.example:81/a?b#c", proxy.address);
    assert!(block_on(source.next()).is_none(), "204");
    let head = proxy.request().head();
    assert_eq!(head[0], "GET http://events.example:81/a?b HTTP/1.1");
    assert!(head.contains(&"host: events.example:81".into()), "{head:?}");
    assert!(head.contains(&"proxy-authorization: Basic dXNlcjpzZWNyZXQ=".into()), "{head:?}");
    assert!(head.contains(&"authorization: Basic bWU6bXlzZWxm".into()), "{head:?}");
}

#[test]
fn a_proxy_of_another_kind_is_a_final_error_and_not_bypassed() {
    let server = Server::play([Reply::no_content()]);
    for proxy in ["socks5://127.0.0.1:1", "https://127.0.0.1:1"] {
        let proxy = Url::parse(proxy).unwrap();
        let mut source = EventSource::builder(server.url("/")).proxy(Some(proxy)).build().unwrap();
        let error = block_on(source.next()).unwrap().unwrap_err();
        assert!(matches!(error.transport(), Some(sse_async_std::TransportError::Proxy(_))), "{error:?}");
    }
    assert_eq!(server.further_requests(), 0);
}

#[test]
#[cfg(feature = "webpki-roots")]
fn https_goes_through_a_proxy_tunnel_and_a_refused_tunnel_is_an_error() {
    use sse_async_std::{CloseReason, Config, ReconnectPolicy, TransportError};

    let server = Server::play([Reply::raw("HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\n\r\n")]);
    let config = Config::default().with_policy(ReconnectPolicy::never());
    let url = "https://events.example/";
    let proxy = Url::parse(&server.url("")).unwrap();
    let mut source = EventSource::builder(url).config(config).proxy(Some(proxy)).build().unwrap();
    let error = block_on(source.next()).unwrap().unwrap_err();
    assert!(matches!(error.reason(), Some(CloseReason::GaveUp { .. })), "{error:?}");
    let cause = std::error::Error::source(&error).unwrap().downcast_ref().unwrap();
    assert!(matches!(cause, TransportError::Connect(_)), "{cause:?}");
    let refusal = std::error::Error::source(cause).unwrap().to_string();
    assert_eq!(refusal, "the proxy answered with status 407");
    let head = server.request().head();
    assert_eq!(head[..2], ["CONNECT events.example:443 HTTP/1.1", "Host: events.example:443"]);
    assert_eq!(head.len(), 2, "a proxy gets nothing of the request: {head:?}");
}

#[test]
#[cfg(feature = "webpki-roots")]
fn tls_begins_in_the_tunnel() {
    use std::io::Read as _;
    use std::net::TcpListener;
    use std::thread;

    use sse_test::serve;

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = thread::spawn(move || {
        let mut socket = listener.accept().unwrap().0;
        let mut head = Vec::new();
        serve(
            &mut socket,
            &Reply::raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nVia: 1.1 a\r\n\r\n"),
            |request| head = request.head(),
        )
        .unwrap();
        let mut first = [0];
        socket.read_exact(&mut first).unwrap();
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
    let server = Server::play([Reply::raw("").repeat([b'x'; 1024], std::time::Duration::ZERO)]);
    let mut source = source("https://events.example/", server.address);
    assert!(matches!(block_on(source.next()), Some(Ok(sse_async_std::Event::Disconnected { .. }))));
    server.requests();
}

#[test]
#[cfg(feature = "system-proxy")]
fn a_proxy_of_the_environment_is_used() {
    // In another process, whose environment can be changed.
    if std::env::var_os("PROXIED").is_some() {
        assert!(block_on(EventSource::get("http://events.example/a").unwrap().next()).is_none(), "204");
        return;
    }
    let proxy = Server::play([Reply::no_content()]);
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "a_proxy_of_the_environment_is_used"]).env_clear().env("PROXIED", "");
    let output = again.env("HTTP_PROXY", proxy.address.to_string()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(proxy.request().line(), "GET http://events.example/a HTTP/1.1");
}
