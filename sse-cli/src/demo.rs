//! `sse demo`: a server that breaks its streams, and a client that follows them without a loss.

mod ledger;
mod script;
mod server;
mod show;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use futures_util::StreamExt as _;
use serde::Serialize;
use sse_tokio::{Config, Event, EventSource, ReconnectPolicy, reqwest};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::failure::{FAILED, Failure};
use ledger::Ledger;
use script::Script;
use show::Show;

/// Follow a stream through broken connections without losing an event
///
/// Starts a server on a free port of this machine that streams a chat answer token by token, and
/// breaks the connection where it hurts: inside a line, between CR and LF, inside a character,
/// after a block that has only an ID. This project's client follows the stream; at the end, the
/// received events are compared with the events that the server had to send.
///
/// Exit codes: 0 if no event was lost or repeated, otherwise 1.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Print only the summary, as one JSON object
    #[arg(long)]
    json: bool,
}

/// Result of the demo.
#[derive(Serialize)]
struct Summary {
    /// Number of events that arrived.
    events: u64,
    /// Number of bytes of the streams that arrived, cut events included.
    bytes: u64,
    /// Number of connections opened after the first.
    reconnects: u64,
    lost: u64,
    repeated: u64,
}

/// The longest run of the demo, many times its usual length. Later events count as lost.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let script = Arc::new(Script::new());
    let cannot_listen = |error| Failure::new(FAILED, "cannot listen on 127.0.0.1", &error);
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let mut show = Show::new(!arguments.json);
    show.begin(address, script.cuts.len())?;
    let (cuts, places) = mpsc::unbounded_channel();
    let server = tokio::spawn(server::serve(listener, Arc::clone(&script), cuts));
    let summary = follow(address, &script, places, &mut show).await?;
    server.abort();
    if arguments.json {
        let line = serde_json::to_string(&summary).expect("numbers under text keys are JSON");
        writeln!(io::stdout(), "{line}")?;
    } else {
        show.end(&summary)?;
    }
    Ok(if summary.lost == 0 && summary.repeated == 0 { ExitCode::SUCCESS } else { FAILED.into() })
}

/// Follows the stream to its end with an ordinary client.
async fn follow(
    server: SocketAddr,
    script: &Script,
    mut places: mpsc::UnboundedReceiver<&'static str>,
    show: &mut Show,
) -> Result<Summary, Failure> {
    let bytes = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&bytes);
    // A stream on this machine needs neither a proxy nor certificates.
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    let mut source = EventSource::builder(format!("http://{server}/"))
        .client_builder(client)
        .config(Config::default().with_policy(ReconnectPolicy::default().with_max_attempts(10)))
        .on_chunk(move |chunk| {
            counter.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        })
        .build()
        .map_err(|error| Failure::new(FAILED, "cannot build the client", &error))?;
    let mut ledger = Ledger::new(&script.events);
    let mut connections = 0_u64;
    let end = Instant::now() + PATIENCE;
    while let Ok(Some(event)) = timeout_at(end, source.next()).await {
        match event {
            Ok(Event::Open(_)) => connections += 1,
            Ok(Event::Message(message)) => {
                ledger.enter(&message);
                show.token(message.data())?;
            }
            Ok(Event::Disconnected { cause, delay, .. }) => {
                let place = places.try_recv().ok();
                show.disconnected(place, &cause.cause(), delay, source.last_event_id())?;
            }
            Ok(_) => {}
            Err(error) => show.failed(&error),
        }
    }
    let (events, lost, repeated) = ledger.close();
    let bytes = bytes.load(Ordering::Relaxed);
    Ok(Summary { events, bytes, reconnects: connections.saturating_sub(1), lost, repeated })
}
