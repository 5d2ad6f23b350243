//! Benchmark of deliveries over loopback, with the load generator of `sse bench`.

use std::fmt::Write as _;
use std::time::Duration;

use crate::contenders::Contender;
use crate::generator::{Pace, Plan, Subscribers, Target, Watch};
use crate::nchan;
use crate::process::Server;

/// Number of turns of each contender in a cell; the median counts.
const TURNS: usize = 5;

/// The longest time without an arrival.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Prints the tables, and writes the figures to `csv` if it names a file.
pub fn run(subscribers: usize, seconds: u64, size: usize, csv: Option<&str>) {
    let mut contenders = vec![Contender::Hub, Contender::Broadcast, Contender::DiskHub];
    if nchan::is_installed() {
        contenders.push(Contender::Nchan);
    } else {
        println!("nginx + nchan is left out: `apt-get install nginx libnginx-mod-nchan`");
    }
    let start = |&contender: &Contender| Process::start(contender, subscribers, size);
    let mut processes: Vec<Process> = contenders.iter().map(start).collect();
    let mut records =
        String::from("server,subscribers,bytes,burst,deliveries_per_s,cpu_us_per_delivery,p50_ms,p99_ms\n");
    println!(
        "{subscribers} subscribers, {size} bytes of data an event, medians of {TURNS} turns of {seconds} s\n"
    );
    println!("| burst | server | deliveries/s | ratio | server CPU µs/delivery | p50 ms | p99 ms |");
    println!("|---|---|---|---|---|---|---|");
    for burst in [1, 8, 64] {
        let mut turns: Vec<Vec<Turn>> = contenders.iter().map(|_| vec![]).collect();
        for _ in 0..TURNS {
            for (process, turns) in processes.iter_mut().zip(&mut turns) {
                turns.push(process.turn(burst, Duration::from_secs(seconds)));
            }
        }
        let broadcast = median(&turns[1], |turn| turn.rate);
        for (contender, turns) in contenders.iter().zip(&turns) {
            let (name, rate) = (contender.name(), median(turns, |turn| turn.rate));
            let [cpu, p50, p99] = [
                median(turns, |turn| turn.cpu),
                median(turns, |turn| turn.p50),
                median(turns, |turn| turn.p99),
            ];
            let ratio = rate / broadcast;
            println!("| {burst} | {name} | {rate:.0} | {ratio:.2} | {cpu:.2} | {p50:.2} | {p99:.2} |");
            writeln!(records, "{name},{subscribers},{size},{burst},{rate:.0},{cpu:.4},{p50:.3},{p99:.3}")
                .expect("a String takes everything");
        }
    }
    if let Some(path) = csv {
        std::fs::write(path, records).expect("the CSV can be written");
    }
    println!("\nHeld over sockets, idle, by the counting allocator of the server:\n");
    let stack = Process::start(Contender::Stack, subscribers, size);
    for process in processes.iter().chain([&stack]) {
        if let Some(bytes) = process.bytes_per_connection {
            println!("- {}: {bytes} bytes a connection", process.server.contender.name());
        }
    }
}

pub struct Turn {
    elapsed: Duration,
    pub rate: f64,
    pub cpu: f64,
    p50: f64,
    p99: f64,
}

pub fn median(turns: &[Turn], value: impl Fn(&Turn) -> f64) -> f64 {
    let mut values: Vec<f64> = turns.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub struct Process {
    server: Server,
    subscribers: Subscribers,
    /// Bytes of data per event.
    size: usize,
    /// Allocated bytes for each connection; `None` for a server without a counting allocator.
    pub bytes_per_connection: Option<isize>,
}

/// Watch that observes nothing, and never stops a run.
struct Blind;

impl Watch for Blind {}

impl Process {
    pub fn start(contender: Contender, count: usize, size: usize) -> Self {
        Self::subscribe(Server::start(contender), count, size)
    }

    /// Connects `subscribers` subscribers to a server.
    pub fn subscribe(mut server: Server, count: usize, size: usize) -> Self {
        let contender = server.contender;
        let before = server.bytes();
        let target = Target {
            addresses: vec![server.address.parse().expect("an address")],
            request: b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".to_vec(),
        };
        let subscribers = Subscribers::connect(&target, count, PATIENCE, &mut Blind)
            .unwrap_or_else(|error| panic!("{}: {error}", contender.name()));
        assert_eq!(subscribers.len(), count);
        let held = before.zip(server.bytes()).map(|(before, after)| (after - before) / count as isize);
        Self { server, subscribers, size, bytes_per_connection: held }
    }

    /// Publishes bursts, each as soon as all subscribers have the burst before it.
    pub fn turn(&mut self, burst: usize, duration: Duration) -> Turn {
        self.run(burst, 1, duration, u64::MAX)
    }

    /// Publishes bursts concurrently, with as many in flight as there are publishers.
    pub fn concurrent(&mut self, burst: usize, publishers: u32, duration: Duration) -> Turn {
        self.run(burst, publishers, duration, u64::MAX)
    }

    /// Publishes one event, and returns how long it took until all subscribers had it.
    pub fn event(&mut self) -> Duration {
        self.run(1, 1, PATIENCE, 1).elapsed
    }

    fn run(&mut self, burst: usize, publishers: u32, time: Duration, bursts: u64) -> Turn {
        let burst = u32::try_from(burst).expect("a burst of this program");
        self.server.is_concurrent = publishers > 1;
        let pace = Pace::Closed { in_flight: publishers };
        let plan = Plan { pace, burst, size: self.size, time, bursts, patience: PATIENCE };
        let cpu = self.server.cpu_seconds();
        let turn = self.subscribers.run(&plan, Some(&mut self.server), &mut Blind).expect("it waits");
        let cpu = self.server.cpu_seconds() - cpu;
        if let Some(failure) = turn.failure {
            panic!("{}: {failure}", self.server.contender.name());
        }
        // Concurrent bursts are numbered when they are sent, and may be published in another order.
        let out_of_order = if publishers == 1 { turn.out_of_order } else { 0 };
        let faults = (turn.lost, turn.repeated, out_of_order, turn.cut, turn.others);
        assert_eq!(
            faults,
            (0, 0, 0, 0, 0),
            "{}: lost, repeated, out of order, cut, others",
            self.server.contender.name()
        );
        let quantile = |quantile| turn.latency.value_at_quantile(quantile) as f64 / 1000.0;
        Turn {
            elapsed: turn.elapsed,
            rate: turn.deliveries as f64 / turn.elapsed.as_secs_f64(),
            cpu: cpu * 1e6 / turn.deliveries as f64,
            p50: quantile(0.5),
            p99: quantile(0.99),
        }
    }
}
