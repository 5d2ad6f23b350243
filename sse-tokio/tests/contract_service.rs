//! Drives the example `contract_service` as the harness of the contract tests does.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[allow(dead_code, reason = "its `main` is for the command line")]
#[path = "../examples/contract_service.rs"]
mod contract_service;

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sse_test::Reply;
use sse_test::paused::Server;
use tokio::net::TcpListener;

/// The harness: it plays the server of the streams, and listens to what the service reports.
struct Harness {
    client: Client,
    service: String,
    server: Server,
    callback: Server,
    location: String,
}

impl Harness {
    /// A stream that the service opens, with these parameters besides the URLs.
    async fn open(script: impl Into<Vec<Reply>>, parameters: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(contract_service::serve(listener));
        let (server, callback) = (Server::start(script).await, Server::start([]).await);
        let mut all = json!({
            "streamUrl": server.url("/stream"),
            "callbackUrl": callback.url("/callback"),
            "tag": "test",
            "initialDelayMs": 0,
            "readTimeoutMs": null,
        });
        all.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
        let client = Client::new();
        let response = client.post(&service).body(all.to_string()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let location = service.clone() + response.headers()["location"].to_str().unwrap();
        Self { client, service, server, callback, location }
    }

    async fn command(&self, command: Value) -> StatusCode {
        self.client.post(&self.location).body(command.to_string()).send().await.unwrap().status()
    }

    /// The first `count` reports, which have to be numbered.
    async fn reports(&self, count: usize) -> Vec<Value> {
        until(|| self.callback.received().len() >= count).await;
        let reports = self.callback.received();
        for (n, report) in reports.iter().enumerate() {
            assert_eq!(report.line(), format!("POST /callback/{} HTTP/1.1", n + 1));
        }
        reports[..count].iter().map(|report| serde_json::from_slice(&report.body).unwrap()).collect()
    }

    async fn requests(&self, count: usize) -> Vec<sse_test::Request> {
        until(|| self.server.received().len() >= count).await;
        self.server.received()
    }
}

async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap();
}

fn event(kind: &str, data: &str, id: &str) -> Value {
    json!({ "kind": "event", "event": { "type": kind, "data": data, "id": id } })
}

#[tokio::test]
async fn the_contract_service_reports_its_capabilities_and_quits() {
    let harness = Harness::open([Reply::stream("").hold()], json!({})).await;
    let response = harness.client.get(&harness.service).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let said: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    let capabilities = "bom comments event-type-listeners headers last-event-id post read-timeout report restart \
                        server-directed-shutdown-request";
    assert_eq!(said, json!({ "capabilities": capabilities.split(' ').collect::<Vec<_>>() }));

    let bad = harness.client.post(&harness.service).body("{}").send().await.unwrap();
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    assert_eq!(harness.command(json!({ "command": "sing" })).await, StatusCode::BAD_REQUEST);

    let quit = harness.client.delete(&harness.service).send().await.unwrap();
    assert_eq!(quit.status(), StatusCode::NO_CONTENT);
    while Client::new().get(&harness.service).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_contract_services_request_has_the_required_headers() {
    let harness =
        Harness::open([Reply::stream("").hold()], json!({ "headers": null, "lastEventId": null })).await;
    let request = &harness.requests(1).await[0];
    assert_eq!(request.line(), "GET /stream HTTP/1.1");
    assert_eq!(request.text("accept"), Some("text/event-stream"));
    assert_eq!(request.text("cache-control"), Some("no-cache"));
    assert_eq!(request.header("last-event-id"), None);
}

#[tokio::test]
async fn the_contract_service_reports_everything_in_order() {
    let body = "\u{feff}: hi\ndata: a\n\nevent: other\ndata: unheard\n\nid: 1\ndata: b\ndata: c\n\n";
    let harness = Harness::open([Reply::stream(body).hold()], json!({})).await;
    assert_eq!(
        harness.reports(3).await,
        [
            json!({ "kind": "comment", "comment": "hi" }),
            event("message", "a", ""),
            event("message", "b\nc", "1")
        ]
    );
}

#[tokio::test]
async fn the_contract_service_reports_only_requested_types() {
    // The events are sent to the second connection, when the service listens.
    let script = [Reply::stream(": ready\n").hold(), Reply::stream("event: greeting\ndata: a\n\n").hold()];
    let harness = Harness::open(script, json!({})).await;
    harness.reports(1).await;
    let listen = json!({ "command": "listen", "listen": { "type": "greeting" } });
    assert_eq!(harness.command(listen).await, StatusCode::ACCEPTED);
    assert_eq!(harness.command(json!({ "command": "restart" })).await, StatusCode::ACCEPTED);
    assert_eq!(harness.reports(2).await[1], event("greeting", "a", ""));
    harness.server.hung_up().await;
}

#[tokio::test]
async fn the_contract_service_reads_a_line_of_ten_mebibytes() {
    let data = "x".repeat(10 << 20);
    let harness = Harness::open([Reply::stream(format!("data: {data}\n\n")).hold()], json!({})).await;
    assert!(harness.reports(1).await[0] == event("message", &data, ""));
}

#[tokio::test]
async fn the_contract_service_sends_the_body_with_each_attempt() {
    for method in ["POST", "REPORT"] {
        let parameters = json!({
            "method": method,
            "body": "{\"a\": 1}",
            "headers": { "Content-Type": "application/json", "X-One": "1" },
            "lastEventId": "7",
        });
        let harness =
            Harness::open([Reply::stream("id: 8\ndata: a\n\n"), Reply::stream("").hold()], parameters).await;
        let requests = harness.requests(2).await;
        for request in &requests {
            assert_eq!(request.line(), format!("{method} /stream HTTP/1.1"));
            assert_eq!(request.body, b"{\"a\": 1}");
            assert_eq!(request.text("x-one"), Some("1"));
        }
        assert_eq!(harness.server.sent("last-event-id"), [Some("7".into()), Some("8".into())]);
        let reports = harness.reports(2).await;
        assert_eq!(reports[1], json!({ "kind": "error", "comment": "the response ended" }));
    }
}

#[tokio::test]
async fn redirects_are_followed_or_reported() {
    for status in [301, 307] {
        let script = [Reply::redirect(status, "/there"), Reply::stream("data: a\n\n").hold()];
        let harness = Harness::open(script, json!({})).await;
        assert_eq!(harness.reports(1).await, [event("message", "a", "")]);
        assert_eq!(harness.server.lines(), ["GET /stream", "GET /there"]);

        for headers in ["", "Location:\r\n"] {
            let harness = Harness::open([Reply::status(status, headers, "")], json!({})).await;
            assert_eq!(harness.reports(1).await[0]["kind"], "error");
            assert_eq!(harness.server.received().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_read_timeout_reconnects() {
    let script = [Reply::stream("data: a\n\n").hold(), Reply::stream("data: b\n\n").hold()];
    let harness = Harness::open(script, json!({ "readTimeoutMs": 200 })).await;
    let reports = harness.reports(3).await;
    assert_eq!(reports[0], event("message", "a", ""));
    assert_eq!(reports[1], json!({ "kind": "error", "comment": "the server fell silent" }));
    assert_eq!(reports[2], event("message", "b", ""));
}

#[tokio::test]
async fn a_204_ends_the_contract_services_stream() {
    let harness = Harness::open([Reply::stream("data: a\n\n"), Reply::no_content()], json!({})).await;
    harness.requests(2).await;
    // The service drops the stream, and later commands for it are refused.
    while harness.command(json!({ "command": "restart" })).await != StatusCode::NOT_FOUND {}
    assert_eq!(harness.server.received().len(), 2);
}

#[tokio::test]
async fn deleting_a_stream_closes_its_connection() {
    let harness = Harness::open([Reply::stream(": ready\n").hold()], json!({})).await;
    harness.reports(1).await;
    let deleted = harness.client.delete(&harness.location).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    harness.server.hung_up().await;
    let again = harness.client.delete(&harness.location).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
}
