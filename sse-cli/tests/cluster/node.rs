//! `sse serve --redis` as a process that can be killed, stopped and started again on its port.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::PATIENCE;

#[derive(Debug)]
pub struct Node {
    process: Option<Child>,
    port: u16,
    url: String,
    environment: Vec<(String, String)>,
}

impl Node {
    pub fn start(url: &str) -> Self {
        Self::start_with(url, &[])
    }

    /// Starts the command with variables in its environment.
    pub fn start_with(url: &str, environment: &[(&str, &str)]) -> Self {
        let environment =
            environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut node = Self { process: None, port: 0, url: url.to_owned(), environment };
        node.run();
        node
    }

    /// The status and the body of a `GET`.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer[9..12].parse().unwrap(), answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// Waits until `/readyz` says what `right` accepts.
    pub fn wait_until(&self, right: impl Fn(&(u16, String)) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ready = self.get("/readyz");
            if right(&ready) {
                return;
            }
            assert!(Instant::now() < deadline, "{ready:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs the command, again on the port that it had before.
    pub fn run(&mut self) {
        let listen = format!("127.0.0.1:{}", self.port);
        let mut process = Command::new(env!("CARGO_BIN_EXE_sse"))
            .args(["serve", "--listen", &listen, "--redis", &self.url, "--retry", "100", "--keep-alive", "1"])
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().trim_end_matches('/').rsplit(':').next().unwrap();
        self.port = port.parse().unwrap_or_else(|_| panic!("no port in {line:?}"));
        self.process = Some(process);
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().ok();
        }
    }

    pub fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("the node runs").id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &process]).status().unwrap().success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
