//! Scripted server on the runtime of the test (feature `tokio`): sends exact bytes, and records its
//! requests.
//!
//! Under paused time, the clock moves only when client and server both wait; bytes written to a
//! loopback socket can be read at once. If a timer of the client runs while bytes are on their way,
//! use [`frozen`] to hold the clock until they have arrived.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Script of the server's response to one request.
#[derive(Clone, Debug)]
pub struct Answer(Vec<Step>);

#[derive(Clone, Debug)]
enum Step {
    Send(Vec<u8>),
    Sleep(Duration),
    Reset,
    Idle,
}

impl Answer {
    /// An event stream with this body, whose connection is closed at the end of the script.
    pub fn stream(body: impl AsRef<[u8]>) -> Self {
        Self::of_type("text/event-stream", body)
    }

    /// A 200 response with this content type.
    pub fn of_type(content_type: &str, body: impl AsRef<[u8]>) -> Self {
        Self::raw(format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n"))
            .send(body)
    }

    /// A response with this status, headers (`"Name: value\r\n"`), and body.
    pub fn status(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::raw(format!(
            "HTTP/1.1 {status} As Told\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        ))
    }

    /// A redirect with this status to `location`.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status, &format!("Location: {location}\r\n"), "")
    }

    /// A response with exactly these bytes.
    pub fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self(Vec::new()).send(bytes)
    }

    /// Adds bytes to send next.
    pub fn send(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.push(Step::Send(bytes.as_ref().to_vec()));
        self
    }

    /// Adds a pause.
    pub fn sleep(mut self, time: Duration) -> Self {
        self.0.push(Step::Sleep(time));
        self
    }

    /// Ends the script with a TCP reset.
    pub fn reset(mut self) -> Self {
        self.0.push(Step::Reset);
        self
    }

    /// Ends the script with a wait until the client disconnects.
    pub fn idle(mut self) -> Self {
        self.0.push(Step::Idle);
        self
    }
}

/// A request that the server received.
#[derive(Clone, Debug)]
pub struct Request {
    /// The request line, such as `GET /path HTTP/1.1`.
    pub line: String,
    /// The headers; names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, with its chunked framing if it has one.
    pub body: Vec<u8>,
    /// The time at which the head had arrived.
    pub at: Instant,
}

impl Request {
    /// The value of a header, whose name is in lower case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_slice())
    }

    /// The value of a header as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.header(name).map(|value| std::str::from_utf8(value).unwrap())
    }
}

/// A server that plays one answer for each request, in order, and answers later requests with 204,
/// which ends a client.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    script: Mutex<std::vec::IntoIter<Answer>>,
    requests: Mutex<Vec<Request>>,
    hung_up: Semaphore,
}

impl Server {
    /// Starts a server with this script on a loopback port.
    pub async fn start(script: impl Into<Vec<Answer>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            script: Mutex::new(script.into().into_iter()),
            requests: Mutex::default(),
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

    /// The URL of the server with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    /// The request lines so far, without the HTTP version.
    pub fn lines(&self) -> Vec<String> {
        self.requests().iter().map(|request| request.line.replace(" HTTP/1.1", "")).collect()
    }

    /// The value of the header `name` in each request so far; `None` where it is absent.
    pub fn sent(&self, name: &str) -> Vec<Option<String>> {
        self.requests().iter().map(|request| request.text(name).map(str::to_owned)).collect()
    }

    /// Waits until a client has disconnected during an `idle` answer.
    pub async fn hung_up(&self) {
        self.state.hung_up.acquire().await.unwrap().forget();
    }
}

impl State {
    async fn serve(self: Arc<Self>, mut socket: TcpStream) {
        let Some(request) = read_request(&mut socket).await else { return };
        self.requests.lock().unwrap().push(request);
        let answer = self.script.lock().unwrap().next();
        for step in answer.unwrap_or_else(|| Answer::status(204, "", "")).0 {
            match step {
                // The client may be gone.
                Step::Send(bytes) => drop(socket.write_all(&bytes).await),
                Step::Sleep(time) => tokio::time::sleep(time).await,
                Step::Reset => return socket.set_zero_linger().unwrap(),
                Step::Idle => {
                    while socket.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
                    self.hung_up.add_permits(1);
                }
            }
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut body = bytes.split_off(head + 4);
    let mut lines = bytes[..head].split(|&byte| byte == b'\n').map(|line| line.trim_ascii_end());
    let line = String::from_utf8(lines.next()?.to_vec()).unwrap();
    let headers: Vec<_> = lines
        .map(|line| {
            let colon = line.iter().position(|&byte| byte == b':').unwrap();
            let name = String::from_utf8(line[..colon].to_ascii_lowercase()).unwrap();
            (name, line[colon + 1..].trim_ascii().to_vec())
        })
        .collect();
    let mut request = Request { line, headers, body: Vec::new(), at: Instant::now() };
    let length = request.text("content-length").map_or(0, |length| length.parse().unwrap());
    let chunked = request.text("transfer-encoding") == Some("chunked");
    while body.len() < length || chunked && !body.ends_with(b"0\r\n\r\n") {
        if socket.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    request.body = body;
    Some(request)
}

/// Holds paused time until the future completes: a runtime with blocking work does not move its
/// clock.
pub async fn frozen<T>(future: impl Future<Output = T>) -> T {
    let (release, held) = mpsc::channel::<()>();
    let work = tokio::task::spawn_blocking(move || held.recv());
    let output = future.await;
    drop(release);
    let _ = work.await;
    output
}
