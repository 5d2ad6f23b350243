//! Rust clients as commands, for `sse check --client`: `follow CLIENT URL` prints each event as a
//! line of JSON.
//!
//! Each client has its default settings, and continues after an error as long as its stream does.

use std::io::Write as _;
use std::process::ExitCode;

use eventsource_client::{Client as _, ClientBuilder, SSE};
use futures_util::StreamExt;
use launchdarkly_sdk_transport::HyperTransport;
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [client, url] = arguments.as_slice() else {
        eprintln!("usage: follow reqwest-eventsource|eventsource-client|sseer|sse-tokio URL");
        return ExitCode::from(2);
    };
    match client.as_str() {
        "reqwest-eventsource" => reqwest_eventsource(url).await,
        "eventsource-client" => eventsource_client(url).await,
        "sseer" => sseer(url).await,
        "sse-tokio" => sse_tokio(url).await,
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}

fn print(event: &str, data: &str, id: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({ "event": event, "data": data, "id": id })).expect("somebody reads");
}

async fn reqwest_eventsource(url: &str) {
    let mut source =
        reqwest_eventsource::EventSource::new(reqwest12::Client::new().get(url)).expect("a request");
    while let Some(event) = source.next().await {
        if let Ok(reqwest_eventsource::Event::Message(event)) = event {
            print(&event.event, &event.data, &event.id);
        }
    }
}

async fn eventsource_client(url: &str) {
    let transport = HyperTransport::builder().build_http().expect("a transport");
    let client = ClientBuilder::for_url(url).expect("a URL").build_with_transport(transport);
    let mut stream = client.stream();
    while let Some(event) = stream.next().await {
        if let Ok(SSE::Event(event)) = event {
            print(&event.event_type, &event.data, event.id.as_deref().unwrap_or_default());
        }
    }
}

async fn sseer(url: &str) {
    let mut source = sseer::reqwest::EventSource::new(reqwest::Client::new().get(url)).expect("a request");
    while let Some(event) = source.next().await {
        if let Ok(sseer::reqwest::StreamEvent::Event(event)) = event {
            print(&event.event, &event.data, &event.id);
        }
    }
}

async fn sse_tokio(url: &str) {
    let mut source = sse_tokio::EventSource::get(url).expect("a URL");
    while let Some(Ok(event)) = source.next().await {
        if let sse_tokio::Event::Message(message) = event {
            print(message.event(), message.data(), message.id());
        }
    }
}
