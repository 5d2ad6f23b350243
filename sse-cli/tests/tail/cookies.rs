//! `--cookie-jar`: cookies across reconnections, redirects and runs.

use std::path::{Path, PathBuf};

use sse_test::{Reply, Server};

use crate::run;

fn jar(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::remove_file(&path).ok();
    path
}

fn with_cookie(cookie: &str, body: &str) -> Reply {
    Reply::status(200, &format!("Content-Type: text/event-stream\r\nSet-Cookie: {cookie}\r\n"), body)
}

#[test]
fn cookies_are_kept_across_reconnections_and_runs() {
    let path = jar("jar");
    let arguments = ["--cookie-jar", path.to_str().unwrap(), "--retry-delay", "0.01"];
    let server = Server::play([
        with_cookie("a=1; Max-Age=1000; HttpOnly", "data: x\n\n"),
        with_cookie("b=2", "data: x\n\n"),
        Reply::no_content(),
        Reply::no_content(),
    ]);
    assert_eq!(run(&server.url("/"), &arguments).code, Some(0));
    let sent = [(); 3].map(|()| server.request().text("cookie").map(str::to_owned));
    assert_eq!(sent[..2], [None, Some("a=1".to_owned())]);
    let both = |header: Option<&str>| {
        let mut cookies: Vec<_> = header.unwrap().split("; ").collect();
        cookies.sort_unstable();
        assert_eq!(cookies, ["a=1", "b=2"]);
    };
    both(sent[2].as_deref());
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# Netscape HTTP Cookie File\n"), "{text}");
    assert!(text.contains("#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t"), "{text}");
    assert!(text.contains("\n127.0.0.1\tFALSE\t/\tFALSE\t0\tb\t2\n"), "{text}");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(run(&server.url("/"), &arguments).code, Some(0));
    both(server.request().text("cookie"));
}

#[test]
fn a_jar_of_curl_is_read_and_a_refused_response_still_changes_it() {
    let path = jar("curl");
    std::fs::write(&path, "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\told\t1\n").unwrap();
    let server =
        Server::play([Reply::status(401, "Set-Cookie: new=2\r\nSet-Cookie: old=; Max-Age=0\r\n", "")]);
    let left = run(&server.url("/"), &["--cookie-jar", path.to_str().unwrap()]);
    assert_eq!(left.code, Some(3));
    assert_eq!(server.request().text("cookie"), Some("old=1"));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\tnew\t2\n") && !text.contains("\told\t"), "{text}");
}

#[test]
fn cookies_of_a_redirect_are_sent_to_its_target() {
    let path = jar("redirect");
    let server = Server::play([
        Reply::status(302, "Location: /\r\nSet-Cookie: session=1\r\n", ""),
        Reply::stream("data: x\n\n"),
    ]);
    let left =
        run(&server.url("/"), &["--cookie-jar", path.to_str().unwrap(), "--no-reconnect", "--data-only"]);
    assert_eq!((left.out.as_str(), left.code), ("x\n", Some(0)), "{}", left.err);
    server.request();
    assert_eq!(server.request().text("cookie"), Some("session=1"));
}

#[test]
fn a_jar_that_cannot_be_used_is_an_error_before_the_request() {
    let path = jar("bad");
    std::fs::write(&path, "# comment\n{\"cookies\": []}\n").unwrap();
    for (name, problem) in
        [(path.to_str().unwrap(), "line 2 is not a cookie"), ("/no/such/directory/jar", "No such")]
    {
        let left = run("http://127.0.0.1:9/", &["--cookie-jar", name]);
        assert!(
            left.err.starts_with(&format!("sse: {name}: ")) && left.err.contains(problem),
            "{}",
            left.err
        );
        assert_eq!(left.code, Some(1));
    }
    assert!(std::fs::read_to_string(&path).unwrap().contains("cookies"), "the file is not changed");
}
