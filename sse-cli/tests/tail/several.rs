//! Several URLs at once.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use sse_test::{Reply, Server};

use crate::{Left, tail};

fn run(servers: &[&Server], arguments: &[&str]) -> Left {
    let mut command = tail(&servers[0].url("/"), arguments);
    command.args(servers[1..].iter().map(|server| server.url("/")));
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Left { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn two() -> [Server; 2] {
    ["a", "b"].map(|data| {
        Server::play([Reply::stream(format!("retry: 10\n: hi\ndata: {data}\n\n")), Reply::no_content()])
    })
}

#[test]
fn every_line_names_its_url() {
    let [a, b] = two();
    let left = run(&[&a, &b], &[]);
    let mut expected = [format!("{} message: a", a.url("/")), format!("{} message: b", b.url("/"))];
    expected.sort_unstable();
    assert_eq!(sorted(&left.out), expected);
    assert!(left.err.contains(&format!("{} : hi\n", a.url("/"))), "{}", left.err);
    assert!(left.err.contains(&format!("{} * closed: ", b.url("/"))), "{}", left.err);
    assert!(left.err.contains("* 2 events, 2 comments, "), "{}", left.err);
    assert_eq!(left.code, Some(0));
}

#[test]
fn json_and_templates_name_the_url_and_data_only_does_not() {
    let [a, b] = two();
    let left = run(&[&a, &b], &["--json"]);
    for line in left.json() {
        let url = line["url"].as_str().unwrap();
        assert!(url == a.url("/") || url == b.url("/"), "{line}");
        if line["kind"] == "event" {
            assert_eq!(line["data"], if url == a.url("/") { "a" } else { "b" });
        }
    }
    let [a, b] = two();
    let left = run(&[&a, &b], &["--template", "{url} {data}"]);
    let mut expected = [format!("{} a", a.url("/")), format!("{} b", b.url("/"))];
    expected.sort_unstable();
    assert_eq!(sorted(&left.out), expected);
    let [a, b] = two();
    assert_eq!(sorted(&run(&[&a, &b], &["--data-only"]).out), ["a", "b"]);
}

#[test]
fn one_url_is_in_a_template_but_not_in_json() {
    let server = Server::play([
        Reply::stream("data: a\n\n"),
        Reply::no_content(),
        Reply::stream("data: a\n\n"),
        Reply::no_content(),
    ]);
    let left = run(&[&server], &["--template", "{url}", "--retry-delay", "0.01"]);
    assert_eq!(left.out, format!("{}\n", server.url("/")));
    assert!(
        run(&[&server], &["--json", "--retry-delay", "0.01"])
            .json()
            .iter()
            .all(|line| line.get("url").is_none())
    );
}

#[test]
fn a_stream_that_fails_does_not_end_the_others() {
    let refused = Server::play([Reply::status(403, "", "no")]);
    let (go, wait) = std::sync::mpsc::channel();
    let other =
        Server::play([Reply::stream("").wait(wait).send("retry: 10\ndata: later\n\n"), Reply::no_content()]);
    let mut child = tail(&refused.url("/"), &["--data-only"])
        .arg(other.url("/"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let failure = format!("sse: {}: the server answered with status 403", refused.url("/"));
    let stderr = BufReader::new(child.stderr.take().unwrap());
    // Kept open, as the command writes more to it.
    let mut lines = stderr.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with(&failure)));
    go.send(()).unwrap();
    lines.for_each(drop);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"later\n");
    assert_eq!(output.status.code(), Some(3), "the code of the stream that failed");
}

#[test]
fn different_failures_give_exit_code_1() {
    let refused = || Server::play([Reply::status(403, "", "no")]);
    let gone = Server::play([]);
    assert_eq!(run(&[&refused(), &refused()], &[]).code, Some(3));
    assert_eq!(run(&[&refused(), &gone], &["--max-retries", "0"]).code, Some(1));
}

#[test]
fn max_events_counts_the_events_of_all_streams() {
    let held = || Server::play([Reply::stream("data: x\n\n").hold()]);
    let left = run(&[&held(), &held()], &["--data-only", "--max-events", "2"]);
    assert_eq!((left.out.as_str(), left.code), ("x\nx\n", Some(0)));
}

#[test]
fn urls_that_look_equal_without_secrets_are_numbered() {
    let server = Server::play([
        Reply::stream("data: x\n\n"),
        Reply::stream("data: x\n\n"),
        Reply::no_content(),
        Reply::no_content(),
    ]);
    let (a, b) = (format!("{}?key=a", server.url("/")), format!("{}?key=b", server.url("/")));
    let output = tail(&a, &["--template", "{url}", "--retry-delay", "0.01"]).arg(&b).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(sorted(&out), [server.url("/"), format!("{}#2", server.url("/"))]);
}
