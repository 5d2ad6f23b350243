//! Tests of publishing by POST: all events of a request or none, and once.

use super::Server;

const ENVELOPE: &str = "Content-Type: application/vnd.sse+json";

#[test]
fn json_gives_fields_and_batches() {
    let server = Server::start(&[]);
    let mut live = server.get("/events/t", &[]);
    live.block();
    let json = ["Content-Type: application/vnd.sse+json; charset=utf-8"];
    let (status, answer) =
        server.post("/events/t", &json, r#"[{"data":"a","id":"1"},{"data":"b","event":"e","id":"2"}]"#);
    assert_eq!((status, answer.as_str()), (200, "{\"ids\":[\"1\",\"2\"]}\n"));
    assert_eq!(live.block() + &live.block(), "data: a\nid: 1\n\nevent: e\ndata: b\nid: 2\n\n");
    for (body, why) in [
        (r#"{"data":"x","id":"a\nb"}"#, "id must not contain '\\n'"),
        (r#"{"data":"x","event":"a\rdata: y"}"#, "event must not contain '\\r'"),
        (r#"{"data":"x","id":"\u0000"}"#, "id must not contain '\\0'"),
        (r#"{"data":"x","id":"\u0007"}"#, "no control characters"),
        (r#"{"data":"x","id":"7 "}"#, "no blank at its ends"),
        (&format!(r#"{{"data":"x","id":"{}"}}"#, "7".repeat(4097)), "at most 4096 bytes"),
        (r#"{"event":"x"}"#, "missing field `data`"),
        (r#"{"data":"x","retry":1}"#, "unknown field `retry`"),
        (r#"[{"data":"kept?"},{"data":7}]"#, "invalid type"),
        ("", "EOF"),
    ] {
        let (status, answer) = server.post("/events/t", &json, body);
        assert_eq!(status, 400, "{body}");
        assert!(answer.contains(why), "{body}: {answer}");
    }
    let (_, answer) = server.post("/events/t", &json, &format!("[{:?}]", "x".repeat(100_000)));
    assert!(answer.len() < 1000, "what was wrong is not sent back at its length");
    let many = format!("[{}]", [r#"{"data":"x"}"#; 4097].join(","));
    let (status, answer) = server.post("/events/t", &json, &many);
    assert_eq!(status, 413, "subscribers would get a gap");
    assert!(answer.contains("keeps 4096 events"), "{answer}");
    server.publish("/events/t", "next");
    assert!(live.block().contains("data: next\n"), "nothing of what was refused was published");
}

#[test]
fn json_is_published_byte_for_byte() {
    let server = Server::start(&[]);
    let mut live = server.get("/events/t", &[]);
    live.block();
    let json = ["Content-Type: application/json", "Sse-Event: price"];
    for body in [r#"{"price":1}"#, r#"[1,  2.0, "x"]"#, "null", r#"{"data":"not an envelope"}"#] {
        assert_eq!(server.post("/events/t", &json, body).0, 200, "{body}");
        let block = live.block();
        assert!(block.starts_with(&format!("event: price\ndata: {body}\nid: ")), "{block}");
    }
    server.post("/events/t", &["Content-Type: application/json"], "{\n  \"price\": 1\n}");
    assert!(live.block().starts_with("data: {\ndata:   \"price\": 1\ndata: }\nid: "));
}

#[test]
fn a_batch_that_a_topic_could_not_keep_is_refused_whole() {
    let server = Server::start(&["--history-bytes", "1000", "--history-events", "3"]);
    let mut live = server.get("/events/t", &[]);
    live.block();
    let (status, answer) = server.post("/events/t", &[], &"x".repeat(1001));
    assert_eq!((status, answer.contains("keeps 3 events and 1000 bytes")), (413, true), "{answer}");
    let three = format!("[{}]", [format!("{{\"data\":\"{}\"}}", "x".repeat(400)).as_str(); 3].join(","));
    assert_eq!(server.post("/events/t", &[ENVELOPE], &three).0, 413);
    let four = format!("[{}]", [r#"{"data":"x"}"#; 4].join(","));
    assert_eq!(server.post("/events/t", &[ENVELOPE], &four).0, 413);
    server.publish("/events/t", "next");
    assert!(live.block().starts_with("data: next\n"), "nothing of what was refused was published");
}

#[test]
fn a_repetition_with_the_same_key_gets_the_same_answer_and_publishes_nothing() {
    let server = Server::start(&[]);
    let mut live = server.get("/events/t", &[]);
    live.block();
    let key = [ENVELOPE, "Idempotency-Key: \"7\""];
    let batch = r#"[{"data":"a"},{"data":"b","id":"mine"}]"#;
    let first = server.post("/events/t", &key, batch);
    assert_eq!(first.0, 200);
    assert_eq!(server.post("/events/t", &key, batch), first);
    assert_eq!(server.post("/events/t", &key, r#"{"data":"a"}"#).0, 422);
    assert_eq!(
        server.post("/events/t", &[ENVELOPE, "Idempotency-Key: 7"], batch).0,
        200,
        "quotes are part of a key"
    );
    assert_eq!(server.post("/events/other", &key, batch).0, 200, "a key is its topic's");
    let data = |block: String| block.lines().next().unwrap().to_owned();
    let blocks: Vec<_> = (0..4).map(|_| data(live.block())).collect();
    assert_eq!(blocks, ["data: a", "data: b", "data: a", "data: b"]);
    for (key, status) in [("", 400), (&"k".repeat(129), 400), (&"k".repeat(128), 200)] {
        let key = format!("Idempotency-Key: {key}");
        assert_eq!(server.post("/events/t", &[&key], "x").0, status, "{key}");
    }
    let two = ["Idempotency-Key: a", "Idempotency-Key: b"];
    assert_eq!(server.post("/events/t", &two, "x").0, 400);
}
