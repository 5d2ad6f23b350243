//! Our client and our hub with a proxy between them that breaks every connection: cut, reset, stalled, trickled, half-open.
//!
//! **Every event arrives once, in order and whole, or the gap is told, with its exact size.** A run is one seed; a failure
//! names it. `SSE_FAULT_RUNS=5000` makes so many runs, `SSE_FAULT_SEED=7` begins with that seed.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    unreachable_pub,
    reason = "helpers are part of the tests"
)]

mod proxy;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::serve::ListenerExt;
use futures_util::StreamExt;
use proxy::{Fault, Proxy, Random};
use sse_tokio::server::{EventBuilder, GAP_EVENT, Hub, HubConfig, LastEventId, Topic};
use sse_tokio::server::{HistoryLimits, Slow};
use sse_tokio::{Config, Event, EventSource, Liveness, reqwest};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

const EVENTS: u64 = 40;

/// What the runs came upon.
#[derive(Debug, Default)]
struct Tally {
    faults: BTreeMap<Fault, u32>,
    reconnections: u32,
    /// Events that were told to be missing.
    missed: u64,
    /// Gaps of unknown size: the hub was restarted.
    restarts: u32,
}

/// The topic of now; a restarted hub has another.
type Current = Arc<Mutex<Topic>>;

async fn events(State(topic): State<Current>, id: LastEventId) -> impl IntoResponse {
    let topic = topic.lock().unwrap().clone();
    topic.subscribe(id.as_deref()).await.unwrap()
}

/// Of one line or several, with characters that a cut can split.
fn data(number: u64) -> String {
    let filler = ["", "\n", "é…\u{1f600}", "\n\nid: x\ndata: y", "a longer text that fills some chunks\n"];
    format!("{number} {}", filler[(number % 5) as usize].repeat((number * 7 % 11) as usize))
}

fn topic(history: usize, slow: Slow) -> Topic {
    let config = HubConfig {
        history: HistoryLimits { events: history, ..HistoryLimits::default() },
        keep_alive: Duration::from_secs(2),
        retry: Some(Duration::from_millis(100)),
        slow,
        ..HubConfig::default()
    };
    Hub::new(config).topic("t").unwrap()
}

async fn publish(current: Current, mut random: Random, history: usize, slow: Slow) {
    let restart_at = match random.below(4) {
        0 => 1 + random.below(EVENTS as usize - 1) as u64,
        _ => EVENTS,
    };
    let pause = [1, 50, 1000][random.below(3)];
    for number in 0..EVENTS {
        if number == restart_at {
            *current.lock().unwrap() = topic(history, slow);
        }
        let topic = current.lock().unwrap().clone();
        let Ok(_) = topic.publish(EventBuilder::new().data(&data(number))).await;
        sleep(Duration::from_millis(random.below(pause) as u64)).await;
    }
}

async fn run(seed: u64, tally: &mut Tally) {
    let mut random = Random(seed);
    let history = [4, 16, 4096][random.below(3)];
    let slow = [Slow::Tell, Slow::Disconnect][random.below(2)];
    let first = topic(history, slow);
    let Ok(start) = first.publish(EventBuilder::new().data("start")).await;
    let current: Current = Arc::new(Mutex::new(first));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    let app = Router::new().route("/", get(events)).with_state(Arc::clone(&current));
    // Small writes that wait for an acknowledgement would take real time, while the paused clock runs on.
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let proxy = Proxy::start(upstream, random.clone()).await;
    tokio::spawn(publish(current, random, history, slow));

    let config = Config {
        last_event_id: start,
        activity: Liveness::After(Duration::from_secs(5)),
        retry_status: Config::TRANSIENT_STATUS.to_vec(),
        ..Config::default()
    };
    let http = reqwest::Client::builder().tls_certs_only([]).no_proxy();
    let mut source = EventSource::builder(&proxy.url).config(config).client_builder(http).build().unwrap();
    // The number of the next event; after a gap of unknown size it is that one or a later one.
    let (mut next, mut unknown) = (0, false);
    while next < EVENTS {
        match source.next().await.unwrap().unwrap() {
            Event::Message(message) if message.event() == GAP_EVENT => {
                let missed = message.data().strip_prefix(r#"{"missed":"#).unwrap().strip_suffix('}').unwrap();
                match missed.parse::<u64>() {
                    Ok(missed) => {
                        next += missed;
                        tally.missed += missed;
                    }
                    Err(_) => {
                        assert_eq!(missed, "null", "seed {seed}");
                        unknown = true;
                        tally.restarts += 1;
                    }
                }
            }
            Event::Message(message) => {
                let number: u64 = message.data().split(' ').next().unwrap().parse().unwrap();
                assert!(
                    number == next || unknown && number > next,
                    "seed {seed}: {number} in place of {next}"
                );
                assert_eq!(message.data(), data(number), "seed {seed}");
                (next, unknown) = (number + 1, false);
            }
            Event::Disconnected { .. } => tally.reconnections += 1,
            _ => {}
        }
    }
    assert_eq!(next, EVENTS, "seed {seed}: gaps beyond the last event");
    for fault in proxy.done() {
        *tally.faults.entry(fault).or_default() += 1;
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn every_event_arrives_once_and_in_order_or_the_gap_is_told() {
    let (first, runs) = (number("SSE_FAULT_SEED", 0), number("SSE_FAULT_RUNS", 200));
    let mut tally = Tally::default();
    for seed in first..first + runs {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let day = Duration::from_secs(86_400);
            let ended = timeout(day, run(seed, &mut tally)).await;
            ended.unwrap_or_else(|_| panic!("seed {seed}: stuck"));
        });
    }
    println!("{runs} runs: {tally:?}");
    if runs >= 100 {
        assert_eq!(tally.faults.len(), Fault::ALL.len(), "a fault that never happened: {tally:?}");
        assert!(tally.missed > 0 && tally.restarts > 0, "no gap: {tally:?}");
    }
}
