//! The test service of LaunchDarkly's SSE contract tests
//! (<https://github.com/launchdarkly/sse-contract-tests>).
//!
//! The harness requests streams over HTTP, plays their server, and receives reports of what
//! arrived:
//!
//! ```text
//!  harness ── POST / {streamUrl, callbackUrl, ..} ──▶ service     201, Location: /streams/1
//!  harness ◀────────────── GET streamUrl ──────────── service     an event source of this project
//!  harness ◀──────── POST callbackUrl/n {kind, ..} ── service     for each event, comment and error, n from 1 on
//!  harness ── POST /streams/1 {command} ────────────▶ service     `listen` to a type of events, or `restart`
//!  harness ── DELETE /streams/1 ────────────────────▶ service
//! ```
//!
//! `cargo run -p sse-tokio --example contract_service -- 8000`, then run the harness with
//! `--url http://localhost:8000`.
#![allow(clippy::print_stderr)]

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use sse_tokio::reqwest::{Client, Method};
use sse_tokio::{Config, EventRef, EventSource, ReconnectPolicy, Repeat};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

const CAPABILITIES: [&str; 10] = [
    "bom",
    "comments",
    "event-type-listeners",
    "headers",
    "last-event-id",
    "post",
    "read-timeout",
    "report",
    "restart",
    "server-directed-shutdown-request",
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).map_or(Ok(8000), |port| port.parse())?;
    serve(TcpListener::bind(("0.0.0.0", port)).await?).await?;
    Ok(())
}

/// Serves until `DELETE /`.
pub(crate) async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let service = Arc::new(Service::default());
    let router = Router::new()
        .route("/", get(capabilities).post(open).delete(quit))
        .route("/streams/{id}", post(command).delete(close))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(&service));
    axum::serve(listener, router).with_graceful_shutdown(async move { service.quit.notified().await }).await
}

#[derive(Default)]
struct Service {
    streams: Mutex<Streams>,
    quit: Notify,
}

#[derive(Default)]
struct Streams {
    opened: u64,
    /// Dropping the sender closes the stream.
    commands: HashMap<u64, mpsc::UnboundedSender<Command>>,
}

/// What to open. The harness sends `null` for what it does not set.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    stream_url: String,
    callback_url: String,
    initial_delay_ms: Option<u64>,
    read_timeout_ms: Option<u64>,
    last_event_id: Option<String>,
    headers: Option<HashMap<String, String>>,
    method: Option<String>,
    body: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "command", rename_all = "lowercase")]
enum Command {
    Listen { listen: Listen },
    Restart,
}

#[derive(Deserialize)]
struct Listen {
    r#type: String,
}

async fn capabilities() -> impl IntoResponse {
    axum::Json(json!({ "capabilities": CAPABILITIES }))
}

async fn open(State(service): State<Arc<Service>>, body: Bytes) -> impl IntoResponse {
    let (source, callback) = match ask(&body) {
        Ok(asked) => asked,
        Err(error) => return Err((StatusCode::BAD_REQUEST, error.to_string())),
    };
    let (sender, commands) = mpsc::unbounded_channel();
    let mut streams = service.streams.lock().expect("no holder of it panics");
    streams.opened += 1;
    let id = streams.opened;
    streams.commands.insert(id, sender);
    tokio::spawn(run(source, callback, commands));
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/streams/{id}"))]))
}

async fn command(State(service): State<Arc<Service>>, Path(id): Path<u64>, body: Bytes) -> StatusCode {
    let Ok(command) = serde_json::from_slice(&body) else { return StatusCode::BAD_REQUEST };
    let streams = service.streams.lock().expect("no holder of it panics");
    match streams.commands.get(&id).map(|sender| sender.send(command)) {
        Some(Ok(())) => StatusCode::ACCEPTED,
        _ => StatusCode::NOT_FOUND,
    }
}

async fn close(State(service): State<Arc<Service>>, Path(id): Path<u64>) -> StatusCode {
    match service.streams.lock().expect("no holder of it panics").commands.remove(&id) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}

async fn quit(State(service): State<Arc<Service>>) -> StatusCode {
    service.quit.notify_one();
    StatusCode::NO_CONTENT
}

/// What the harness asks for.
fn ask(body: &[u8]) -> Result<(EventSource, Callback), Box<dyn Error>> {
    let parameters: Parameters = serde_json::from_slice(body)?;
    // The harness wants every request sent again, whatever its method.
    let mut config = Config::default()
        .with_repeat(Repeat::Always)
        .with_last_event_id(parameters.last_event_id.unwrap_or_default());
    if let Some(delay) = parameters.initial_delay_ms {
        config = config.with_policy(ReconnectPolicy::default().with_initial(Duration::from_millis(delay)));
    }
    if let Some(timeout) = parameters.read_timeout_ms {
        config = config.with_idle_timeout(Duration::from_millis(timeout));
    }
    let mut builder = EventSource::builder(parameters.stream_url).config(config);
    if let Some(method) = parameters.method {
        builder = builder.method(Method::from_bytes(method.as_bytes())?);
    }
    for (name, value) in parameters.headers.unwrap_or_default() {
        builder = builder.header(name, value);
    }
    if let Some(body) = parameters.body {
        builder = builder.body(body);
    }
    let callback = Callback { client: Client::new(), url: parameters.callback_url, count: 0 };
    Ok((builder.build()?, callback))
}

/// Reports everything that the source says, until it ends or the stream is closed.
async fn run(
    mut source: EventSource,
    mut callback: Callback,
    mut commands: mpsc::UnboundedReceiver<Command>,
) {
    let mut types = HashSet::from(["message".to_owned()]);
    loop {
        tokio::select! {
            // What was listened to before an event was sent, counts for it.
            biased;
            command = commands.recv() => match command {
                Some(Command::Listen { listen }) => drop(types.insert(listen.r#type)),
                Some(Command::Restart) => {
                    source.suspend();
                    source.resume();
                }
                None => return,
            },
            event = source.next_event() => match event {
                Some(Ok(EventRef::Message(event))) if types.contains(event.event) => {
                    let event = json!({ "type": event.event, "data": event.data, "id": event.id });
                    callback.report(json!({ "kind": "event", "event": event })).await;
                }
                Some(Ok(EventRef::Comment(text))) => {
                    callback.report(json!({ "kind": "comment", "comment": text })).await;
                }
                Some(Ok(EventRef::Disconnected { cause, .. })) => {
                    callback.report(json!({ "kind": "error", "comment": cause.to_string() })).await;
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    callback.report(json!({ "kind": "error", "comment": error.to_string() })).await;
                }
                None => return,
            },
        }
    }
}

/// The address for reports to the harness.
struct Callback {
    client: Client,
    url: String,
    count: u64,
}

impl Callback {
    async fn report(&mut self, message: Value) {
        self.count += 1;
        let url = format!("{}/{}", self.url, self.count);
        let request =
            self.client.post(url).header("content-type", "application/json").body(message.to_string());
        if let Err(error) = request.send().await {
            eprintln!("the harness was not told: {error}");
        }
    }
}
