//! Support for the programs of the pages: the pages themselves, and servers that act like the
//! providers'.

use std::error::Error;

use serde_json::{Value, json};
use sse_test::{Reply, Server};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// OpenAI's format: an answer, an answer without its end marker, a refusal.
pub(super) fn chat(ask: impl Fn(&str, &mut dyn FnMut(&str)) -> Outcome<()>) {
    let token = |text: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
    let answer = [token("Hel"), ": keep-alive\n\n".into(), token("lo")].concat();
    let unknown = Reply::response(401, "Content-Length: 27\r\n", "{\"error\":\"no such API key\"}");
    let server =
        Server::play([Reply::stream(format!("{answer}data: [DONE]\n\n")), Reply::stream(&answer), unknown]);
    let mut shown = String::new();
    let mut show = |token: &str| shown.push_str(token);
    ask(&server.url("/"), &mut show).expect("an answer");
    let cut = ask(&server.url("/"), &mut show).expect_err("the answer has no end");
    assert_eq!(cut.to_string(), "the stream ended without its end marker: the answer is incomplete");
    let refused = ask(&server.url("/"), &mut show).expect_err("a refusal");
    let text = "the server answered with status 401 instead of 200: {\"error\":\"no such API key\"}";
    assert_eq!(refused.to_string(), text);
    assert_eq!(shown, "HelloHello");
    for request in server.requests() {
        assert_eq!((request.method.as_str(), request.text("authorization")), ("POST", Some("Bearer key")));
        assert_eq!(request.text("content-type"), Some("application/json"));
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        assert_eq!(body["messages"][0]["content"], "Hi");
    }
}

/// Anthropic's format: an answer, and an error inside a 200.
pub(super) fn anthropic(ask: impl Fn(&str, &Value) -> Outcome<String>) {
    let event = |data: Value| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().expect("a type"));
    let text = json!({ "type": "content_block_delta", "delta": { "type": "text_delta", "text": "Hi" } });
    let start =
        [event(json!({ "type": "message_start" })), event(json!({ "type": "ping" })), event(text)].concat();
    let stop = event(json!({ "type": "message_stop" }));
    let error = event(json!({ "type": "error", "error": { "type": "overloaded_error" } }));
    let server = Server::play([
        Reply::stream([&start[..], &stop].concat()),
        Reply::stream([&start[..], &error].concat()),
    ]);
    let body = json!({ "stream": true });
    assert_eq!(ask(&server.url("/"), &body).expect("an answer"), "Hi");
    let overloaded = ask(&server.url("/"), &body).expect_err("the server said so");
    assert!(overloaded.to_string().contains("overloaded_error"), "{overloaded}");
}

/// MCP's Streamable HTTP: a response in a stream, and a response without a stream.
pub(super) fn mcp(call: impl Fn(&str, &Value) -> Outcome<Value>) {
    let data = |message: &Value| format!("data: {message}\n\n");
    let notification = json!({ "jsonrpc": "2.0", "method": "notifications/progress" });
    // Client and server number their requests independently.
    let question = json!({ "jsonrpc": "2.0", "id": 1, "method": "roots/list" });
    let response = json!({ "jsonrpc": "2.0", "id": 1, "result": {} });
    let parts = ["id: 0\nretry: 10\ndata:\n\n".into(), data(&notification), data(&question), data(&response)];
    let server = Server::play([
        Reply::stream(parts.concat()),
        Reply::of_type("application/json", response.to_string()),
        Reply::stream(data(&notification)),
    ]);
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    for _ in 0..2 {
        assert_eq!(call(&server.url("/"), &request).expect("a response"), response);
    }
    let cut = call(&server.url("/"), &request).expect_err("there is no response");
    assert_eq!(cut.to_string(), "the stream ended without the response");
    for request in server.requests() {
        assert_eq!(request.text("accept"), Some("application/json, text/event-stream"));
    }
}

/// A 429 whose text the program reads.
pub(super) fn refused(first: impl Fn(&str) -> Outcome<Option<String>>) {
    let server = Server::play([Reply::response(429, "Content-Length: 9\r\n", "too often")]);
    let error = first(&server.url("/")).expect_err("a refusal");
    assert_eq!(error.to_string(), "slow down: too often");
}
