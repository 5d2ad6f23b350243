//! `sse bench` on `sse serve`, and on hubs that deliberately lose, repeat, reorder and cut.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

mod hub;
mod parse;
#[path = "../server/mod.rs"]
mod server;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Output};

use hub::{State, hub, whole};
use serde_json::Value;
use server::Server;

const HTTP_1_0: &str = "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n:hi\n\r\n";

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sse")).arg("bench").args(arguments).output().unwrap()
}

/// Exit code and report of a short measurement that publishes to the URL that it follows.
fn measure(url: &str, arguments: &[&str]) -> (Option<i32>, Value) {
    let fixed = [url, "--publish", url, "--json", "-n", "3", "--seconds", "0.2"];
    let output = bench(&[&fixed[..], arguments].concat());
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code(), report)
}

/// Exit code and message of a run that fails before it measures.
fn refusal(arguments: &[&str]) -> (Option<i32>, String) {
    let output = bench(arguments);
    assert!(output.stdout.is_empty(), "{output:?}");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn count(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("{name}: {report}"))
}

/// Every event reached each of three subscribers.
fn is_complete(report: &Value) -> bool {
    let published = count(report, "published");
    published > 0 && count(report, "deliveries") == 3 * published && report["faults"] == serde_json::json!([])
}

#[test]
fn every_event_of_sse_serve_arrives_by_single_requests_by_batches_and_at_a_rate() {
    let server = Server::start(&["--publish-token", "secret"]);
    let url = format!("http://{}/events/a", server.address);
    for arguments in [&["--burst", "8"][..], &["--burst", "70", "--hub", "sse"], &["--rate", "200"]] {
        let (code, report) = measure(&url, &[arguments, &["--token", "secret"]].concat());
        assert_eq!((code, is_complete(&report)), (Some(0), true), "{arguments:?} {report}");
        assert!(report["latency_ms"]["p50"].as_f64() <= report["latency_ms"]["max"].as_f64());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn cpu_and_memory_of_a_process_are_reported() {
    let server = Server::start(&["--anyone-may-publish"]);
    let url = format!("http://{}/events/a", server.address);
    let (code, report) = measure(&url, &["--pid", &server.child.id().to_string()]);
    assert_eq!(code, Some(0));
    assert!(count(&report["server"], "memory_connected") > 1 << 20, "{report}");
    let (code, message) = refusal(&[&url, "--pid", "999999999"]);
    assert_eq!((code, message.contains("--pid")), (Some(1), true), "{message}");
}

#[test]
fn a_token_that_the_hub_refuses_is_named_with_its_answer() {
    let server = Server::start(&["--publish-token", "secret"]);
    let url = format!("http://{}/events/a", server.address);
    let (code, message) = refusal(&[&url, "--publish", &url, "--token", "wrong"]);
    assert_eq!((code, message.contains("status 401")), (Some(1), true), "{message}");
}

#[test]
fn chunked_and_http_1_0_bodies_are_read() {
    fn chunked(_: &mut State, event: String, stream: &mut TcpStream) -> std::io::Result<()> {
        let (one, other) = event.split_at(20);
        write!(stream, "{:x}\r\n{one}\r\n{:X};x=y\r\n{other}\r\n", one.len(), other.len())
    }
    for url in [hub(HTTP_1_0, whole), hub(CHUNKED, chunked)] {
        let (code, report) = measure(&url, &["--burst", "5"]);
        assert_eq!((code, is_complete(&report)), (Some(0), true), "{report}");
    }
}

#[test]
fn the_marker_is_found_where_a_hub_wraps_the_data() {
    let wrap = |_: &mut State, event: String, stream: &mut TcpStream| {
        let data = event.trim().trim_start_matches("data: ").to_owned();
        write!(stream, "event: x\ndata: {{\"text\":\ndata: \"é {data}\"}}\nid: 7\n\n")
    };
    let (code, report) = measure(&hub(HTTP_1_0, wrap), &["--template", "<{data}>"]);
    assert_eq!((code, is_complete(&report)), (Some(0), true), "{report}");
}

#[test]
fn lost_events_are_found() {
    let lose = |state: &mut State, event: String, stream: &mut TcpStream| {
        if state.seen % 10 == 5 { Ok(()) } else { stream.write_all(event.as_bytes()) }
    };
    let (code, report) = measure(&hub(HTTP_1_0, lose), &["--burst", "40", "--patience", "1"]);
    assert_eq!((code, &report["faults"]), (Some(1), &serde_json::json!(["lost"])), "{report}");
    let (lost, published) = (count(&report, "lost"), count(&report, "published"));
    assert_eq!(lost, 3 * published / 10, "{report}");
    assert_eq!(count(&report, "deliveries") + lost, 3 * published);
}

#[test]
fn repeated_events_are_found() {
    let repeat = |state: &mut State, event: String, stream: &mut TcpStream| {
        stream.write_all(event.repeat(if state.seen % 10 == 5 { 2 } else { 1 }).as_bytes())
    };
    let (code, report) = measure(&hub(HTTP_1_0, repeat), &["--burst", "40"]);
    assert_eq!((code, &report["faults"]), (Some(1), &serde_json::json!(["repeated"])), "{report}");
    assert_eq!(count(&report, "repeated"), 3 * count(&report, "published") / 10);
}

#[test]
fn events_out_of_order_are_found_and_not_lost() {
    let reorder = |state: &mut State, event: String, stream: &mut TcpStream| {
        if state.seen % 10 == 5 {
            state.kept = Some(event);
            return Ok(());
        }
        stream.write_all((event + &state.kept.take().unwrap_or_default()).as_bytes())
    };
    let (code, report) = measure(&hub(HTTP_1_0, reorder), &["--burst", "40"]);
    assert_eq!((code, &report["faults"]), (Some(1), &serde_json::json!(["out_of_order"])), "{report}");
    assert_eq!(count(&report, "out_of_order"), 3 * count(&report, "published") / 10);
}

#[test]
fn subscribers_that_the_hub_cuts_off_are_counted_and_what_they_miss_is_lost() {
    let cut = |state: &mut State, event: String, stream: &mut TcpStream| {
        if state.seen == 5 {
            stream.write_all(&event.as_bytes()[..10])?;
            stream.shutdown(Shutdown::Both)?;
        }
        stream.write_all(event.as_bytes())
    };
    let (code, report) = measure(&hub(HTTP_1_0, cut), &["--burst", "10"]);
    assert_eq!((code, &report["faults"]), (Some(1), &serde_json::json!(["lost", "cut"])), "{report}");
    assert_eq!((count(&report, "cut"), count(&report, "deliveries")), (3, 3 * 4), "{report}");
}

#[test]
fn a_hub_that_ends_the_response_cuts_its_subscribers_off() {
    let end = |state: &mut State, event: String, stream: &mut TcpStream| match state.seen {
        0 => write!(stream, "{:x}\r\n{event}\r\n", event.len()),
        _ => stream.write_all(b"0\r\n\r\n"),
    };
    let (code, report) = measure(&hub(CHUNKED, end), &[]);
    assert_eq!((code, count(&report, "cut")), (Some(1), 3), "{report}");
    assert_eq!(report["cut_reason"], "the server ended the response");
}

#[test]
fn addresses_beyond_loopback_need_remote_for_subscribers_and_for_the_publisher() {
    let local = "http://127.0.0.1:9/";
    for arguments in [&["http://192.0.2.1/"][..], &[local, "--publish", "http://192.0.2.1/"]] {
        let (code, message) = refusal(arguments);
        assert_eq!((code, message.contains("--remote")), (Some(2), true), "{message}");
    }
    let (code, message) = refusal(&["https://127.0.0.1/"]);
    assert_eq!((code, message.contains("plain HTTP")), (Some(2), true), "{message}");
}

#[test]
fn a_server_that_never_answers_or_does_not_exist_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (code, message) = refusal(&[&url, "--patience", "0.2"]);
    assert_eq!((code, message.contains("0 of 100 subscribers connected")), (Some(1), true), "{message}");
    drop(listener);
    let (code, message) = refusal(&[&url]);
    assert_eq!((code, message.contains("refused")), (Some(1), true), "{message}");
}

#[test]
fn a_response_that_is_not_an_event_stream_exits_with_3() {
    for head in [
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
    ] {
        let (code, message) = refusal(&[&hub(head, whole)]);
        assert_eq!((code, message.contains("not an event stream")), (Some(3), true), "{message}");
    }
}

#[test]
fn publishing_to_another_topic_is_found_before_the_measurement() {
    let server = Server::start(&["--anyone-may-publish"]);
    let [one, other] = ["a", "b"].map(|topic| format!("http://{}/events/{topic}", server.address));
    let (code, message) = refusal(&[&one, "--publish", &other, "--patience", "0.2"]);
    assert_eq!((code, message.contains("does --publish publish")), (Some(1), true), "{message}");
}

#[test]
fn without_a_publisher_events_of_others_are_counted() {
    let server = Server::start(&["--anyone-may-publish"]);
    let url = format!("http://{}/events/a", server.address);
    let publishing = url.clone();
    // Publishes until the test is over.
    std::thread::spawn(move || {
        loop {
            bench(&[&publishing, "--publish", &publishing, "-n", "1", "--seconds", "0.5"]);
        }
    });
    loop {
        let output = bench(&[&url, "--json", "-n", "2", "--seconds", "0.3"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), &report["published"]), (Some(0), &Value::Null), "{report}");
        if count(&report, "deliveries") > 0 {
            break;
        }
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_measurement_with_its_report() {
    let server = Server::start(&["--anyone-may-publish"]);
    let url = format!("http://{}/events/a", server.address);
    // Joins first, so that it sees that the measurement goes on, and with it that signals are
    // handled.
    let mut follower = TcpStream::connect(&server.address).unwrap();
    write!(follower, "GET /events/a HTTP/1.1\r\nHost: {}\r\n\r\n", server.address).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_sse"))
        .args(["bench", &url, "--publish", &url, "-n", "2", "--seconds", "1000", "--json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower).lines().map(Result::unwrap);
    assert_eq!(lines.by_ref().filter(|line| line.contains("sseb.")).take(3).count(), 3);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let deliveries = count(&report, "deliveries");
    assert_eq!((output.status.code(), deliveries), (Some(0), 2 * count(&report, "published")), "{report}");
}
