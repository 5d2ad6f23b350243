//! The server of a script on the runtime of the test, whose time may be paused (feature `tokio`).
//!
//! Under paused time, the clock moves only when client and server have nothing left to do but to
//! wait: what was written to a loopback socket can be read at once. Where a timer of the client
//! runs while bytes are on their way, [`frozen`] holds the clock until they are there.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::log::Log;
use crate::reply::Step;
use crate::{Reply, Request};

/// Answers requests by script, in their order; those after the script with 204, which ends a
/// client. Connections may overlap.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    script: Mutex<std::vec::IntoIter<Reply>>,
    log: Log,
    hung_up: Semaphore,
}

impl Server {
    /// Starts to play this script.
    pub async fn start(script: impl Into<Vec<Reply>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            script: Mutex::new(script.into().into_iter()),
            log: Log::new(Instant::now().into_std()),
            hung_up: Semaphore::new(0),
        });
        let server = Self { address, state: Arc::clone(&state) };
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(Arc::clone(&state).serve(socket));
            }
        });
        server
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far.
    pub fn received(&self) -> Vec<Request> {
        self.state.log.all()
    }

    /// The request lines without the version.
    pub fn lines(&self) -> Vec<String> {
        self.received().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }

    /// One header of every request.
    pub fn sent(&self, name: &str) -> Vec<Option<String>> {
        self.received().iter().map(|request| request.text(name).map(str::to_owned)).collect()
    }

    /// Waits until a client has hung up on a reply that holds its connection.
    pub async fn hung_up(&self) {
        self.state.hung_up.acquire().await.unwrap().forget();
    }
}

impl State {
    async fn serve(self: Arc<Self>, mut socket: TcpStream) {
        let mut bytes = Vec::new();
        let (request, reply) = loop {
            if socket.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
            let mut script = self.script.lock().unwrap();
            let early = script.as_slice().first().is_some_and(|reply| reply.early);
            if let Some(request) = Request::read(&bytes, early) {
                break (request, script.next().unwrap_or_else(Reply::no_content));
            }
        };
        self.log.add(request, Instant::now().into_std());
        for step in reply.steps {
            match step {
                // The client may be gone.
                Step::Send(bytes) => drop(socket.write_all(&bytes).await),
                Step::Sleep(time) => sleep(time).await,
                Step::Wait(message) => {
                    // The sender may be gone.
                    let wait = move || message.lock().unwrap().recv().ok();
                    tokio::task::spawn_blocking(wait).await.unwrap();
                }
                Step::Repeat(bytes, pause) => {
                    sleep(pause).await;
                    while socket.write_all(&bytes).await.is_ok() {
                        sleep(pause).await;
                    }
                }
                Step::Hold => {
                    while socket.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
                    self.hung_up.add_permits(1);
                }
            }
        }
        if reply.resets {
            socket.set_zero_linger().unwrap();
        }
        self.log.ended(Instant::now().into_std());
    }
}

/// Keeps paused time where it is until the future is done: a runtime with blocking work left does
/// not move its clock.
pub async fn frozen<T>(future: impl Future<Output = T>) -> T {
    let (release, held) = mpsc::channel::<()>();
    let work = tokio::task::spawn_blocking(move || held.recv());
    let output = future.await;
    drop(release);
    let _ = work.await;
    output
}
