//! Tests of how the command ends: by signals, and by a closed output pipe.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use sse_test::{Reply, Server};

use crate::{run, tail};

fn spawn(url: &str, arguments: &[&str]) -> (Child, impl BufRead + use<>) {
    let mut child = tail(url, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    (child, stdout)
}

fn line(mut from: impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line
}

fn rest(from: &mut Child) -> (String, Option<i32>) {
    let mut err = String::new();
    from.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (err, from.wait().unwrap().code())
}

#[test]
fn a_signal_ends_the_command_with_a_summary_and_exit_code_0() {
    for signal in ["-INT", "-TERM"] {
        let server = Server::play([Reply::stream("data: one\n\n").hold()]);
        let (mut child, mut stdout) = spawn(&server.url("/"), &["--json"]);
        assert_eq!(line(&mut stdout), "{\"kind\":\"open\",\"status\":200}\n");
        assert!(line(&mut stdout).contains("\"one\""), "an event is shown when it comes");
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        assert_eq!(line(&mut stdout), "{\"kind\":\"closed\",\"cause\":\"interrupted\"}\n");
        let (err, code) = rest(&mut child);
        assert!(err.starts_with("* 1 event, 0 comments, 11 bytes, 0 reconnections, "), "{err}");
        assert_eq!(code, Some(0));
    }
}

#[test]
fn until_ends_at_the_event_with_this_data_and_an_earlier_end_is_a_failure() {
    let marker = "data: one\n\ndata: [DONE] \n\nevent: end\ndata: [DONE]\n\ndata: after\n\n";
    let until = ["--data-only", "--until", "[DONE]", "-d", "{}"];
    let server = Server::play([Reply::stream(marker).hold()]);
    let left = run(&server.url("/"), &until);
    assert_eq!((left.code, &*left.out), (Some(0), "one\n[DONE] \n"), "{}", left.err);
    for cut in ["data: one\n\n", "data: one\n\ndata: [DONE]\n", "data: one\n\n: [DONE]\n\n"] {
        let server = Server::play([Reply::stream(cut)]);
        let left = run(&server.url("/"), &until);
        assert_eq!((left.code, &*left.out), (Some(1), "one\n"), "{cut:?}");
        assert!(left.err.contains("before the event of --until"), "{}", left.err);
    }
    let server = Server::play([Reply::stream("data: one\n\n")]);
    let left = run(&server.url("/"), &["--json", "--until", "[DONE]", "--no-reconnect"]);
    assert_eq!((left.code, left.json().last().unwrap()["kind"].as_str()), (Some(1), Some("closed")));
}

#[test]
fn raw_output_ends_with_its_reader_although_no_event_comes() {
    let server = Server::play([Reply::stream("").repeat("junk".repeat(1000), Duration::ZERO)]);
    let (mut child, mut stdout) = spawn(&server.url("/"), &["--raw"]);
    stdout.read_exact(&mut [0; 4]).unwrap();
    drop(stdout);
    assert_eq!(rest(&mut child).1, Some(0));
}

#[test]
fn a_closed_output_pipe_ends_the_command_quietly() {
    for format in [&[][..], &["--json"], &["--raw"], &["--data-only"], &["--template", "{data}"]] {
        let (go, wait) = channel();
        let more = "data: two\n\n".repeat(10_000);
        let server = Server::play([Reply::stream("data: one\n\n").wait(wait).send(more)]);
        let (mut child, mut stdout) = spawn(&server.url("/"), format);
        assert_ne!(line(&mut stdout), "");
        drop(stdout);
        go.send(()).unwrap();
        let (err, code) = rest(&mut child);
        assert!(!err.contains("sse:") && !err.contains("panicked"), "{err}");
        assert_eq!(code, Some(0));
    }
}
