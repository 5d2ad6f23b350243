//! Check of one client in one scenario.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::ChildStdout;
use tokio::time::{Instant, timeout, timeout_at};

use super::command::{OUTPUT, Template};
use super::events::of_line;
use super::result::Outcome;
use super::scenario::{Event, Received, Scenario, Then, Timing, same};
use super::server::{self, Log};

/// The time that a client has at least to start and to send its first request.
const START: Duration = Duration::from_secs(15);
/// How long a client is watched that must not reconnect.
const QUIET: Duration = Duration::from_millis(1200);
/// How long a client is watched for additional, wrong events after it has printed all expected
/// ones.
const MORE: Duration = Duration::from_millis(250);

/// Runs `scenario` against the client; waits for each expected step at most for `patience`.
pub(super) async fn judge(
    scenario: &Scenario,
    client: &Template,
    patience: Duration,
    prints: bool,
) -> Outcome {
    let started = Instant::now();
    let result = run(scenario, client, patience, prints).await;
    Outcome::new(scenario, result.err(), started.elapsed())
}

/// Runs the scenario once; an error describes what the client did wrong.
async fn run(scenario: &Scenario, client: &Template, patience: Duration, prints: bool) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("cannot run the scenario: {error}");
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(cannot)?;
    let url = format!("http://{}/", listener.local_addr().map_err(cannot)?);
    let log = server::log();
    let server = tokio::spawn(server::play(listener, scenario.replies.clone(), Arc::clone(&log)));
    let mut process =
        client.start(&url, prints).map_err(|error| format!("cannot start the client: {error}"))?;
    let (sender, mut printed) = tokio::sync::mpsc::unbounded_channel();
    if let Some(stdout) = process.child.stdout.take() {
        tokio::spawn(read_events(stdout, sender));
    }
    let (requests, exited) = wait_for_requests(scenario, &log, &mut process.child, patience).await;
    let mut events = Vec::new();
    if let Some(expected) = scenario.events.as_ref().filter(|_| prints) {
        let deadline = Instant::now() + patience;
        while events.len() < expected.len() {
            let Ok(Some(event)) = timeout_at(deadline, printed.recv()).await else { break };
            events.push(event);
        }
        while let Ok(Some(event)) = timeout(MORE, printed.recv()).await {
            events.push(event);
        }
    }
    server.abort();
    drop(process);
    scenario.check(&requests, Timing::All).map_err(|error| match exited {
        Some(status) if requests.len() < scenario.requests.len() => {
            format!("{error} (the command ended: {status})")
        }
        _ => error,
    })?;
    match &scenario.events {
        Some(expected) if prints && !same(expected, &events) => Err(events_differ(expected, &events)),
        _ => Ok(()),
    }
}

async fn read_events(stdout: ChildStdout, sender: tokio::sync::mpsc::UnboundedSender<Event>) {
    let mut lines = BufReader::new(stdout.take(OUTPUT)).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(event) = of_line(&line)
            && sender.send(event).is_err()
        {
            return;
        }
    }
}

/// Waits until all expected requests have arrived and no further one followed, the client has
/// ended, or `patience` is over. Returns the requests, and the exit status if the command ended.
async fn wait_for_requests(
    scenario: &Scenario,
    log: &Log,
    child: &mut tokio::process::Child,
    patience: Duration,
) -> (Vec<Received>, Option<ExitStatus>) {
    let expected = scenario.requests.len();
    let mut deadline = Instant::now() + patience.max(START);
    let mut seen = 0;
    let mut exited = None;
    loop {
        let count = log.received().len();
        if count > expected || (count == expected && scenario.then == Then::Any) {
            break;
        }
        if count > seen {
            seen = count;
            deadline = Instant::now() + if count == expected { QUIET } else { patience };
        }
        tokio::select! {
            changed = timeout_at(deadline, log.changed.notified()) => if changed.is_err() { break },
            status = child.wait(), if exited.is_none() => {
                exited = status.ok();
                // The client's last output may still be on its way.
                deadline = deadline.min(Instant::now() + MORE);
            }
        }
    }
    (log.received(), exited)
}

fn events_differ(expected: &[Event], seen: &[Event]) -> String {
    let at = expected.iter().zip(seen).take_while(|(a, b)| same(&[(*a).clone()], &[(*b).clone()])).count();
    let show = |events: &[Event]| {
        events.get(at).map_or_else(
            || "nothing".to_owned(),
            |event| crate::text::excerpt(&serde_json::to_string(event).unwrap_or_default(), 120),
        )
    };
    format!(
        "{} events in place of {}; event {} is {} in place of {}",
        seen.len(),
        expected.len(),
        at + 1,
        show(seen),
        show(expected)
    )
}
