//! The scenarios of every client, for the blocking client over ureq; and tests of features that
//! only this client has.
#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use sse_blocking::http::{HeaderName, HeaderValue, Method, Request};
use sse_blocking::ureq::{self, Proxy};
use sse_blocking::{
    Cause, CloseReason, Config, Event, EventSource, ReconnectPolicy, TransportError, Verdict,
};

mod closers;
#[path = "../../../tests/scenarios/mod.rs"]
mod scenarios;

use scenarios::{Ask, Seen, build, tell};
use sse_test::{Reply, Server, Socks};

fn follow(ask: &Ask, seen: &mut dyn FnMut(Seen) -> bool) {
    let mut source = build!(ask, EventSource, Method, HeaderName);
    tell(seen, || {
        Some(Seen::of(
            source.next()?,
            |head| (head.status.as_u16(), head.headers),
            |error| error.reason().unwrap(),
        ))
    });
}

/// Reconnects at once.
fn config() -> Config {
    let policy = ReconnectPolicy::default().with_initial(Duration::ZERO);
    Config::default().with_policy(policy)
}

#[test]
fn the_request_hook_can_replace_every_request() {
    let server = Server::play([Reply::stream("id: 7\ndata: a\n\n"), Reply::no_content()]);
    let url = server.url("/?n=x").replace("//", "//me:secret@");
    let mut source = EventSource::builder(url)
        .config(config())
        .on_request(|mut request, attempt| {
            assert!(request.headers()["authorization"].is_sensitive());
            assert!(!format!("{request:?}").contains("secret"));
            request.headers_mut().insert("x-attempt", HeaderValue::from(attempt));
            *request.uri_mut() = request.uri().to_string().replace("n=x", &format!("n={attempt}")).parse()?;
            Ok(request)
        })
        .build()
        .unwrap();
    assert_eq!(source.by_ref().map(Result::unwrap).count(), 3);
    let requests = server.requests();
    for (request, attempt) in requests.iter().zip(["0", "1"]) {
        assert_eq!(request.path, format!("/?n={attempt}"));
        assert_eq!(request.text("x-attempt"), Some(attempt));
        assert_eq!(request.text("authorization"), Some("Basic bWU6c2VjcmV0"));
    }
    assert_eq!(requests[1].text("last-event-id"), Some("7"));
}

#[test]
fn credentials_that_a_request_hook_puts_into_the_url_become_a_header() {
    let server = Server::play([Reply::no_content()]);
    let url = server.url("/").replace("//", "//me:secret@");
    let hook = move |mut request: Request<_>, _| {
        *request.uri_mut() = url.parse()?;
        Ok(request)
    };
    let mut source = EventSource::builder(server.url("/")).on_request(hook).build().unwrap();
    assert!(source.next().is_none(), "204");
    assert_eq!(server.requests()[0].text("authorization"), Some("Basic bWU6c2VjcmV0"));
}

#[test]
fn a_hook_that_fails_is_a_failed_attempt() {
    let server = Server::play([Reply::no_content()]);
    let mut token = Err("no token");
    let hook = move |request, _| std::mem::replace(&mut token, Ok(request)).map_err(Into::into);
    let mut source = EventSource::builder(server.url("/")).config(config()).on_request(hook).build().unwrap();
    let Some(Ok(Event::Disconnected { cause, .. })) = source.next() else { panic!() };
    let (cause, error) = (cause.cause(), cause.into_error().unwrap());
    assert_eq!((cause, error.to_string().as_str()), (Cause::NotSent, "the request hook failed"));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no token");
    assert!(matches!(error, TransportError::Hook(_)));
}

#[test]
fn the_response_hook_decides_about_every_response() {
    let server = Server::play([Reply::status(404, "", ""), Reply::status(404, "", "")]);
    let mut verdicts = Vec::new();
    let mut source = EventSource::builder(server.url("/"))
        .config(config())
        .on_response(move |head, verdict| {
            verdicts.push(verdict);
            let status = head.status.as_u16();
            if verdicts.len() == 1 { Verdict::Retry { status, after: None } } else { verdict }
        })
        .build()
        .unwrap();
    let Some(Ok(Event::Disconnected { cause, .. })) = source.next() else { panic!() };
    assert_eq!(cause.cause(), Cause::Status(404));
    assert_eq!(source.next().unwrap().unwrap_err().reason(), Some(CloseReason::Status(404)));
    server.requests();
}

#[test]
fn an_error_that_no_attempt_can_mend_is_final() {
    let agent = ureq::config::Config::builder().https_only(true).build();
    let mut source = EventSource::builder("http://127.0.0.1/").agent(agent).build().unwrap();
    assert_eq!(source.next().unwrap().unwrap_err().reason(), Some(CloseReason::Transport));
}

#[test]
fn secrets_are_not_printed() {
    let server = Server::play([
        Reply::stream("data: a\n\n"),
        Reply::redirect(302, "/?key=secret"),
        Reply::status(403, "", ""),
    ]);
    let url = server.url("/live?key=secret").replace("//", "//me:secret@");
    let builder = EventSource::builder(url).config(config()).header("x-api-key", "secret");
    let mut printed = format!("{builder:?}");
    let mut source = builder.build().unwrap();
    while let Some(item) = source.next() {
        printed += &format!("{source:?} {:?} {item:?} {item:#?}", source.closer());
    }
    for name in ["Builder { config: ", "EventSource { driver: ", "Closer { closed: false }", "status: 403,"] {
        assert!(printed.contains(name), "{name}: {printed}");
    }
    assert!(!printed.contains("secret"), "{printed}");
}

#[test]
fn the_body_of_an_error_can_be_read() {
    let server = Server::play([Reply::raw("HTTP/1.1 401 \r\nContent-Length: 7\r\n\r\nno key!")]);
    let mut source = EventSource::get(server.url("/")).unwrap();
    let mut error = source.next().unwrap().unwrap_err();
    assert_eq!((error.reason(), error.status().unwrap().as_u16()), (Some(CloseReason::Status(401)), 401));
    assert_eq!(error.to_string(), "the server answered with status 401 instead of 200: no key!");
    assert_eq!(error.text(100).unwrap(), "no key!");
    assert_eq!(error.text(2).unwrap(), "no");
    server.requests();
}

#[test]
fn a_time_beyond_the_clock_is_no_limit() {
    let server = Server::play([Reply::no_content()]);
    let config = Config::default().with_head_timeout(Duration::MAX);
    let mut source = EventSource::builder(server.url("/")).config(config).build().unwrap();
    assert!(source.next().is_none(), "204");
    server.requests();
}

#[test]
fn the_text_of_a_refused_body_that_stalls_is_kept() {
    let stalled = Reply::response(429, "Content-Length: 1000\r\n", "slow down");
    let server = Server::play([stalled.hold()]);
    let config = config().with_refused_body_timeout(Duration::from_millis(100));
    let mut source = EventSource::builder(server.url("/")).config(config).build().unwrap();
    let mut error = source.next().unwrap().unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(429));
    assert_eq!(error.text(1000).unwrap(), "slow down");
    assert!(error.to_string().ends_with("429 instead of 200: slow down"), "{error}");
    server.requests();
}

/// Whether a second process of these tests ran the test that it was started for: a name that no
/// test has would succeed as well.
fn passed_one(output: &std::process::Output) -> bool {
    output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed")
}

#[test]
fn no_proxy_has_networks_and_an_asterisk() {
    // In another process, whose environment can be changed.
    for direct in ["127.0.0.0/8", "*"] {
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "scenarios::response::the_last_of_several_content_types_counts"]);
        let output = again.env("all_proxy", "http://127.0.0.1:1").env("no_proxy", direct).output().unwrap();
        assert!(passed_one(&output), "{direct}: {output:?}");
    }
}

/// RFC 9112, 3.2.2. ureq would ask for a tunnel, which many proxies refuse for plain HTTP.
#[test]
fn plain_http_is_requested_from_a_proxy_by_its_whole_url() {
    let server =
        Server::play([Reply::redirect(307, "/b?y"), Reply::stream("data: a\n\n"), Reply::no_content()]);
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "follows_a_host_that_a_proxy_alone_knows", "--ignored"]);
    let output = again.env("http_proxy", server.url("").replace("//", "//me:secret@")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let requests = server.requests();
    let paths: Vec<_> = requests.iter().map(|request| &*request.path).collect();
    assert_eq!(
        paths,
        ["http://events.test:81/a?x", "http://events.test:81/b?y", "http://events.test:81/a?x"]
    );
    for request in requests {
        assert_eq!(request.text("host"), Some("events.test:81"));
        assert_eq!(request.text("proxy-authorization"), Some("Basic bWU6c2VjcmV0"));
        assert_eq!((&*request.method, request.body.len()), ("PUT", 200_000));
    }
}

#[test]
#[ignore = "runs in another process, which has a proxy"]
fn follows_a_host_that_a_proxy_alone_knows() {
    let source = EventSource::builder("http://events.test:81/a?x").config(config());
    let mut source = source.method(Method::PUT).body("x".repeat(200_000)).build().unwrap();
    let data = source.by_ref().filter_map(|event| match event.unwrap() {
        Event::Message(message) => Some(message.into_data()),
        _ => None,
    });
    assert_eq!(data.collect::<Vec<_>>(), ["a"]);
    assert_eq!(source.close_reason(), Some(CloseReason::NoContent));
}

/// An error while no connection is there shows that nothing was sent.
#[test]
fn a_name_that_does_not_resolve_was_not_sent_to() {
    // The name does not resolve, because it is longer than a name may be (RFC 1035, 2.3.4).
    let url = format!("http://{}.invalid/", "a".repeat(64));
    let mut source = EventSource::builder(url).config(config()).build().unwrap();
    let Some(Ok(Event::Disconnected { cause, .. })) = source.next() else { panic!() };
    assert_eq!(cause.cause(), Cause::NotSent, "{cause}");
}

/// RFC 9110, 15.2: a client reads any number of interim responses before the answer.
#[test]
fn hints_before_the_answer_do_not_hold_the_body_back() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(2);
    let answer = "HTTP/1.1 413 \r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
    let server = Server::play([Reply::raw(hints).send(answer).early().hold()]);
    let source = EventSource::builder(server.url("/")).config(config()).method(Method::POST);
    let mut source = source.body("x".repeat(200_000)).build().unwrap();
    let error = source.next().unwrap().unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(413));
    drop((error, source));
    server.requests();
}

/// RFC 9110, 15.2: an interim response may have header fields; Caddy adds `Server` and `Via`.
#[test]
fn a_100_continue_with_header_fields_is_followed_by_the_body() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        assert!(String::from_utf8_lossy(&request).to_lowercase().contains("expect: 100-continue"));
        socket.write_all(b"HTTP/1.1 100 Continue\r\nServer: Caddy\r\nVia: 1.1 Caddy\r\n\r\n").unwrap();
        socket.read_exact(&mut [0; 200_000]).unwrap();
        socket.write_all(b"HTTP/1.1 204 \r\n\r\n").unwrap();
    });
    let source = EventSource::builder(url).config(config()).method(Method::POST);
    let mut source = source.body("x".repeat(200_000)).build().unwrap();
    assert!(source.next().is_none());
    assert_eq!(source.close_reason(), Some(CloseReason::NoContent));
    server.join().unwrap();
}

/// RFC 9112, 7.1. ureq would accept `+9`.
#[test]
fn a_malformed_chunk_size_breaks_the_connection_after_the_chunks_before_it() {
    let head = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunks = |data: &str| format!("{head}9\r\ndata: {data}\n\n\r\n+9\r\ndata: x\n\n\r\n0\r\n\r\n");
    let server = Server::play([
        Reply::raw(format!("HTTP/1.1 200 \r\n{}", chunks("a"))),
        Reply::raw(format!("HTTP/1.1 401 \r\n{}", chunks("b"))),
    ]);
    let mut source = EventSource::builder(server.url("/")).config(config()).build().unwrap();
    assert!(matches!(source.next(), Some(Ok(Event::Open(_)))));
    assert!(matches!(source.next(), Some(Ok(Event::Message(message))) if message.data() == "a"));
    let Some(Ok(Event::Disconnected { cause, .. })) = source.next() else { panic!() };
    assert!(cause.to_string().ends_with("the size of a chunk is malformed"), "{cause}");
    let mut error = source.next().unwrap().unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
    assert_eq!(error.text(100).unwrap(), "data: b\n\n");
    server.requests();
}

/// The server asks for the body and closes without reading it, so that a write fails.
#[test]
fn an_answer_is_read_after_a_write_that_fails() {
    let answer = "HTTP/1.1 413 \r\nContent-Length: 2\r\n\r\nno";
    let server = Server::play([Reply::raw("HTTP/1.1 100 \r\n\r\n").send(answer).early()]);
    let source = EventSource::builder(server.url("/")).config(config()).method(Method::POST);
    let mut source = source.body("x".repeat(8 << 20)).build().unwrap();
    let error = source.next().unwrap().unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(413), "{error}");
    server.requests();
}

/// RFC 9110, 10.1.1: after a 417 the request should be repeated without the expectation.
#[test]
fn a_server_that_fails_the_expectation_gets_the_body_without_it() {
    let failed = || Reply::status(417, "", "").early();
    let server = Server::play([failed(), Reply::no_content()]);
    let post = |server: &Server| {
        let source = EventSource::builder(server.url("/")).config(config()).method(Method::POST);
        source.body("x".repeat(100_000))
    };
    assert!(post(&server).build().unwrap().next().is_none(), "204");
    let requests = server.requests();
    assert_eq!(requests[0].text("expect"), Some("100-continue"));
    assert_eq!((requests[1].text("expect"), requests[1].body.len()), (None, 100_000));
    // The user's own expectation is the user's matter.
    let server = Server::play([failed()]);
    let error = post(&server).header("expect", "100-continue").build().unwrap().next().unwrap().unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(417));
    server.requests();
}

/// RFC 9112, 9.6: such a close resets the connection while the client still writes.
#[test]
fn an_answer_of_a_server_that_reads_only_the_head_and_closes_is_read() {
    let answer = Reply::response(413, "", "too large").early();
    let server = Server::play(vec![answer; 8]);
    for _ in 0..8 {
        let source = EventSource::builder(server.url("/")).config(config()).method(Method::POST);
        let mut source = source.body(vec![b'x'; 8 << 20]).build().unwrap();
        let error = source.next().unwrap().unwrap_err();
        assert!(error.to_string().ends_with("413 instead of 200: too large"), "{error}");
    }
}

#[test]
fn a_malformed_request_is_an_error_at_once() {
    assert!(EventSource::get("no url").is_err());
    assert!(EventSource::get("ftp://localhost/").is_err());
    assert!(EventSource::builder("http://localhost/").header("a\n", "b").build().is_err());
}

#[test]
fn an_error_for_a_url_that_requires_https_omits_its_query() {
    let agent = ureq::config::Config::builder().https_only(true).build();
    let mut source = EventSource::builder("http://localhost/a?key=secret").agent(agent).build().unwrap();
    let error = source.next().unwrap().unwrap_err();
    let printed = format!("{error:?} {}", error.transport().and_then(Error::source).unwrap());
    assert!(printed.contains("http://localhost/a") && !printed.contains("secret"), "{printed}");
    assert_eq!(error.reason(), Some(CloseReason::Transport));
}

#[test]
fn any_method_is_sent_with_its_body() {
    let server = Server::play([Reply::no_content()]);
    let query = EventSource::builder(server.url("/")).method(Method::from_bytes(b"QUERY").unwrap());
    assert!(query.body("question").build().unwrap().next().is_none(), "204");
    let request = server.request();
    assert_eq!((request.line(), &*request.body), ("QUERY / HTTP/1.1", &b"question"[..]));
}

#[test]
fn a_socks_proxy_is_used_and_resolves_the_name() {
    let proxy = Socks::listen();
    let agent = ureq::config::Config::builder().proxy(Some(Proxy::new(&proxy.url()).unwrap()));
    let mut source = EventSource::builder("http://events.example/a").agent(agent.build()).build().unwrap();
    assert!(source.next().is_none(), "204");
    assert_eq!(proxy.request(), ("events.example".to_owned(), "GET /a HTTP/1.1".to_owned()));
}

#[test]
fn a_cgi_script_ignores_the_proxy_header_of_its_client() {
    // In another process, because the environment decides whether this is a CGI script, and which
    // proxy applies.
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "scenarios::response::the_last_of_several_content_types_counts"]);
    let output = again.env("REQUEST_METHOD", "GET").env("HTTP_PROXY", "nobody:1").output().unwrap();
    assert!(passed_one(&output), "{output:?}");
}
