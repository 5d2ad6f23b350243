//! A server in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::contenders::Contender;
use crate::nchan::{self, Publisher};

pub struct Server {
    pub contender: Contender,
    pub address: String,
    child: Child,
    control: Control,
}

/// The way in which the server gets the order to publish.
enum Control {
    Pipe(ChildStdin, BufReader<ChildStdout>),
    Http(Publisher),
}

impl Server {
    /// Starts the server; its events have `size` bytes of data.
    pub fn start(contender: Contender, size: usize) -> Self {
        if contender == Contender::Nchan {
            let (child, address, publisher) = nchan::start(size);
            return Self { contender, address, child, control: Control::Http(publisher) };
        }
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["contender", contender.name(), &size.to_string()])
            .envs(crate::redis::URL.get().map(|url| ("SSE_REDIS", url)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdin = child.stdin.take().expect("piped");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut address = String::new();
        stdout.read_line(&mut address).expect("the address");
        let address = address.trim().to_owned();
        Self { contender, address, child, control: Control::Pipe(stdin, stdout) }
    }

    pub fn publish(&mut self, count: usize) {
        match &mut self.control {
            Control::Pipe(stdin, _) => writeln!(stdin, "{count}").expect("it reads"),
            Control::Http(publisher) => publisher.publish(count),
        }
    }

    /// As [`publish`](Self::publish), without waiting for what is being published.
    pub fn publish_beside_others(&mut self, count: usize) {
        let Control::Pipe(stdin, _) = &mut self.control else { panic!("it is another program") };
        writeln!(stdin, "+{count}").expect("it reads");
    }

    /// The bytes in use, by the server's counting allocator; `None` if it has none.
    pub fn bytes(&mut self) -> Option<isize> {
        let Control::Pipe(stdin, stdout) = &mut self.control else { return None };
        writeln!(stdin, "bytes").expect("it reads");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it answers");
        Some(line.trim().parse().expect("a number"))
    }

    /// User and system time of the server, from `/proc`, in steps of 10 ms.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("Linux");
        let fields = stat.rsplit(')').next().expect("a name").split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
        ticks as f64 / 100.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
