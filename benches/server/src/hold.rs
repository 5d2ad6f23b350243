//! Benchmark that holds a given number of subscribers at once, and sends one event to all of them.
//!
//! A process may open only 20,000 sockets on this machine, so the subscribers are spread over pairs
//! of processes, a hub and its subscribers.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::contenders::Contender;
use crate::load::Process;

/// Number of subscribers of one hub.
const PART: usize = 12_500;
/// Number of events that are published one after the other.
const EVENTS: usize = 5;

pub fn run(subscribers: usize, size: usize) {
    let count = subscribers.div_ceil(PART);
    let parts: Vec<Child> = (0..count)
        .map(|at| {
            let held = subscribers * (at + 1) / count - subscribers * at / count;
            Command::new(std::env::current_exe().expect("this program"))
                .args(["part", &held.to_string(), &size.to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("it starts")
        })
        .collect();
    let start = Instant::now();
    let mut parts: Vec<_> = parts
        .into_iter()
        .map(|mut child| {
            let mut out = BufReader::new(child.stdout.take().expect("piped"));
            (read(&mut out), child, out)
        })
        .map(|(line, child, out)| {
            assert_eq!(line, "held", "a part failed");
            (child, out)
        })
        .collect();
    println!("{subscribers} subscribers held by {count} hubs after {:.1} s\n", start.elapsed().as_secs_f64());
    println!(
        "| subscribers | bytes a connection, HTTP stack included | an event to all, ms, median of {EVENTS} |"
    );
    println!("|---|---|---|");
    for (child, _) in &mut parts {
        child.stdin.as_mut().expect("piped").write_all(b"publish\n").expect("it reads");
    }
    for (child, out) in &mut parts {
        println!("{}", read(out));
        assert!(child.wait().expect("it was started").success(), "a part failed");
    }
}

fn read(out: &mut impl BufRead) -> String {
    let mut line = String::new();
    out.read_line(&mut line).expect("text");
    line.trim_end().to_owned()
}

/// Runs one hub and its subscribers: prints `held`, waits for a line, publishes, and prints its
/// row.
pub fn part(subscribers: usize, size: usize) {
    let mut process = Process::start(Contender::Hub, subscribers, size);
    println!("held");
    std::io::stdin().read_line(&mut String::new()).expect("a line");
    let mut times: Vec<Duration> = (0..EVENTS).map(|_| process.event()).collect();
    times.sort_unstable();
    let bytes = process.bytes_per_connection.expect("the hub counts");
    let median = times[EVENTS / 2].as_secs_f64() * 1000.0;
    println!("| {subscribers} | {bytes} | {median:.0} |");
}
