//! Conformance of the contenders: each runs the parse cases of `sse-proto/tests/data/parse.json`,
//! in the chunks of the case, whole, and byte by byte, and has to give the case's events: type,
//! data, last event ID.
//!
//! `conform` prints a table, `conform --failures` the failed cases too.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bench_parse::{Chunks, Entry, Fingerprint, Role, Sink as _, entries};
use serde_json::Value;

const CASES: &str = include_str!("../../../../sse-proto/tests/data/parse.json");

/// The longest time for one case; a parser that takes longer counts as hung.
const PATIENCE: Duration = Duration::from_secs(5);

struct Case {
    name: String,
    expected: Fingerprint,
    /// The chunks of the case: as given, whole, and byte by byte.
    ways: [Vec<Vec<u8>>; 3],
}

fn main() {
    let failures = std::env::args().any(|argument| argument == "--failures");
    std::panic::set_hook(Box::new(|_| {}));
    let cases = cases();
    println!("{} cases, each in three ways\n", cases.len());
    println!("| parser | cases passed | panics | hangs |");
    println!("|---|---|---|---|");
    let mut failed = BTreeMap::<&str, Vec<&str>>::new();
    for entry in entries().into_iter().filter(|entry| entry.role != Role::Limit) {
        let (mut passed, mut panics, mut hangs) = (0, 0, 0);
        for case in &cases {
            let outcomes = case.ways.each_ref().map(|chunks| run(entry, chunks.clone()));
            panics += usize::from(outcomes.contains(&Outcome::Panicked));
            hangs += usize::from(outcomes.contains(&Outcome::Hung));
            if outcomes.iter().all(|outcome| *outcome == Outcome::Events(case.expected)) {
                passed += 1;
            } else {
                failed.entry(entry.name).or_default().push(&case.name);
            }
        }
        println!("| {} | {passed} of {} | {panics} | {hangs} |", entry.name, cases.len());
    }
    if failures {
        for (name, cases) in failed {
            println!("\n{name} fails:");
            cases.iter().for_each(|case| println!("- {case}"));
        }
    }
    // Threads that hang go with the process.
}

#[derive(PartialEq)]
enum Outcome {
    Events(Fingerprint),
    Panicked,
    Hung,
}

fn run(entry: Entry, chunks: Vec<Vec<u8>>) -> Outcome {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send((entry.check)(&Chunks::pieces(&chunks))));
    match receiver.recv_timeout(PATIENCE) {
        Ok(events) => Outcome::Events(events),
        Err(mpsc::RecvTimeoutError::Disconnected) => Outcome::Panicked,
        Err(mpsc::RecvTimeoutError::Timeout) => Outcome::Hung,
    }
}

/// The cases that begin a new stream. Cases that begin with an ID need a way to set it, which few
/// peers have.
fn cases() -> Vec<Case> {
    let cases: Vec<Value> = serde_json::from_str(CASES).expect("the test data is well-formed");
    cases.iter().filter(|case| case.get("initial_last_event_id").is_none()).map(case).collect()
}

fn case(case: &Value) -> Case {
    let text = |value: &Value, key: &str| value[key].as_str().expect("a text").to_owned();
    let mut expected = Fingerprint::default();
    for event in case["expect"].as_array().expect("a list") {
        expected.event(&text(event, "event"), &text(event, "data"), &text(event, "id"));
    }
    let chunks: Vec<Vec<u8>> = case["chunks"].as_array().expect("a list").iter().map(chunk).collect();
    let whole = chunks.concat();
    let bytes = whole.chunks(1).map(Vec::from).collect();
    Case { name: text(case, "name"), expected, ways: [chunks, vec![whole], bytes] }
}

fn chunk(chunk: &Value) -> Vec<u8> {
    match (chunk.as_str(), chunk["b64"].as_str()) {
        (Some(text), _) => text.into(),
        (None, Some(base64)) => BASE64_STANDARD.decode(base64).expect("base64"),
        (None, None) => panic!("a chunk is text, or base64"),
    }
}
