//! Tests of `sse demo` as a user runs it.

use std::process::{Command, Output};

fn demo(arguments: &[&str]) -> Output {
    // A proxy of the environment must not handle a stream on this machine.
    Command::new(env!("CARGO_BIN_EXE_sse"))
        .arg("demo")
        .args(arguments)
        .env("http_proxy", "http://127.0.0.1:9")
        .output()
        .expect("the binary runs")
}

#[test]
fn the_summary_is_one_object_and_says_that_nothing_was_lost() {
    let output = demo(&["--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut fields: Vec<_> = summary.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["bytes", "events", "lost", "reconnects", "repeated"]);
    assert_eq!((&summary["lost"], &summary["repeated"]), (&0.into(), &0.into()));
    assert!(summary["events"].as_u64().unwrap() >= 50);
    assert!(summary["bytes"].as_u64().unwrap() > 1000);
    assert_eq!(summary["reconnects"], 8, "every cut was met");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

#[test]
fn the_answer_is_shown_whole_with_a_line_for_every_cut() {
    let output = demo(&[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains('\x1b'), "colours are for terminals");
    assert_eq!(text.matches("  ~ cut ").count(), 8, "{text}");
    let shown: String = text.lines().skip(2).filter(|line| !line.starts_with("  ~")).collect();
    assert!(shown.starts_with("Every connection breaks sooner or later: a laptop sleeps"), "{shown}");
    assert!(shown.contains("a naïve façade or a 🦀.The rest is care: a client"), "{shown}");
    assert!(shown.contains("You have just watched it."), "{shown}");
    assert!(text.ends_with(" 8 reconnections, 0 lost, 0 repeated\n"), "{text}");
    assert_eq!(output.status.code(), Some(0));
}
