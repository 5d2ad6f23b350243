//! When `sse tail` reconnects.

use sse_test::{Reply, Server};

use crate::run;

/// The kinds of the lines of JSON.
fn kinds(left: &crate::Left) -> Vec<String> {
    left.json().iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect()
}

// 9.2.3: reconnection sends `Last-Event-ID`.
#[test]
fn reconnection_resumes_after_the_last_event() {
    let server = Server::play([
        Reply::stream("retry: 10\nid: 1\ndata: one\n\nid: 2\ndata: cut"),
        Reply::stream("id: 2\ndata: two\n\n"),
        Reply::no_content(),
    ]);
    let left = run(&server.url("/"), &[]);
    assert_eq!(left.out, "message #1: one\nmessage #2: two\n");
    let ids = [(); 3].map(|()| server.request().text("last-event-id").map(str::to_owned));
    assert_eq!(ids.map(Option::unwrap_or_default), ["", "1", "2"]);
    assert!(left.err.contains(" 1 reconnection, "), "{}", left.err);
}

#[test]
fn max_retries_limits_failed_attempts() {
    let server = Server::play([]);
    let left = run(&server.url("/"), &["--json", "--max-retries", "2", "--retry-delay", "0.01"]);
    assert_eq!(kinds(&left), ["disconnected", "disconnected", "closed"]);
    let lines = left.json();
    assert_eq!((&lines[0]["attempt"], &lines[1]["attempt"]), (&1.into(), &2.into()));
    for (line, delays) in lines.iter().zip([5..=10, 10..=20]) {
        let delay = line["delay_ms"].as_u64().unwrap();
        assert!(delays.contains(&delay), "{delay} is not in {delays:?}");
        assert!(line["cause"].as_str().unwrap().contains("refused"), "{line}");
    }
    assert!(
        left.err.contains("gave up after 2 reconnection attempts") && left.err.contains("refused"),
        "{}",
        left.err
    );
    assert_eq!(left.code, Some(1));
}

#[test]
fn a_status_is_final_unless_retry_status_names_it() {
    let busy = || Reply::status(503, "Retry-After: 0\r\n", "busy");
    let server = Server::play([busy(), busy(), Reply::stream("data: one\n\n")]);
    let left = run(&server.url("/"), &["--retry-delay", "0.01"]);
    assert!(left.err.contains("status 503 instead of 200: busy"), "{}", left.err);
    assert_eq!(left.code, Some(3));
    let left =
        run(&server.url("/"), &["--json", "--retry-status", "--retry-delay", "0.01", "--max-events", "1"]);
    assert_eq!(kinds(&left), ["disconnected", "open", "event", "closed"]);
    assert_eq!(left.json()[0]["status"], 503);
    assert_eq!(left.code, Some(0));
}

// The server answered, so the exit code is 3, not the 1 of a lost connection.
#[test]
fn a_status_that_is_retried_in_vain_has_the_exit_code_of_a_refusal() {
    let busy = || Reply::status(503, "Retry-After: 0\r\n", "busy");
    let server = Server::play([busy(), busy(), busy()]);
    for options in [&["--max-retries", "1"][..], &["--no-reconnect"]] {
        let left = run(&server.url("/"), &[options, &["--retry-status", "--retry-delay", "0.01"]].concat());
        assert!(left.err.contains("status 503"), "{}", left.err);
        assert_eq!(left.code, Some(3), "{options:?}");
    }
}

#[test]
fn a_post_is_sent_once_unless_repeat_says_otherwise() {
    let answer = |data| Reply::stream(format!("retry: 10\ndata: {data}\n\n"));
    let server = Server::play([answer("one"), answer("two"), answer("three")]);
    let left = run(&server.url("/"), &["-d", "{}"]);
    assert_eq!(left.out, "message: one\n");
    assert_eq!(left.code, Some(0));
    let left = run(&server.url("/"), &["-d", "{}", "--repeat", "always", "--max-events", "2"]);
    assert!(left.out.contains("two") && left.out.contains("three"), "{}", left.out);
    let requests = [(); 3].map(|()| server.request());
    assert!(requests.iter().all(|request| request.line().starts_with("POST") && request.body == b"{}"));
}

#[test]
fn without_reconnection_the_command_ends_with_the_response() {
    let server = Server::play([Reply::stream("data: one\n\n"), Reply::stream("data: never requested\n\n")]);
    let left = run(&server.url("/"), &["--no-reconnect"]);
    assert_eq!((left.out.as_str(), left.code), ("message: one\n", Some(0)));
    server.request();
    assert_eq!(server.further_requests(), 0);
}

#[test]
fn a_response_that_breaks_off_and_is_not_repeated_is_a_failure() {
    let cut =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100\r\n\r\ndata: one\n\n";
    let server = Server::play([Reply::raw(cut)]);
    let left = run(&server.url("/"), &["--no-reconnect"]);
    assert_eq!((left.out.as_str(), left.code), ("message: one\n", Some(1)));
    assert!(left.err.contains("the connection failed"), "{}", left.err);
}

#[test]
fn timeouts_for_silence_and_for_events_end_a_connection() {
    for (flag, cause) in [
        ("--timeout", "the server fell silent (--timeout)"),
        ("--event-timeout", "no event came in time (--event-timeout)"),
    ] {
        let silent = Reply::stream("retry: 10\n: alive\n\n").hold();
        let server = Server::play([silent, Reply::no_content()]);
        let left = run(&server.url("/"), &["--json", flag, "0.1"]);
        let lines = left.json();
        let lost = lines.iter().find(|line| line["kind"] == "disconnected").unwrap();
        assert_eq!(lost["cause"], cause);
        assert_eq!(left.code, Some(0));
    }
}

#[test]
fn a_response_has_to_begin_in_time() {
    let server = Server::play([Reply::raw("").hold()]);
    let left = run(&server.url("/"), &["--head-timeout", "0.1", "--max-retries", "0"]);
    assert!(left.err.contains("no response came in time (--head-timeout)"), "{}", left.err);
    assert_eq!(left.code, Some(1));
}
