//! Two `sse serve --redis` and 50 clients that know both, while faults are injected into one part
//! after the other: every client gets every acknowledged event once and in order, or a gap of the
//! right size.
//!
//! In real time, because the faults take theirs. `cargo test` runs one short seed;
//! `scripts/cluster.sh` runs many. Skipped, with a loud line, where `redis-server` is not
//! installed.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "helpers are part of the tests"
)]

mod client;
mod fault;
mod node;
mod publisher;
mod redis;
mod tls;

use std::env;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::{Followers, Received};
use fault::Fault;
use node::Node;
use publisher::Publisher;
use redis::RedisServer;

const CLIENTS: usize = 50;

/// The processes that the faults are applied to.
#[derive(Debug)]
pub struct Cluster {
    pub redis: RedisServer,
    pub nodes: [Node; 2],
}

/// A generator of its own (splitmix64), so that a seed is the same run everywhere.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }

    fn shuffled<T: Copy>(&mut self, items: &[T]) -> Vec<T> {
        let mut items = items.to_vec();
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at as u64 + 1) as usize);
        }
        items
    }
}

#[test]
fn two_nodes_on_one_redis_lose_nothing_silently_whatever_fails() {
    let number = |name, default| env::var(name).map_or(default, |value| value.parse().unwrap());
    let (seed, rounds) = (number("SSE_CLUSTER_SEED", 1), number("SSE_CLUSTER_ROUNDS", 1));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let Some(redis) = RedisServer::start() else { return };
    let nodes = [Node::start(&redis.url()), Node::start(&redis.url())];
    let mut random = Random(seed);
    let ports = [nodes[0].port(), nodes[1].port()];
    let mut cluster = Cluster { redis, nodes };
    let followers = runtime.block_on(Followers::start(CLIENTS, ports));
    let publisher = Publisher::start(ports, random.below(u64::MAX));
    let mut losses = Vec::new();
    for round in 0..rounds {
        for fault in random.shuffled(&Fault::ALL) {
            publisher.wait_for(20);
            let from = publisher.acknowledged();
            eprintln!("round {round}: {fault:?} after {from} events");
            fault.run(&mut cluster, &mut random, &publisher);
            publisher.wait_for(20);
            if fault.may_lose() {
                losses.push((from, publisher.acknowledged()));
            }
        }
    }
    let published = publisher.stop();
    let received = runtime.block_on(followers.all_have(published));
    for (client, received) in received.iter().enumerate() {
        if let Err(objection) = client::check(received, published, &losses) {
            panic!("seed {seed}, client {client}: {objection}");
        }
    }
    let events: usize = received
        .iter()
        .map(|received| received.iter().filter(|one| matches!(one, Received::Event(_))).count())
        .sum();
    let gaps: usize = received.iter().map(Vec::len).sum::<usize>() - events;
    eprintln!(
        "seed {seed}: {published} acknowledged, {events} received by {CLIENTS} clients, {gaps} gaps told"
    );
}

/// Shared between the test and its tasks.
pub type Shared<T> = Arc<Mutex<T>>;

/// How long anything may take before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);
