//! A server on a loopback port that plays a script on a thread, one connection after the other and
//! one reply to each; or answers every request by a function.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::log::Log;
use crate::reply::Step;
use crate::{Reply, Request};

/// A server that plays a script, or answers by a function.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    log: Arc<Log>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Plays this script, on a thread. After the last reply, connections are refused.
    pub fn play(script: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log::new(Instant::now()));
        let script: Vec<_> = script.into_iter().collect();
        let requests = Arc::clone(&log);
        let thread = thread::spawn(move || {
            for reply in script {
                let (mut socket, _) = listener.accept().unwrap();
                // The client may be gone, because it has seen enough.
                let _ = serve(&mut socket, &reply, |request| requests.add(request, Instant::now()));
                if reply.resets {
                    socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
                }
                requests.ended(Instant::now());
            }
        });
        Self { address, log, thread }
    }

    /// Answers every request by a function, on a thread for each connection, until the test program
    /// ends: [`requests`](Self::requests) never returns.
    pub fn answer(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log::new(Instant::now()));
        let (requests, answer) = (Arc::clone(&log), Arc::new(answer));
        let thread = thread::spawn(move || {
            for socket in listener.incoming() {
                let (mut socket, requests, answer) =
                    (socket.unwrap(), Arc::clone(&requests), Arc::clone(&answer));
                // The client may hang up at any time.
                thread::spawn(move || -> io::Result<()> {
                    let request = receive(&mut socket, false)?;
                    let reply = answer(&request);
                    requests.add(request, Instant::now());
                    send(&mut socket, &reply)
                });
            }
        });
        Self { address, log, thread }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far.
    pub fn received(&self) -> Vec<Request> {
        self.log.all()
    }

    /// The requests, once the script is played to its end.
    pub fn requests(self) -> Vec<Request> {
        self.thread.join().unwrap();
        self.log.all()
    }

    /// The next request that this has not returned yet, which has been made or is about to be.
    pub fn request(&self) -> Request {
        self.log.next()
    }

    /// How many requests [`request`](Self::request) has not returned.
    pub fn further_requests(&self) -> usize {
        self.log.further()
    }
}

/// Reads one request, hands it over, and takes the steps of the reply; the caller closes the
/// stream.
///
/// # Errors
///
/// Those of the stream; `UnexpectedEof` if it ends before the request does.
pub fn serve(stream: &mut (impl Read + Write), reply: &Reply, seen: impl FnOnce(Request)) -> io::Result<()> {
    seen(receive(stream, reply.early)?);
    send(stream, reply)
}

/// Reads one request; its head alone if `early`.
fn receive(stream: &mut impl Read, early: bool) -> io::Result<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => bytes.extend_from_slice(&buffer[..length]),
        }
        if let Some(request) = Request::read(&bytes, early) {
            return Ok(request);
        }
    }
}

/// Takes the steps of a reply.
fn send(stream: &mut (impl Read + Write), reply: &Reply) -> io::Result<()> {
    for step in &reply.steps {
        match step {
            Step::Send(bytes) => stream.write_all(bytes)?,
            Step::Sleep(time) => thread::sleep(*time),
            // The sender may be gone.
            Step::Wait(message) => _ = message.lock().unwrap().recv(),
            Step::Repeat(bytes, pause) => loop {
                thread::sleep(*pause);
                stream.write_all(bytes)?;
            },
            Step::Hold => while stream.read(&mut [0; 64])? > 0 {},
        }
    }
    stream.flush()
}
