//! Subscribers over loopback: one thread that only counts what arrives.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write as _};
use std::time::{Duration, Instant};

use memchr::memmem;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::contenders::Contender;
use crate::nchan;
use crate::process::Server;

/// How often each contender has its turn in a cell; the median counts.
const TURNS: usize = 5;

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
    subscribers: Vec<Subscriber>,
    poll: Poll,
    buffer: Vec<u8>,
    /// `None` for a server without a counting allocator.
    pub bytes_per_connection: Option<isize>,
}

struct Subscriber {
    stream: TcpStream,
    /// Blank lines counted, and whether the last byte was an LF.
    events: usize,
    after_lf: bool,
}

impl Process {
    pub fn start(contender: Contender, count: usize, size: usize) -> Self {
        let mut server = Server::start(contender, size);
        let before = server.bytes();
        let poll = Poll::new().expect("a poll");
        let subscribers = (0..count).map(|at| subscribe(&server.address, contender, &poll, at)).collect();
        let held = before.zip(server.bytes()).map(|(before, after)| (after - before) / count as isize);
        Self { server, subscribers, poll, buffer: vec![0; 256 << 10], bytes_per_connection: held }
    }

    /// Bursts, each published when all subscribers have the one before it.
    pub fn turn(&mut self, burst: usize, duration: Duration) -> Turn {
        let (cpu, start) = (self.server.cpu_seconds(), Instant::now());
        let mut latencies = vec![];
        let mut deliveries = 0;
        while start.elapsed() < duration {
            self.burst(burst, |count, after| {
                latencies.extend(std::iter::repeat_n(after.as_micros() as u32, count));
            });
            deliveries += burst * self.subscribers.len();
        }
        let elapsed = start.elapsed().as_secs_f64();
        latencies.sort_unstable();
        let quantile =
            |part: f64| f64::from(latencies[((latencies.len() - 1) as f64 * part) as usize]) / 1000.0;
        Turn {
            rate: deliveries as f64 / elapsed,
            cpu: (self.server.cpu_seconds() - cpu) * 1e6 / deliveries as f64,
            p50: quantile(0.5),
            p99: quantile(0.99),
        }
    }

    /// Bursts, up to `publishers` of them on their way at a time; without latencies.
    pub fn overlapping(&mut self, burst: usize, publishers: usize, duration: Duration) -> Turn {
        let (cpu, start) = (self.server.cpu_seconds(), Instant::now());
        let had: Vec<usize> = self.subscribers.iter().map(|subscriber| subscriber.events).collect();
        // Of the slowest one, which would be dropped otherwise.
        let slowest = |subscribers: &[Subscriber]| {
            subscribers.iter().zip(&had).map(|(subscriber, had)| subscriber.events - had).min().unwrap_or(0)
        };
        let (mut published, mut received) = (0, 0);
        while start.elapsed() < duration || received < published {
            while start.elapsed() < duration && published < received + publishers * burst {
                self.server.publish_beside_others(burst);
                published += burst;
            }
            self.read();
            received = slowest(&self.subscribers);
        }
        let delivered = received * self.subscribers.len();
        let rate = delivered as f64 / start.elapsed().as_secs_f64();
        let cpu = (self.server.cpu_seconds() - cpu) * 1e6 / delivered as f64;
        Turn { rate, cpu, p50: 0.0, p99: 0.0 }
    }

    /// Publishes, and returns when all subscribers have all events; `arrived` gets the count and delay of each read.
    pub fn burst(&mut self, burst: usize, mut arrived: impl FnMut(usize, Duration)) -> Duration {
        let published = Instant::now();
        self.server.publish(burst);
        let mut wanted = burst * self.subscribers.len();
        while wanted > 0 {
            for count in self.read() {
                wanted = wanted.checked_sub(count).expect("nobody gets more");
                arrived(count, published.elapsed());
            }
        }
        published.elapsed()
    }

    /// Waits for something to arrive; returns how many events came on each connection.
    fn read(&mut self) -> Vec<usize> {
        let mut ready = Events::with_capacity(1024);
        self.poll.poll(&mut ready, Some(Duration::from_secs(10))).expect("it waits");
        assert!(!ready.is_empty(), "nothing arrived for 10 s");
        ready.iter().map(|event| self.subscribers[event.token().0].read(&mut self.buffer)).collect()
    }
}

/// Connects, and reads the head of the response and the first block: the hub's tells the client its place, nchan's greets.
fn subscribe(address: &str, contender: Contender, poll: &Poll, at: usize) -> Subscriber {
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        .expect("it reads");
    let mut head = vec![];
    let mut byte = [0];
    let end: &[u8] = match contender {
        Contender::Hub | Contender::DiskHub | Contender::RedisHub => b"\n\n\r\n",
        Contender::Nchan => b": hi\n\n",
        Contender::Broadcast | Contender::Stack => b"\r\n\r\n",
    };
    while !head.ends_with(end) {
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    stream.set_nonblocking(true).expect("a socket");
    let mut stream = TcpStream::from_std(stream);
    poll.registry().register(&mut stream, Token(at), Interest::READABLE).expect("a poll");
    Subscriber { stream, events: 0, after_lf: false }
}

impl Subscriber {
    /// Reads all there is and counts the blank lines; the lines of the chunked coding end with CRLF and make none.
    fn read(&mut self, buffer: &mut [u8]) -> usize {
        let before = self.events;
        loop {
            match self.stream.read(buffer) {
                Ok(0) => panic!("the server ended a stream"),
                Ok(length) => {
                    let bytes = &buffer[..length];
                    self.events += usize::from(self.after_lf && bytes[0] == b'\n');
                    self.events += memmem::find_iter(bytes, b"\n\n").count();
                    self.after_lf = bytes.ends_with(b"\n") && !bytes.ends_with(b"\n\n") && length > 1;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return self.events - before,
                Err(error) => panic!("{error}"),
            }
        }
    }
}
