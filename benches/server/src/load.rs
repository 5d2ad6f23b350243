//! Subscribers over loopback: one thread that only counts what arrives.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use memchr::memmem;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::Contender;

/// How often each contender has its turn in a cell; the median counts.
const TURNS: usize = 5;

pub fn run(subscribers: usize, seconds: u64, size: usize) {
    let contenders = [Contender::Hub, Contender::Broadcast];
    let mut processes = contenders.map(|contender| Process::start(contender, subscribers, size));
    println!(
        "{subscribers} subscribers, {size} bytes of data an event, medians of {TURNS} turns of {seconds} s\n"
    );
    println!("| burst | server | deliveries/s | ratio | server CPU µs/delivery | p50 ms | p99 ms |");
    println!("|---|---|---|---|---|---|---|");
    for burst in [1, 8, 64] {
        let mut turns = [vec![], vec![]];
        for _ in 0..TURNS {
            for (process, turns) in processes.iter_mut().zip(&mut turns) {
                turns.push(process.turn(burst, Duration::from_secs(seconds)));
            }
        }
        let [hub, other] = turns.each_ref().map(|turns| median(turns, |turn| turn.rate));
        for (contender, turns) in contenders.iter().zip(&turns) {
            let rate = median(turns, |turn| turn.rate);
            let ratio = if *contender == Contender::Hub { hub / other } else { 1.0 };
            println!(
                "| {burst} | {} | {rate:.0} | {ratio:.2} | {:.2} | {:.2} | {:.2} |",
                contender.name(),
                median(turns, |turn| turn.cpu),
                median(turns, |turn| turn.p50),
                median(turns, |turn| turn.p99),
            );
        }
    }
    println!("\nHeld over sockets, idle, by the counting allocator of the server:\n");
    let stack = Process::start(Contender::Stack, subscribers, size);
    for process in processes.iter_mut().chain([stack].iter_mut()) {
        println!("- {}: {} bytes a connection", process.contender.name(), process.bytes_per_connection);
    }
}

struct Turn {
    rate: f64,
    cpu: f64,
    p50: f64,
    p99: f64,
}

fn median(turns: &[Turn], value: impl Fn(&Turn) -> f64) -> f64 {
    let mut values: Vec<f64> = turns.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub struct Process {
    contender: Contender,
    child: Child,
    stdin: ChildStdin,
    subscribers: Vec<Subscriber>,
    poll: Poll,
    buffer: Vec<u8>,
    pub bytes_per_connection: isize,
}

struct Subscriber {
    stream: TcpStream,
    /// Blank lines counted, and whether the last byte was an LF.
    events: usize,
    after_lf: bool,
}

impl Process {
    pub fn start(contender: Contender, count: usize, size: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["contender", contender.name(), &size.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdin = child.stdin.take().expect("piped");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut address = String::new();
        stdout.read_line(&mut address).expect("the address");
        let before = bytes(&mut stdin, &mut stdout);
        let poll = Poll::new().expect("a poll");
        let subscribers = (0..count).map(|at| subscribe(address.trim(), contender, &poll, at)).collect();
        let bytes_per_connection = (bytes(&mut stdin, &mut stdout) - before) / count as isize;
        Self { contender, child, stdin, subscribers, poll, buffer: vec![0; 256 << 10], bytes_per_connection }
    }

    /// Bursts, each published when the one before has reached everybody.
    fn turn(&mut self, burst: usize, duration: Duration) -> Turn {
        let (cpu, start) = (self.cpu_seconds(), Instant::now());
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
            cpu: (self.cpu_seconds() - cpu) * 1e6 / deliveries as f64,
            p50: quantile(0.5),
            p99: quantile(0.99),
        }
    }

    /// Publishes, and returns when everybody got everything; `arrived` is told how many came at a time, and how long after.
    pub fn burst(&mut self, burst: usize, mut arrived: impl FnMut(usize, Duration)) -> Duration {
        let published = Instant::now();
        writeln!(self.stdin, "{burst}").expect("it reads");
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

    /// User and system time of the server, from `/proc`, in steps of 10 ms.
    fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("Linux");
        let fields = stat.rsplit(')').next().expect("a name").split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
        ticks as f64 / 100.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn bytes(stdin: &mut ChildStdin, stdout: &mut BufReader<ChildStdout>) -> isize {
    writeln!(stdin, "bytes").expect("it reads");
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it answers");
    line.trim().parse().expect("a number")
}

/// Connects, and reads the head of the response and, from the hub, the block that tells the client its place.
fn subscribe(address: &str, contender: Contender, poll: &Poll, at: usize) -> Subscriber {
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it reads");
    let mut head = vec![];
    let mut byte = [0];
    let end: &[u8] = if contender == Contender::Hub { b"\n\n\r\n" } else { b"\r\n\r\n" };
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
