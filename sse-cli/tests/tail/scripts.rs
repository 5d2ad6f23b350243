//! Output for scripts: `--data-only`, `--template`, `--event`, `--timestamps`, `-o`, and the field
//! `json`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::channel;

use serde_json::json;

use sse_test::{Reply, Server};

use crate::{run, tail};

/// Runs `sse tail` on a stream that ends the command.
fn output(body: &str, arguments: &[&str]) -> String {
    let server = Server::play([Reply::stream(body), Reply::no_content()]);
    let left = run(&server.url("/"), &[&["--retry-delay", "0.01"], arguments].concat());
    assert_eq!(left.code, Some(0), "{}", left.err);
    left.out
}

fn path(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::remove_file(&path).ok();
    path
}

/// Whether a text is a time such as `2026-11-27T01:22:47.123Z`.
fn is_time(text: &str) -> bool {
    let form: String = text.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect();
    form == "0000-00-00T00:00:00.000Z"
}

const BODY: &str = ": hi\nretry: 10\nevent: add\nid: 7\ndata: one\ndata: two\n\ndata: {\ndata:   \"a\": 1\ndata: }\n\ndata\n\n";

#[test]
fn data_only_prints_one_line_an_event() {
    assert_eq!(output(BODY, &["--data-only"]), "one\\ntwo\n{   \"a\": 1 }\n\n");
}

#[test]
fn nul_separates_data_that_is_not_changed() {
    assert_eq!(output(BODY, &["--data-only", "-0"]), "one\ntwo\0{\n  \"a\": 1\n}\0\0");
    assert_eq!(output("data: a\0b\n\n", &["--data-only", "--null"]), "a\u{fffd}b\0");
}

#[test]
fn a_template_prints_placeholders_and_escapes() {
    let template = r"{id}|{event}|{data}\t{{}}";
    let expected = "7|add|one\\ntwo\t{}\n7|message|{   \"a\": 1 }\t{}\n7|message|\t{}\n";
    assert_eq!(output(BODY, &["--template", template]), expected);
    assert_eq!(
        output(BODY, &["-0", "--template", "{data}", "--event", "add"]),
        "one\ntwo\0",
        "-0 ends records"
    );
}

#[test]
fn a_wrong_template_is_an_error_before_the_request() {
    let left = run("http://127.0.0.1:9/", &["--template", "{name}"]);
    assert!(left.err.contains("{name} is not a placeholder; there are {id}, {event}"), "{}", left.err);
    assert_eq!(left.code, Some(2));
}

#[test]
fn only_events_of_the_given_types_are_printed_and_counted() {
    let body =
        "event: a\ndata: 1\n\nevent: b\ndata: 2\n\ndata: 3\n\nevent: a\ndata: 4\n\nevent: b\ndata: 5\n\n";
    assert_eq!(output(body, &["--data-only", "--event", "a"]), "1\n4\n");
    assert_eq!(output(body, &["--data-only", "--event", "a", "--event", "message"]), "1\n3\n4\n");
    let server = Server::play([Reply::stream(body).hold()]);
    let left = run(&server.url("/"), &["--data-only", "--event", "b", "--max-events", "2"]);
    assert_eq!((left.out.as_str(), left.code), ("2\n5\n", Some(0)));
    assert!(left.err.contains("* 2 events, "), "{}", left.err);
}

#[test]
fn event_leaves_all_other_kinds_of_json() {
    let out = output(BODY, &["--json", "--event", "none"]);
    let lines = out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let kinds: Vec<_> = lines.map(|line| line["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["open", "comment", "retry", "disconnected", "closed"]);
}

#[test]
fn json_has_the_data_parsed_only_where_it_is_json() {
    let body = "data: {\ndata:  \"n\": 12345678901234567890.10\ndata: }\n\ndata: [DONE]\n\ndata: 42\n\n";
    let out = output(body, &["--json"]);
    let events: Vec<_> = out.lines().filter(|line| line.contains("\"event\"")).collect();
    assert!(events[0].ends_with(r#""json":{  "n": 12345678901234567890.10 }}"#), "{}", events[0]);
    let [done, number] = [1, 2].map(|at| serde_json::from_str::<serde_json::Value>(events[at]).unwrap());
    assert_eq!(done, json!({"kind": "event", "event": "message", "data": "[DONE]", "id": ""}));
    assert_eq!(number["json"], 42);
}

#[test]
fn timestamps_stand_before_lines_and_in_objects() {
    for form in [&[][..], &["--data-only"]] {
        let out = output("data: one\n\n", &[form, &["--timestamps"]].concat());
        let (time, rest) = out.split_once(' ').unwrap();
        assert!(is_time(time), "{out}");
        assert_eq!(rest, if form.is_empty() { "message: one\n" } else { "one\n" });
    }
    let out = output("data: one\n\n", &["--template", "{time}"]);
    assert!(is_time(out.trim_end()), "{out}");
    for line in output("data: one\n\n", &["--json", "--timestamps"]).lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(is_time(line["time"].as_str().unwrap()), "{line}");
    }
}

#[test]
fn output_goes_to_the_file() {
    let file = path("events");
    let name = file.to_str().unwrap();
    for (form, expected) in [
        (&[][..], "message: 1\nmessage: 2\n"),
        (&["--data-only"], "1\n2\n"),
        (&["--template", "<{data}>"], "<1>\n<2>\n"),
    ] {
        let server = Server::play([Reply::stream("data: 1\n\ndata: 2\n\ndata: 3\n\n").hold()]);
        let left = run(&server.url("/"), &[form, &["--max-events", "2", "-o", name]].concat());
        assert_eq!((left.out.as_str(), left.code), ("", Some(0)), "{}", left.err);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
    }
    assert_eq!(output("data: 1\n\n", &["--raw", "--output", name]), "");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "data: 1\n\n");
    assert_eq!(output("data: 1\n\n", &["--data-only", "-o", "-"]), "1\n", "- is standard output");
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_before_the_request() {
    let server = Server::play([]);
    let left = run(&server.url("/"), &["-o", "/no/such/directory/file"]);
    assert!(left.err.starts_with("sse: /no/such/directory/file: "), "{}", left.err);
    assert_eq!((left.code, server.further_requests()), (Some(1), 0));
}

#[test]
fn refused_arguments_leave_the_output_file_as_it_is() {
    let file = path("kept");
    std::fs::write(&file, "kept").unwrap();
    for wrong in [&["ftp://127.0.0.1/"][..], &["http://127.0.0.1:9/", "--json", "--raw"]] {
        let left = run(wrong[0], &[&wrong[1..], &["-o", file.to_str().unwrap()]].concat());
        assert_eq!(left.code, Some(2));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
    }
}

#[test]
fn each_event_is_written_before_the_next_arrives() {
    for form in [&["--data-only"][..], &["--template", "{data}"], &["--json"], &[]] {
        let (go, wait) = channel();
        let server = Server::play([Reply::stream("data: one\n\n").wait(wait)]);
        let mut child =
            tail(&server.url("/"), form).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        // The server waits until the event was read here.
        assert!(stdout.lines().map(Result::unwrap).any(|line| line.contains("one")));
        go.send(()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
