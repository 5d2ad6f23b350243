//! `sse check` against servers with known faults, and good ones.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::Duration;

use sse_test::{Reply, Request, Server};

mod server;

const HEADERS: &str = "Content-Type: text/event-stream\r\n\
                       Cache-Control: no-cache, no-transform\r\nX-Accel-Buffering: no\r\n";

/// Answers every request by `answer`, and returns the URL.
fn serve(answer: fn(&Request) -> Reply) -> String {
    Server::answer(answer).url("/events")
}

/// A stream that has no fault so far, with these headers besides the good ones.
fn good(headers: &str, body: impl AsRef<[u8]>) -> Reply {
    Reply::response(200, &format!("{HEADERS}{headers}"), body)
}

/// A good stream of these bytes, and then nothing until the client hangs up.
fn stay(body: impl AsRef<[u8]>) -> Reply {
    good("", body).hold()
}

/// The same bytes over and over, until the client hangs up.
fn flood(start: &str, piece: impl AsRef<[u8]>) -> Reply {
    good("", start).repeat(piece, Duration::ZERO)
}

/// The number that the request resumes after.
fn last_event_id(request: &Request) -> Option<u64> {
    request.text("last-event-id")?.parse().ok()
}

/// Runs the check; its exit code and its report.
fn check(url: &str, arguments: &[&str]) -> (Option<i32>, serde_json::Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_sse"))
        .args(["check", "--json", "--patience", "3", url])
        .args(arguments)
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

fn faults(report: &serde_json::Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["level"] == "fault")
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

/// Twenty events with IDs that count from `first` on; then the stream stays open until the client
/// hangs up.
fn count(first: u64) -> Reply {
    stay((first..first + 20).map(|n| format!("id: {n}\ndata: {n}\n\n")).collect::<String>())
}

#[test]
fn a_server_that_replays_has_no_fault() {
    let url = serve(|request| match &*request.method {
        "GET" => count(last_event_id(request).unwrap_or(0) + 1),
        _ => good("Content-Length: 0\r\n", ""),
    });
    let (code, report) = check(&url, &[]);
    assert_eq!((code, &report["ok"]), (Some(0), &true.into()), "{report:#}");
    let resume =
        report["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "resume").unwrap();
    assert_eq!(resume["level"], "pass");
}

#[test]
fn sse_serve_has_no_fault() {
    let server = server::Server::start(&[]);
    let (code, report) = check(&format!("http://{}/events/quiet", server.address), &[]);
    assert_eq!(code, Some(0), "{report:#}");
}

#[test]
fn an_event_lost_after_a_resumption_is_a_fault() {
    let url = serve(|request| count(last_event_id(request).map_or(1, |id| id + 2)));
    let (code, report) = check(&url, &[]);
    assert_eq!((code, faults(&report)), (Some(1), vec!["lost-after-resume"]), "{report:#}");
}

#[test]
fn a_content_coding_without_a_request_for_it_is_a_fault() {
    let url = serve(|_| good("Content-Encoding: gzip\r\n", "\x1f"));
    let (code, report) = check(&url, &[]);
    assert_eq!(code, Some(1));
    assert!(faults(&report).contains(&"content-coding"), "{report:#}");
}

#[test]
fn framing_faults_are_named_and_escaped() {
    let url = serve(|_| good("", "Date : \x1b[31m\ndata: x\n\nid: a\0\ndata: y\n\ndata: cut"));
    let (code, report) = check(&url, &[]);
    assert_eq!(code, Some(1));
    let mut codes = faults(&report);
    codes.sort_unstable();
    assert_eq!(codes, ["field-name", "id-nul", "unterminated"], "{report:#}");
}

#[test]
fn a_body_is_sent_once_and_a_refusal_is_a_fault() {
    let url = serve(|request| Reply::status(if request.method == "POST" { 401 } else { 500 }, "", ""));
    let (code, report) = check(&url, &["-d", "{}"]);
    assert_eq!((code, faults(&report)), (Some(1), vec!["status"]), "{report:#}");
    assert!(report["findings"][0]["message"].as_str().unwrap().contains("401"), "{report:#}");
}

#[test]
fn a_server_that_cannot_be_reached_is_a_fault_without_secrets() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (code, report) = check(&format!("http://me:secret@127.0.0.1:{port}/?token=secret"), &[]);
    assert_eq!((code, faults(&report)), (Some(1), vec!["unreachable"]));
    assert!(!report.to_string().contains("secret"), "{report:#}");
}

#[test]
fn junit_has_a_test_case_for_every_finding() {
    let url = serve(|_| Reply::no_content());
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("check.xml");
    let (code, _) = check(&url, &["--junit", path.to_str().unwrap()]);
    let xml = std::fs::read_to_string(path).unwrap();
    assert_eq!(code, Some(1));
    assert!(xml.contains("failures=\"1\"") && xml.contains("the status is 204"), "{xml}");
}

/// Runs `sse check` with these arguments; its exit code and standard output.
fn sse(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sse")).arg("check").args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn sse_tail_passes_every_scenario() {
    let client = env!("CARGO_BIN_EXE_sse");
    let (code, text) =
        sse(&["--client", "--events", "json", "--section", "9.2.3", "--", client, "tail", "--json", "{url}"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(" passed, 0 failed"), "{text}");
}

#[test]
fn a_client_that_never_comes_back_fails() {
    let client = env!("CARGO_BIN_EXE_sse");
    let scenario = ["--client", "--json", "--filter", "end-of-body-reconnects"];
    let (code, text) = sse(&[&scenario[..], &["--", client, "tail", "--no-reconnect", "{url}"]].concat());
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &report["failed"]), (Some(1), &1.into()));
    let failure = report["scenarios"][0]["failure"].as_str().unwrap();
    assert!(failure.contains("did not come back") && failure.contains("the command ended"), "{failure}");
}

#[test]
fn a_client_needs_a_place_for_the_url() {
    assert_eq!(sse(&["--client", "--", "true"]).0, Some(2));
    assert_eq!(sse(&["--client"]).0, Some(2));
    assert_eq!(sse(&[]).0, Some(2));
}

#[test]
fn a_parser_that_differs_is_shown_with_a_small_stream() {
    let command = env!("CARGO_BIN_EXE_sse");
    let (code, text) = sse(&["--parser", "--seconds", "0.1", "--", command, "parse", "--json"]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = sse(&["--parser", "--", "true"]);
    let stream = text.lines().find_map(|line| line.trim().strip_prefix("stream:")).unwrap().trim();
    assert_eq!(code, Some(1), "{text}");
    assert!(
        stream.starts_with("data") && stream.len() < 16,
        "the smallest event is a data line and a blank one: {text}"
    );
}

/// A fault of a server, and the codes that name it.
struct Kind {
    name: &'static str,
    answer: fn(&Request) -> Reply,
    codes: &'static [&'static str],
}

const KINDS: &[Kind] = &[
    Kind { name: "no line end", answer: |_| stay("data: x"), codes: &["no-blank-line"] },
    Kind { name: "blanks", answer: |_| stay("data: x\n \n"), codes: &["no-blank-line"] },
    Kind { name: "half an event", answer: |_| stay("data: x\n\ndata: y"), codes: &["held-back"] },
    Kind {
        name: "a line without end",
        answer: |_| flood("data: ", [b'x'; 1 << 16]),
        codes: &["unterminated"],
    },
    Kind {
        name: "a head without end",
        answer: |_| Reply::raw("HTTP/1.1 200 OK\r\n").repeat("X-More: yes\r\n".repeat(1000), Duration::ZERO),
        codes: &["bad-response"],
    },
    Kind {
        name: "control characters in a header",
        answer: |_| good("Server: \x1b[31m\r\n", ""),
        codes: &["bad-response"],
    },
    Kind { name: "no HTTP", answer: |_| Reply::raw("data: x\n\n"), codes: &["bad-response"] },
    Kind { name: "no answer", answer: |_| Reply::raw("").hold(), codes: &["no-head"] },
    Kind { name: "redirects without end", answer: |_| Reply::redirect(302, "/again"), codes: &["redirect"] },
    Kind {
        name: "a refusal of returning clients",
        answer: |request| last_event_id(request).map_or_else(|| count(1), |_| Reply::status(400, "", "")),
        codes: &["resume"],
    },
    Kind {
        name: "HTML for returning clients",
        answer: |request| {
            last_event_id(request).map_or_else(|| count(1), |_| Reply::of_type("text/html", ""))
        },
        codes: &["resume"],
    },
    Kind { name: "gzip without a word", answer: |_| stay(b"\x1f\x8b\x08\0\0\0"), codes: &["content-coding"] },
    Kind { name: "UTF-16", answer: |_| stay("d\0a\0t\0a\0:\0x\0\n\0\n\0"), codes: &["utf-8"] },
    // Advice is not a fault.
    Kind { name: "events without end", answer: |_| flood("", "id: 7\ndata: x\n\n"), codes: &[] },
    Kind { name: "line ends without end", answer: |_| flood("", [b'\n'; 1 << 16]), codes: &[] },
    Kind { name: "an empty response", answer: |_| good("", ""), codes: &[] },
    Kind { name: "a doubled event", answer: |_| stay("id: 1\ndata: x\n\nid: 1\ndata: x\n\n"), codes: &[] },
];

#[test]
fn each_kind_of_fault_is_named_and_no_other() {
    thread::scope(|scope| {
        for Kind { name, answer, codes } in KINDS {
            scope.spawn(move || {
                let (code, report) = check(&serve(*answer), &[]);
                assert_eq!(faults(&report), *codes, "{name}: {report:#}");
                assert_eq!(code, Some(i32::from(!codes.is_empty())), "{name}");
            });
        }
    });
}

#[test]
fn a_server_that_echoes_credentials_puts_none_into_a_report() {
    let url = serve(|request| {
        let echoed = request.text("authorization").unwrap_or_default();
        stay(format!("id: {echoed}\nretry: {echoed}\n{echoed}\ndata: {echoed}\n\n"))
    });
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("echo.xml");
    let secret = ["-H", "Authorization: Bearer sk-0123456789", "--junit", path.to_str().unwrap()];
    let (_, report) = check(&format!("{url}?token=sk-0123456789"), &secret);
    assert!(report.to_string().contains("[hidden]"), "{report:#}");
    for text in [report.to_string(), std::fs::read_to_string(path).unwrap()] {
        assert!(!text.contains("sk-0123456789"), "{text}");
    }
}
