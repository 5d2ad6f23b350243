//! `sse tail --record`, `sse parse` and `sse replay`: a stream becomes a file, and the file a
//! server.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use sse_test::{Reply, Server};

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nSet-Cookie: a=secret\r\nConnection: close\r\n\r\n\
                      : hi\n\nid: 1\ndata: one\n\nid: 2\nevent: add\ndata: two\n\n";

/// The standard output of the command.
fn sse(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_sse")).args(arguments).env("NO_PROXY", "*").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Only the lines that are events.
fn events(output: &str) -> Vec<&str> {
    output.lines().filter(|line| line.contains(r#""kind":"event""#)).collect()
}

/// Records one connection to a server that sends `STREAM`; the events that were printed, and the
/// file.
fn record(name: &str) -> (String, PathBuf) {
    let server = Server::play([Reply::raw(STREAM)]);
    let url = server.url("/?token=secret");
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let seen = sse(&["tail", "--json", "--no-reconnect", "--record", path.to_str().unwrap(), &url]);
    server.requests();
    (seen, path)
}

#[test]
fn a_recording_is_parsed_to_the_recorded_events() {
    let (seen, path) = record("parsed.jsonl");
    let parsed = sse(&["parse", "--json", path.to_str().unwrap()]);
    assert_eq!(events(&parsed).len(), 2);
    assert_eq!(events(&parsed), events(&seen));
    assert!(!std::fs::read_to_string(path).unwrap().contains("secret"));
}

#[test]
fn replay_serves_each_recorded_response_and_then_204() {
    let (seen, path) = record("replayed.jsonl");
    let mut server = Command::new(env!("CARGO_BIN_EXE_sse"))
        .args(["replay", "--speed", "0", path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").unwrap();
    let replayed = sse(&["tail", "--json", "--retry-delay", "0.01", url]);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(events(&replayed), events(&seen));
    assert!(replayed.lines().last().unwrap().contains(r#""status":204"#), "{replayed}");
}

#[test]
fn replay_refuses_files_that_are_not_recordings() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("plain");
    std::fs::write(&path, "data: x\n\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sse")).arg("replay").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 1"));
}

#[test]
fn damaged_recordings_are_errors_with_a_line_number_after_the_events_before_it() {
    let head = "{\"sse-recording\":1}\n{\"at\":0,\"head\":{\"status\":200,\"headers\":[]}}\n{\"at\":1,\"text\":\"data: x\\n\\n\"}\n";
    for (index, (damage, problem)) in [
        ("{\"at\":2,\"text\":\"da", "line 4: the recording is cut off"),
        ("{\"at\":2,\"b64\":\"?\"}\n", "line 4: `b64` is not Base64"),
        ("{\"at\":2}\n", "line 4: "),
    ]
    .into_iter()
    .enumerate()
    {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("damaged-{index}.jsonl"));
        std::fs::write(&path, format!("{head}{damage}")).unwrap();
        for (subcommand, printed) in [("parse", "message: x\n"), ("replay", "")] {
            let output = Command::new(env!("CARGO_BIN_EXE_sse")).arg(subcommand).arg(&path).output().unwrap();
            let err = String::from_utf8(output.stderr).unwrap();
            assert!(err.starts_with(&format!("sse: {}: {problem}", path.display())), "{err}");
            assert_eq!((output.status.code(), &output.stdout[..]), (Some(1), printed.as_bytes()));
        }
    }
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("later.jsonl");
    std::fs::write(&path, "{\"sse-recording\":2}\n").unwrap();
    for subcommand in ["parse", "replay"] {
        let output = Command::new(env!("CARGO_BIN_EXE_sse")).arg(subcommand).arg(&path).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stderr).contains("version 2"));
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn a_recording_has_the_end_of_the_connection_and_nothing_of_the_request() {
    let (_, path) = record("ended.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], serde_json::json!({"sse-recording": 1}));
    assert_eq!(lines[1]["head"]["status"], 200);
    assert_eq!(lines.last().unwrap()["end"], "the response ended, and the request is not sent again");
    assert!(!text.contains("secret") && !text.contains("127.0.0.1"), "{text}");
}

#[test]
fn a_recording_is_recognised_in_a_pipe_that_gives_one_byte_at_a_time() {
    let (seen, path) = record("piped.jsonl");
    let mut child = Command::new(env!("CARGO_BIN_EXE_sse"))
        .args(["parse", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for byte in std::fs::read(path).unwrap() {
        stdin.write_all(&[byte]).unwrap();
        stdin.flush().unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(events(&String::from_utf8(output.stdout).unwrap()), events(&seen));
}
