//! `sse check` against servers with known faults, and good ones.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

mod server;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                    Cache-Control: no-cache, no-transform\r\nX-Accel-Buffering: no\r\nConnection: close\r\n";

/// A request: its first line, its `Last-Event-ID` and its `Authorization`.
struct Request {
    line: String,
    last_event_id: Option<u64>,
    authorization: String,
}

/// Serves every connection by `answer`, and returns the URL.
fn serve(answer: fn(&Request, &mut TcpStream) -> std::io::Result<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let line = lines.next().unwrap().unwrap();
                let mut request = Request { line, last_event_id: None, authorization: String::new() };
                for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
                    match line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value)) {
                        Some((name, value)) if name == "last-event-id" => {
                            request.last_event_id = value.parse().ok()
                        }
                        Some((name, value)) if name == "authorization" => {
                            value.clone_into(&mut request.authorization)
                        }
                        _ => {}
                    }
                }
                let _ = answer(&request, &mut stream);
            });
        }
    });
    url
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
fn count(stream: &mut TcpStream, first: u64) -> std::io::Result<()> {
    let events: String = (first..first + 20).map(|n| format!("id: {n}\ndata: {n}\n\n")).collect();
    stream.write_all(format!("{HEAD}\r\n{events}").as_bytes())?;
    stream.read(&mut [0]).map(drop)
}

#[test]
fn a_server_that_replays_has_no_fault() {
    let url = serve(|request, stream| match request.line.starts_with("GET") {
        true => count(stream, request.last_event_id.unwrap_or(0) + 1),
        false => stream.write_all(format!("{HEAD}Content-Length: 0\r\n\r\n").as_bytes()),
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
    let url = serve(|request, stream| count(stream, request.last_event_id.map_or(1, |id| id + 2)));
    let (code, report) = check(&url, &[]);
    assert_eq!((code, faults(&report)), (Some(1), vec!["lost-after-resume"]), "{report:#}");
}

#[test]
fn a_content_coding_without_a_request_for_it_is_a_fault() {
    let url =
        serve(|_, stream| stream.write_all(format!("{HEAD}Content-Encoding: gzip\r\n\r\n\x1f").as_bytes()));
    let (code, report) = check(&url, &[]);
    assert_eq!(code, Some(1));
    assert!(faults(&report).contains(&"content-coding"), "{report:#}");
}

#[test]
fn framing_faults_are_named_and_escaped() {
    let url = serve(|_, stream| {
        stream.write_all(
            format!("{HEAD}\r\nDate : \x1b[31m\ndata: x\n\nid: a\0\ndata: y\n\ndata: cut").as_bytes(),
        )
    });
    let (code, report) = check(&url, &[]);
    assert_eq!(code, Some(1));
    let mut codes = faults(&report);
    codes.sort_unstable();
    assert_eq!(codes, ["field-name", "id-nul", "unterminated"], "{report:#}");
}

#[test]
fn a_body_is_sent_once_and_a_refusal_is_a_fault() {
    let url = serve(|request, stream| {
        let status = if request.line.starts_with("POST") { "401 Unauthorized" } else { "500 Twice" };
        stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes())
    });
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
    let url = serve(|_, stream| stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n"));
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
    answer: fn(&Request, &mut TcpStream) -> std::io::Result<()>,
    codes: &'static [&'static str],
}

/// A good head, these bytes, and then nothing until the client hangs up.
fn stay(stream: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
    stream.write_all(format!("{HEAD}\r\n").as_bytes())?;
    stream.write_all(body)?;
    stream.read(&mut [0]).map(drop)
}

/// The same bytes over and over, until the client hangs up.
fn flood(stream: &mut TcpStream, begin: &str, piece: &[u8]) -> std::io::Result<()> {
    stream.write_all(format!("{HEAD}\r\n{begin}").as_bytes())?;
    loop {
        stream.write_all(piece)?;
    }
}

const KINDS: &[Kind] = &[
    Kind { name: "no line end", answer: |_, stream| stay(stream, b"data: x"), codes: &["no-blank-line"] },
    Kind { name: "blanks", answer: |_, stream| stay(stream, b"data: x\n \n"), codes: &["no-blank-line"] },
    Kind {
        name: "half an event",
        answer: |_, stream| stay(stream, b"data: x\n\ndata: y"),
        codes: &["held-back"],
    },
    Kind {
        name: "a line without end",
        answer: |_, stream| flood(stream, "data: ", &[b'x'; 1 << 16]),
        codes: &["unterminated"],
    },
    Kind {
        name: "a head without end",
        answer: |_, stream| loop {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            stream.write_all(&b"X-More: yes\r\n".repeat(1000))?;
        },
        codes: &["bad-response"],
    },
    Kind {
        name: "control characters in a header",
        answer: |_, stream| stream.write_all(format!("{HEAD}Server: \x1b[31m\r\n\r\n").as_bytes()),
        codes: &["bad-response"],
    },
    Kind { name: "no HTTP", answer: |_, stream| stream.write_all(b"data: x\n\n"), codes: &["bad-response"] },
    Kind { name: "no answer", answer: |_, stream| stream.read(&mut [0]).map(drop), codes: &["no-head"] },
    Kind {
        name: "redirects without end",
        answer: |_, stream| {
            stream.write_all(
                b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            )
        },
        codes: &["redirect"],
    },
    Kind {
        name: "a refusal of returning clients",
        answer: |request, stream| match request.last_event_id {
            Some(_) => stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            None => count(stream, 1),
        },
        codes: &["resume"],
    },
    Kind {
        name: "HTML for returning clients",
        answer: |request, stream| {
            match request.last_event_id {
        Some(_) => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        None => count(stream, 1),
    }
        },
        codes: &["resume"],
    },
    Kind {
        name: "gzip without a word",
        answer: |_, stream| stay(stream, b"\x1f\x8b\x08\0\0\0"),
        codes: &["content-coding"],
    },
    Kind {
        name: "UTF-16",
        answer: |_, stream| stay(stream, b"d\0a\0t\0a\0:\0x\0\n\0\n\0"),
        codes: &["utf-8"],
    },
    // Advice is not a fault.
    Kind {
        name: "events without end",
        answer: |_, stream| flood(stream, "", b"id: 7\ndata: x\n\n"),
        codes: &[],
    },
    Kind {
        name: "line ends without end",
        answer: |_, stream| flood(stream, "", &[b'\n'; 1 << 16]),
        codes: &[],
    },
    Kind {
        name: "an empty response",
        answer: |_, stream| stream.write_all(format!("{HEAD}\r\n").as_bytes()),
        codes: &[],
    },
    Kind {
        name: "a doubled event",
        answer: |_, stream| stay(stream, b"id: 1\ndata: x\n\nid: 1\ndata: x\n\n"),
        codes: &[],
    },
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
    let url = serve(|request, stream| {
        let echoed = &request.authorization;
        stay(stream, format!("id: {echoed}\nretry: {echoed}\n{echoed}\ndata: {echoed}\n\n").as_bytes())
    });
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("echo.xml");
    let secret = ["-H", "Authorization: Bearer sk-0123456789", "--junit", path.to_str().unwrap()];
    let (_, report) = check(&format!("{url}?token=sk-0123456789"), &secret);
    assert!(report.to_string().contains("[hidden]"), "{report:#}");
    for text in [report.to_string(), std::fs::read_to_string(path).unwrap()] {
        assert!(!text.contains("sk-0123456789"), "{text}");
    }
}
