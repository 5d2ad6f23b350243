//! `sse bench --parse`.

use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sse")).arg("bench").args(arguments).output().unwrap()
}

#[test]
fn a_recording_and_a_raw_stream_are_measured_in_each_chunk_size() {
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/recording.jsonl");
    let raw = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-raw");
    std::fs::write(&raw, "data: x\n\n".repeat(100)).unwrap();
    for (file, events) in [(recording, None), (raw.to_str().unwrap(), Some(100))] {
        let output = bench(&["--parse", file, "--chunks", "1k,64", "--seconds", "0.01", "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(report["events"].as_u64().unwrap() > 0);
        assert!(events.is_none_or(|events| report["events"] == events));
        assert_eq!(report["limits"].as_array().unwrap().len(), 2);
        let chunks: Vec<_> = report["parse"].as_array().unwrap().iter().map(|row| &row["chunk"]).collect();
        assert_eq!(chunks, [1024, 64]);
        for row in report["parse"].as_array().unwrap() {
            assert!(row["bytes_per_second"].as_f64().unwrap() > 0.0 && row["allocations"].is_u64(), "{row}");
        }
    }
}

#[test]
fn files_that_cannot_be_measured_and_contradictions_are_errors() {
    let empty = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-empty");
    std::fs::write(&empty, "").unwrap();
    let output = bench(&["--parse", empty.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("no bytes"));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(bench(&["--parse", "/no/such/file"]).status.code(), Some(1));
    assert_eq!(bench(&["--parse", "x", "http://127.0.0.1:9/"]).status.code(), Some(2));
    assert_eq!(bench(&["--chunks", "64", "http://127.0.0.1:9/"]).status.code(), Some(2));
    assert_eq!(bench(&["--parse", "x", "--chunks", "0"]).status.code(), Some(2));
}
