//! A Redis server for one test: on a free loopback port, in a temporary directory, killed when
//! dropped.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test uses a part of it")]

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

/// How long a busy machine may take to start a server, or to answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server that runs, or was killed and can run again on the same port and data.
#[derive(Debug)]
pub struct RedisServer {
    process: Option<Child>,
    directory: PathBuf,
    port: u16,
    options: Vec<String>,
}

impl RedisServer {
    /// Starts a server that loses nothing (`appendfsync always`); `None`, with a loud line, if
    /// `redis-server` is not installed.
    pub fn start() -> Option<Self> {
        Self::with_options(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    /// Starts a server with these options; the last value of an option counts.
    pub fn with_options(options: &[&str]) -> Option<Self> {
        let installed = Command::new(program()).arg("--version").stdout(Stdio::null()).status();
        if installed.is_err() {
            // To the process's own standard error, because the test harness would capture it.
            let skipped = "SKIPPED: redis-server is not installed (apt-get install -y redis-server)\n";
            let _ = io::stderr().write_all(skipped.as_bytes());
            return None;
        }
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("sse-redis-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("a temporary directory can be made");
        let port = free_port();
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let mut server = Self { process: None, directory, port, options };
        server.run();
        Some(server)
    }

    /// Runs the server again, after [`kill`](Self::kill), and waits until it answers.
    pub fn run(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let process = self.process.get_or_insert_with(|| {
                Command::new(program())
                    .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
                    .args(["--save", "", "--daemonize", "no"])
                    .args(["--dir", self.directory.to_str().unwrap()])
                    .args(&self.options)
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .expect("redis-server starts")
            });
            // Another process may hold the port for a moment.
            if process.try_wait().unwrap().is_some() {
                self.process = None;
            } else if self
                .try_command("PING")
                .is_ok_and(|answer| answer.starts_with("+PONG") || answer.starts_with("-NOAUTH"))
            {
                return;
            }
            assert!(Instant::now() < deadline, "redis-server does not answer");
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the server keeps its data.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Kills the server as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Sends a signal to the server, such as `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("the server runs");
        let status = Command::new("kill").args([&format!("-{signal}"), &process.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Sends one command, its words separated by blanks, and returns the answer as it came.
    pub fn command(&self, command: &str) -> String {
        self.try_command(command).expect("the server answers")
    }

    fn try_command(&self, command: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let mut reader = BufReader::new(stream);
        let mut answer = String::new();
        reader.read_line(&mut answer)?;
        // A bulk string has its length before it.
        if let Some(length) = answer.strip_prefix('$').and_then(|length| length.trim().parse::<usize>().ok())
        {
            let mut bytes = vec![0; length];
            reader.read_exact(&mut bytes)?;
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(answer.trim_end().to_owned())
    }
}

/// A free port that the system does not give to outgoing connections: a server can take it again
/// after it was killed.
pub fn free_port() -> u16 {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    loop {
        let at = process::id() as usize * 61 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (at % 20_000) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// `REDIS_SERVER` names another one, such as `valkey-server`.
fn program() -> String {
    env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned())
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
