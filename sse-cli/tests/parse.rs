//! Tests of `sse parse` as a process, of completions, and of manual pages.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Runs the command; its code, standard output and standard error.
fn sse(arguments: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sse"))
        .args(arguments)
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads no input may be gone.
    child.stdin.take().unwrap().write_all(input).ok();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const STREAM: &[u8] =
    b"\xef\xbb\xbf: hi\r\nretry: 10\r\rid: 7\nevent: add\ndata: one\xff\ndata: two\n\ndata: cut";

const TEXT: &str = ": hi\n* retry: 10 ms\nadd #7: one\u{fffd}\n  two\n";

/// On a terminal, which `script` is for it.
#[test]
#[cfg(target_os = "linux")]
fn control_characters_are_escaped_on_a_terminal() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("escapes");
    std::fs::write(&path, "event: \x1b[31me\nid: \x1b[1mi\ndata: \x1b]0;d\x07\n\n: \x1b[2Jc\n").unwrap();
    let command = format!("{} parse {}", env!("CARGO_BIN_EXE_sse"), path.display());
    let mut script = Command::new("script");
    script.args(["--quiet", "--command", &command, "/dev/null"]).env("NO_COLOR", "1").stdin(Stdio::null());
    let output = script.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains('\x1b') && !text.contains('\x07'), "{text:?}");
    let shown = "\\u{1b}[31me #\\u{1b}[1mi: \\u{1b}]0;d\\u{7}\r\n: \\u{1b}[2Jc\r\n";
    assert!(text.contains(shown), "{text:?}");
}

#[test]
fn a_stream_is_read_from_a_file_or_standard_input() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("captured");
    std::fs::write(&path, STREAM).unwrap();
    for (file, input) in [(path.to_str().unwrap(), &[][..]), ("-", STREAM)] {
        let (code, out, err) = sse(&["parse", file], input);
        assert_eq!((code, out.as_str()), (Some(0), TEXT));
        assert!(err.contains("discarded as incomplete") && err.contains("--lenient"), "{err}");
        assert!(err.ends_with(&format!("* 1 event, 1 comment, {} bytes\n", STREAM.len())), "{err}");
    }
    assert_eq!(sse(&["parse"], STREAM).1, TEXT);
}

#[test]
fn lenient_prints_the_last_event_without_its_blank_line() {
    let (code, out, err) = sse(&["parse", "--lenient"], STREAM);
    assert_eq!((code, out), (Some(0), format!("{TEXT}message #7: cut\n")));
    assert_eq!(err, format!("* 2 events, 1 comment, {} bytes\n", STREAM.len()));
}

#[test]
fn json_has_an_object_a_line() {
    let (code, out, _) = sse(&["parse", "--json"], STREAM);
    let expected = "{\"kind\":\"comment\",\"data\":\"hi\"}\n\
        {\"kind\":\"retry\",\"delay_ms\":10}\n\
        {\"kind\":\"event\",\"event\":\"add\",\"data\":\"one\u{fffd}\\ntwo\",\"id\":\"7\"}\n";
    assert_eq!((code, out.as_str()), (Some(0), expected));
}

#[test]
fn empty_input_is_an_empty_stream() {
    assert_eq!(sse(&["parse"], b""), (Some(0), String::new(), "* 0 events, 0 comments, 0 bytes\n".into()));
}

#[test]
fn a_file_that_cannot_be_read_is_a_failure() {
    let (code, out, err) = sse(&["parse", "/no/such/file"], b"");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.starts_with("sse: /no/such/file: "), "{err}");
    let (code, _, err) = sse(&["parse", "."], b"");
    assert_eq!(code, Some(1), "a directory can be opened, but not read: {err}");
}

#[test]
#[cfg(target_os = "linux")]
fn an_output_that_is_full_is_a_failure() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("one event");
    std::fs::write(&path, "data: one\n\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse"));
    command.arg("parse").arg(path).stdout(std::fs::File::create("/dev/full").unwrap());
    let output = command.output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("sse: the output cannot be written: "), "{err}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn an_event_over_the_limit_is_a_failure_after_those_before_it() {
    let mut stream = b"data: one\n\ndata: ".to_vec();
    stream.resize(17 << 20, b'x');
    let (code, out, err) = sse(&["parse"], &stream);
    assert_eq!((code, out.as_str()), (Some(1), "message: one\n"));
    assert!(err.starts_with("sse: standard input: an event is longer than"), "{err}");
}

#[test]
fn every_shell_gets_completions_and_every_command_a_page() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, out, _) = sse(&["completions", shell], b"");
        assert_eq!(code, Some(0));
        assert!(out.contains("max-events"), "{shell}");
    }
    for (command, text) in [(None, "EXIT STATUS"), (Some("tail"), "max\\-events"), (Some("demo"), "ID")] {
        let arguments: Vec<_> = ["man"].into_iter().chain(command).collect();
        let (code, out, _) = sse(&arguments, b"");
        assert_eq!(code, Some(0));
        assert!(out.contains(".TH") && out.contains(text), "{command:?}");
    }
    assert_eq!(sse(&["man", "nothing"], b"").0, Some(2));
}
