//! The request that options describe.

use std::io::Write as _;
use std::process::Stdio;

use sse_test::{Reply, Request, Server, Socks};

use crate::{run, tail};

/// The request that the arguments make.
fn request(arguments: &[&str]) -> Request {
    let server = Server::play([Reply::no_content()]);
    let left = run(&server.url("/"), arguments);
    assert_eq!(left.code, Some(0), "{}", left.err);
    server.request()
}

fn file(name: &str, content: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

// 9.2.2: `Accept: text/event-stream`, and the cache mode no-store.
#[test]
fn default_headers_are_those_of_browsers() {
    let request = request(&[]);
    assert_eq!(request.line(), "GET / HTTP/1.1");
    assert_eq!(request.text("accept"), Some("text/event-stream"));
    assert_eq!(request.text("cache-control"), Some("no-cache"));
    assert_eq!(request.text("last-event-id"), None);
    assert_eq!(request.text("user-agent").unwrap(), concat!("sse/", env!("CARGO_PKG_VERSION")));
}

#[test]
fn headers_are_those_of_curl() {
    let path = file("headers", "X-File: 1\r\n\nX-File: 2\nX-Last: 3");
    let at = format!("@{path}");
    let request = request(&[
        "-H",
        "X-A: b: c",
        "-H",
        "x-a:d",
        "-H",
        "X-Empty;",
        "-H",
        "Accept: */*",
        "-H",
        "User-Agent:",
        "-H",
        "Cache-Control:",
        "--header",
        &at,
    ]);
    assert_eq!(request.values("x-a"), ["b: c", "d"]);
    assert_eq!(request.text("x-empty"), Some(""));
    assert_eq!(request.text("accept"), Some("*/*"));
    assert_eq!(request.text("user-agent"), None);
    assert_eq!(request.text("cache-control"), None);
    assert_eq!(request.values("x-file"), ["1", "2"]);
    assert_eq!(request.text("x-last"), Some("3"));
}

#[test]
fn data_makes_a_post_of_json_or_a_form() {
    let json = request(&["-d", "{\"stream\": true}"]);
    assert_eq!(json.line(), "POST / HTTP/1.1");
    assert_eq!(json.text("content-type"), Some("application/json"));
    assert_eq!(json.body, b"{\"stream\": true}");
    let form = request(&["--data", "a=1&b=2"]);
    assert_eq!(form.text("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(form.body, b"a=1&b=2");
}

#[test]
fn method_and_content_type_can_be_set() {
    let request = request(&["-X", "REPORT", "-d", "{}", "-H", "content-type: text/plain"]);
    assert_eq!(request.line(), "REPORT / HTTP/1.1");
    assert_eq!(request.text("content-type"), Some("text/plain"));
    assert_eq!(request.body, b"{}");
}

#[test]
fn data_comes_from_a_file_or_standard_input() {
    let at = format!("@{}", file("data", "[1,\n2]\n"));
    assert_eq!(request(&["-d", &at]).body, b"[1,\n2]\n");
    for data in ["-", "@-"] {
        let server = Server::play([Reply::no_content()]);
        let mut child = tail(&server.url("/"), &["-d", data])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(b"from stdin").unwrap();
        assert_eq!(server.request().body, b"from stdin");
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn credentials_come_from_the_flag_or_the_url_and_are_not_shown() {
    // me:se:cr@t and me:50%25off, as they are.
    for (user, value) in [("me:se:cr@t", "Basic bWU6c2U6Y3JAdA=="), ("me:50%25off", "Basic bWU6NTAlMjVvZmY=")]
    {
        assert_eq!(request(&["-u", user]).text("authorization"), Some(value));
    }
    let server = Server::play([Reply::status(403, "", "")]);
    let left = run(&server.url("/").replace("//", "//me:secret@"), &[]);
    assert_eq!(server.request().text("authorization"), Some("Basic bWU6c2VjcmV0"));
    assert!(left.err.contains("403") && !left.err.contains("secret"), "{}", left.err);
}

#[test]
fn a_query_is_not_shown_even_after_a_redirect() {
    let redirect = || Reply::status(302, "Location: /b?key=secret#secret\r\n", "");
    let server =
        Server::play([redirect(), Reply::stream("data: a\n\n"), redirect(), Reply::status(403, "", "")]);
    let left = run(&format!("{}a?key=secret", server.url("/")), &["--retry-delay", "0.01"]);
    for path in ["/a", "/b", "/a", "/b"] {
        assert_eq!(server.request().line(), format!("GET {path}?key=secret HTTP/1.1"));
    }
    assert!(left.err.contains("/b, 200 OK") && left.err.contains("/a: the server"), "{}", left.err);
    assert!(!left.err.contains("secret"), "{}", left.err);
}

#[test]
fn last_event_id_is_sent_with_the_first_request() {
    let request = request(&["--last-event-id", "é 7"]);
    // The server of this test takes the header for UTF-8, as servers of the specification do.
    assert_eq!(request.text("last-event-id"), Some("é 7"));
}

#[test]
fn invalid_arguments_are_rejected_before_anything_is_sent() {
    for arguments in [
        ["-H", "no colon"],
        ["-d", "@/no/such/file"],
        ["--max-events", "0"],
        ["-X", "G T"],
        ["--template", "{name}"],
    ] {
        let left = run("http://127.0.0.1:9/", &arguments);
        assert_eq!(left.code, Some(2), "{arguments:?}");
        assert!(left.err.contains(arguments[1]), "{}", left.err);
    }
    let left = run("ftp://127.0.0.1/", &[]);
    assert_eq!(
        left.err,
        "sse: ftp://127.0.0.1/: the request cannot be built: the scheme of the URL is `ftp`, not `http` or `https`\n"
    );
    assert_eq!(left.code, Some(2));
}

#[test]
fn a_socks_proxy_of_the_environment_is_used() {
    let proxy = Socks::listen();
    let mut command = tail("http://events.example/a", &[]);
    assert!(command.env("all_proxy", proxy.url()).status().unwrap().success(), "204");
    assert_eq!(proxy.request(), ("events.example".to_owned(), "GET /a HTTP/1.1".to_owned()));
}

#[test]
fn the_user_agent_can_be_set_or_removed() {
    assert_eq!(request(&["--user-agent", "probe/1"]).text("user-agent"), Some("probe/1"));
    assert_eq!(request(&["-A", ""]).text("user-agent"), None);
    let left = run("http://127.0.0.1:9/", &["-A", "a", "-H", "User-Agent: b"]);
    assert_eq!(left.err, "sse: -A and -H both set User-Agent; give one of them\n");
    assert_eq!(left.code, Some(2));
}
