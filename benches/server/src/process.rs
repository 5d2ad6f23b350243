//! A server in a separate process.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::contenders::Contender;
use crate::generator::{HttpPublisher, Publish, Usage};
use crate::nchan::{self, Directory};

pub struct Server {
    pub contender: Contender,
    pub address: String,
    /// Whether several bursts may be published at a time.
    pub is_concurrent: bool,
    child: Child,
    control: Control,
}

/// The channel for publish commands to the server.
enum Control {
    Pipe(ChildStdin, BufReader<ChildStdout>),
    /// By HTTP; the directory is removed with the server.
    Http(HttpPublisher, #[expect(dead_code, reason = "it is kept for its end")] Directory),
}

impl Server {
    pub fn start(contender: Contender) -> Self {
        Self::start_of(&std::env::current_exe().expect("this program"), contender)
    }

    /// Starts a contender of another build of this program.
    pub fn start_of(program: &Path, contender: Contender) -> Self {
        if contender == Contender::Nchan {
            let (child, address, publisher, directory) = nchan::start();
            let control = Control::Http(publisher, directory);
            return Self { contender, address, is_concurrent: false, child, control };
        }
        let mut child = Command::new(program)
            .args(["contender", contender.name()])
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
        Self { contender, address, is_concurrent: false, child, control: Control::Pipe(stdin, stdout) }
    }

    /// The bytes in use, according to the server's counting allocator; `None` if it has none.
    pub fn bytes(&mut self) -> Option<isize> {
        let Control::Pipe(stdin, stdout) = &mut self.control else { return None };
        writeln!(stdin, "bytes").expect("it reads");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it answers");
        Some(line.trim().parse().expect("a number"))
    }

    /// User and system time of the server, in steps of 10 ms.
    pub fn cpu_seconds(&self) -> f64 {
        Usage::sum(&[self.child.id()]).expect("Linux").cpu_seconds
    }
}

impl Publish for Server {
    fn publish(&mut self, burst: &[String]) -> Result<(), String> {
        match &mut self.control {
            Control::Pipe(stdin, _) => {
                let plus = if self.is_concurrent { "+" } else { "" };
                // One write: `ChildStdin` has no buffer.
                let line = format!("{plus}{}\n", burst.join(" "));
                stdin.write_all(line.as_bytes()).map_err(|error| error.to_string())
            }
            Control::Http(publisher, _) => publisher.publish(burst),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
