//! Benchmark of fan-out: the hub over its log on disk compared with the hub in memory, with one
//! publisher and with several.
//!
//! One publisher that waits for all subscribers measures the latency of the disk plus the fan-out.
//! Several publishers with as many bursts on their way measure the fan-out alone: while one waits
//! for the disk, the bursts of others are delivered.

use std::time::Duration;

use crate::contenders::Contender;
use crate::load::{Process, median};

/// Number of turns of each contender; the median counts.
const TURNS: usize = 5;

pub fn run(subscribers: usize, seconds: u64, size: usize) {
    let turn = Duration::from_secs(seconds);
    let mut hubs = [Contender::DiskHub, Contender::Hub].map(|hub| Process::start(hub, subscribers, size));
    println!(
        "{subscribers} subscribers, {size} bytes of data an event, medians of {TURNS} turns of {seconds} s\n\n\
         | burst | publishers | deliveries/s: disk, memory | ratio | CPU µs/delivery: disk, memory | ratio |\n\
         |---|---|---|---|---|---|"
    );
    for burst in [1, 8, 64] {
        for publishers in [1, 16] {
            let mut turns = [vec![], vec![]];
            for _ in 0..TURNS {
                for (hub, turns) in hubs.iter_mut().zip(&mut turns) {
                    turns.push(hub.concurrent(burst, publishers, turn));
                }
            }
            let [disk, memory] = turns.each_ref().map(|turns| median(turns, |turn| turn.rate));
            let [disk_cpu, memory_cpu] = turns.each_ref().map(|turns| median(turns, |turn| turn.cpu));
            println!(
                "| {burst} | {publishers} | {disk:.0}, {memory:.0} | {:.2} | {disk_cpu:.2}, {memory_cpu:.2} | {:.2} |",
                disk / memory,
                disk_cpu / memory_cpu
            );
        }
    }
}
