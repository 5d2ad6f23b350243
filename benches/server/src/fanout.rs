//! Benchmark of fan-out: the hub over its log on disk, and the hub of another commit, compared
//! with the hub in memory.
//!
//! One publisher that waits for all subscribers measures the latency of the disk plus the fan-out.
//! Several publishers, each with one burst on its way, measure the fan-out alone: while one waits
//! for the disk, the bursts of others are delivered. A hub in memory that publishes what is already
//! in a synced raw file shows which part of the difference is the latency of the disk.

use std::path::Path;
use std::time::Duration;

use crate::contenders::Contender;
use crate::load::{Process, Turn, median};
use crate::process::Server;

/// Number of turns of each contender; the median counts.
const TURNS: usize = 5;

pub fn run(subscribers: usize, seconds: u64, size: usize) {
    let turn = Duration::from_secs(seconds);
    let contenders = [Contender::DiskHub, Contender::SyncedHub, Contender::Hub];
    let mut hubs = contenders.map(|hub| Process::start(hub, subscribers, size));
    println!(
        "{subscribers} subscribers, {size} bytes of data an event, medians of {TURNS} turns of {seconds} s\n\n\
         | burst | publishers | deliveries/s: disk, raw file and memory, memory | disk ÷ memory | disk ÷ raw file and memory \
         | CPU µs/delivery: disk, memory | ratio |\n\
         |---|---|---|---|---|---|---|"
    );
    for burst in [1, 8, 64] {
        for publishers in [1, 16] {
            let [disk, synced, memory] = turns(&mut hubs, |hub| hub.concurrent(burst, publishers, turn));
            println!(
                "| {burst} | {publishers} | {:.0}, {:.0}, {:.0} | {:.2} | {:.2} | {:.2}, {:.2} | {:.2} |",
                disk.rate,
                synced.rate,
                memory.rate,
                disk.rate / memory.rate,
                disk.rate / synced.rate,
                disk.cpu,
                memory.cpu,
                disk.cpu / memory.cpu
            );
        }
    }
}

/// The hub in memory of this build beside that of `program`, another build.
pub fn against(program: &Path, subscribers: usize, seconds: u64, size: usize) {
    let turn = Duration::from_secs(seconds);
    let servers = [Server::start(Contender::Hub), Server::start_of(program, Contender::Hub)];
    let mut hubs = servers.map(|server| Process::subscribe(server, subscribers, size));
    println!(
        "{subscribers} subscribers, {size} bytes of data an event, medians of {TURNS} turns of {seconds} s\n\n\
         | burst | deliveries/s: this build, the other | ratio | CPU µs/delivery: this build, the other | ratio |\n\
         |---|---|---|---|---|"
    );
    for burst in [1, 8, 64] {
        let [this, other] = turns(&mut hubs, |hub| hub.turn(burst, turn));
        println!(
            "| {burst} | {:.0}, {:.0} | {:.2} | {:.2}, {:.2} | {:.2} |",
            this.rate,
            other.rate,
            this.rate / other.rate,
            this.cpu,
            other.cpu,
            this.cpu / other.cpu
        );
    }
}

struct Medians {
    rate: f64,
    cpu: f64,
}

/// Lets the hubs take turns.
fn turns<const N: usize>(
    hubs: &mut [Process; N],
    mut turn: impl FnMut(&mut Process) -> Turn,
) -> [Medians; N] {
    let mut turns = [const { vec![] }; N];
    for _ in 0..TURNS {
        for (hub, turns) in hubs.iter_mut().zip(&mut turns) {
            turns.push(turn(hub));
        }
    }
    turns
        .map(|turns| Medians { rate: median(&turns, |turn| turn.rate), cpu: median(&turns, |turn| turn.cpu) })
}
