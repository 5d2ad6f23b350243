//! Recordings of real streams, in the format of `sse tail --record`, read in the chunks that the
//! network delivered.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sse_proto::{Finish, Message, Parser};

/// The events of a recording.
fn events(recording: &str) -> Vec<Message> {
    let mut lines = recording.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert_eq!(lines.next().unwrap()["sse-recording"], 1);
    let mut parser = Parser::new();
    let mut events = Vec::new();
    for line in lines {
        let bytes = match (line["text"].as_str(), line["b64"].as_str()) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (_, Some(encoded)) => STANDARD.decode(encoded).unwrap(),
            _ => continue,
        };
        let mut input = &bytes[..];
        while let Some(event) = parser.next_event(&mut input).unwrap() {
            events.push(event.into());
        }
    }
    assert!(matches!(parser.finish(), Finish::Complete));
    events
}

#[test]
fn an_answer_that_a_gateway_cut_inside_characters_is_whole() {
    let events = events(include_str!("data/recordings/openai-rechunked.jsonl"));
    assert_eq!(events.last().unwrap().data(), "[DONE]");
    let mut answer = String::new();
    for event in &events[..events.len() - 1] {
        let chunk: serde_json::Value = serde_json::from_str(event.data()).unwrap();
        answer.push_str(chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
    }
    assert_eq!(answer, "Zürich liegt am See – 东京 ist weiter 🙂.");
}

// 9.2.6: an ID with empty data is an event.
#[test]
fn a_priming_event_of_mcp_surfaces_with_its_id() {
    let events = events(include_str!("data/recordings/mcp-crlf.jsonl"));
    let ids: Vec<_> = events.iter().map(Message::id).collect();
    assert_eq!(ids, ["0198_prime", "0198_1", "0198_2", "0198_3"]);
    assert_eq!(events[0].data(), "");
}
