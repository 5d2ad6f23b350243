//! This project's client and hub, with a proxy between them that breaks every connection: cut,
//! reset, stalled, trickled, half-open.
//!
//! **Every event arrives once, in order and whole, or the client gets the gap with its exact
//! size.** A run is one seed; a failure names it. `SSE_FAULT_RUNS=5000` makes that many runs,
//! `SSE_FAULT_SEED=7` begins with that seed.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    unreachable_pub,
    reason = "helpers are part of the tests"
)]

mod hub;
mod proxy;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use hub::Received;
use proxy::{Fault, Proxy, Random};
use sse_tokio::{Config, Event, EventSource, reqwest};
use tokio::time::timeout;

/// What the runs came upon.
#[derive(Debug, Default)]
struct Tally {
    faults: BTreeMap<Fault, u32>,
    reconnections: u32,
    missed: u64,
    restarts: u32,
}

async fn run(seed: u64, tally: &mut Tally) {
    let (upstream, start) = hub::start(Random(seed), 1000).await;
    let proxy = Proxy::start(upstream, Random(!seed)).await;
    let config = Config::default()
        .with_last_event_id(start)
        .with_idle_timeout(Duration::from_secs(5))
        .with_retry_status(Config::TRANSIENT_STATUS);
    let http = reqwest::Client::builder().tls_certs_only([]).no_proxy();
    let mut source = EventSource::builder(&proxy.url).config(config).client_builder(http).build().unwrap();
    let mut received = Received::default();
    while !received.all() {
        match source.next().await.unwrap().unwrap() {
            Event::Message(message) => received.event(message.event(), message.data(), seed),
            Event::Disconnected { .. } => tally.reconnections += 1,
            _ => {}
        }
    }
    tally.missed += received.missed;
    tally.restarts += received.restarts;
    for fault in proxy.done() {
        *tally.faults.entry(fault).or_default() += 1;
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn every_event_arrives_once_and_in_order_or_a_gap_is_reported() {
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
