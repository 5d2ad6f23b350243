//! Resident memory of an idle subscriber's connection, as the kernel counts it: plain HTTP/1.1, no
//! TLS.
//!
//! Compares `sse serve` with its defaults, bare hyper with a body that never ends (the minimum for
//! a server on hyper), and nginx with nchan.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use crate::nchan;

/// Numbers of connections after which memory is read.
const STEPS: [usize; 2] = [2_000, 10_000];

/// A server in a separate process, and the path that its subscribers request.
struct Server {
    name: &'static str,
    child: Child,
    address: String,
    path: &'static str,
    _directory: Option<nchan::Directory>,
}

/// Measures each server in turn; `sse` is the command to start.
pub fn run(sse: &str) {
    println!(
        "| server | empty, kB | bytes a connection at {} | at {} |\n|---|---|---|---|",
        STEPS[0], STEPS[1]
    );
    let starts: [fn(&str) -> Option<Server>; 3] = [bare, serve, nginx];
    for start in starts {
        let Some(server) = start(sse) else { continue };
        let empty = server.resident();
        let mut held = Vec::new();
        print!("| {} | {} |", server.name, empty >> 10);
        for step in STEPS {
            while held.len() < step {
                held.push(subscribe(&server));
            }
            // Tasks that were busy with the last connections finish.
            std::thread::sleep(Duration::from_secs(2));
            print!(" {} |", (server.resident() - empty) / step);
        }
        println!();
    }
}

fn bare(_: &str) -> Option<Server> {
    let this = std::env::current_exe().expect("this program");
    Some(Server::piped("bare hyper", Command::new(this).arg("bare"), "/"))
}

fn serve(sse: &str) -> Option<Server> {
    let mut command = Command::new(sse);
    command.args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::null());
    Some(Server::piped("sse serve", &mut command, "/events/t"))
}

fn nginx(_: &str) -> Option<Server> {
    let (child, address, _, directory) = nchan::is_installed().then(nchan::start)?;
    Some(Server { name: "nginx + nchan", child, address, path: "/", _directory: Some(directory) })
}

impl Server {
    /// Starts a server whose first line of output ends with its address.
    fn piped(name: &'static str, command: &mut Command, path: &'static str) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line of text");
        let address = line.trim().trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        Self { name, child, address, path, _directory: None }
    }

    /// Resident memory of the server in bytes (`VmRSS`).
    fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process has memory");
        let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kilobytes << 10
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Opens a connection and reads the head of its response.
fn subscribe(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(&server.address).expect("the server listens");
    let path = server.path;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut head = [0; 1024];
    let length = stream.read(&mut head).expect("the server answers");
    assert!(head[..length].starts_with(b"HTTP/1.1 200"), "{}: no stream", server.name);
    stream
}

/// A body that never ends and never yields.
struct Never;

impl Body for Never {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// Serves [`Never`] with only hyper and a tokio task for each connection.
pub fn serve_bare() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("http://{}/", listener.local_addr().expect("it is bound"));
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            tokio::spawn(async move {
                let never =
                    |_: Request<hyper::body::Incoming>| async { Ok::<_, Infallible>(Response::new(Never)) };
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(never)).await
            });
        }
    });
}
