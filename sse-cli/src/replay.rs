//! `sse replay`: a recorded stream, served again.

use std::convert::Infallible;
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use clap::Args;
use futures_util::stream;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::failure::{FAILED, Failure};
use crate::recording::{Entry, Reader, What};

/// Serve a recorded stream again
///
/// Reads what `sse tail --record` wrote. The first request gets the first recorded connection, chunk by chunk in the recorded time,
/// the second the second, and so on; after the last one the answer is 204, which tells clients to stop. Prints the URL.
///
/// Exit codes: 1 if the file cannot be read or the address not be used; it runs until it is ended.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The recording
    file: PathBuf,

    /// Play it so many times as fast; 0 for without waiting
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    speed: f64,

    /// Begin again after the last connection
    #[arg(long)]
    repeat: bool,

    /// Where to listen; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = loopback)]
    listen: SocketAddr,
}

fn speed(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(speed) if (0.0..=1e6).contains(&speed) => Ok(speed),
        _ => Err("not a number from 0 to 1000000"),
    }
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "not an address such as 127.0.0.1:8080")?;
    match address.ip().is_loopback() {
        true => Ok(address),
        false => Err("a recording is served on loopback only".to_owned()),
    }
}

/// A recorded connection.
#[derive(Debug)]
struct Connection {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// When its head came.
    began: Duration,
    chunks: Vec<(Duration, Bytes)>,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let name = arguments.file.display().to_string();
    let connections = read(arguments).map_err(|error| Failure::new(FAILED, &name, &error))?;
    if connections.is_empty() {
        return Err(Failure::Other { message: format!("{name}: there is no response in it"), code: FAILED });
    }
    let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
        Failure::new(FAILED, format_args!("cannot listen on {}", arguments.listen), &error)
    })?;
    let address = listener.local_addr().map_err(|error| Failure::new(FAILED, "cannot listen", &error))?;
    writeln!(std::io::stdout(), "listening on http://{address}/")?;
    let next = Arc::new(AtomicUsize::new(0));
    let connections: Arc<[Connection]> = connections.into();
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        // Chunks are served as they came: each at once.
        let _ = socket.set_nodelay(true);
        let (next, connections) = (Arc::clone(&next), Arc::clone(&connections));
        let (speed, repeat) = (arguments.speed, arguments.repeat);
        tokio::spawn(async move {
            let service = service_fn(move |_| {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let index = if repeat { number % connections.len() } else { number };
                let response = answer(&connections, index, speed);
                async { Ok::<_, Infallible>(response) }
            });
            // The client may hang up when it has seen enough.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

/// All connections of the recording.
fn read(arguments: &Arguments) -> std::io::Result<Vec<Connection>> {
    let mut reader = Reader::new(BufReader::new(File::open(&arguments.file)?))?;
    let mut connections: Vec<Connection> = Vec::new();
    while let Some(entry) = reader.next()? {
        match (&entry.what, connections.last_mut()) {
            (What::Head { status, headers }, _) => connections.push(connection(&entry, *status, headers)),
            (What::Text(_) | What::B64(_), Some(connection)) => {
                connection.chunks.push((entry.time(), entry.bytes().unwrap_or_default().into()));
            }
            _ => {}
        }
    }
    Ok(connections)
}

fn connection(entry: &Entry, status: u16, headers: &[(String, String)]) -> Connection {
    let headers = headers.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
    Connection {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
        headers: headers.collect(),
        began: entry.time(),
        chunks: Vec::new(),
    }
}

/// The response that was recorded as number `index`; 204 past the last.
fn answer(connections: &Arc<[Connection]>, index: usize, speed: f64) -> Response<Body> {
    let Some(connection) = connections.get(index) else { return StatusCode::NO_CONTENT.into_response() };
    let (start, all) = (Instant::now(), Arc::clone(connections));
    let body = stream::unfold(0, move |chunk| {
        let all = Arc::clone(&all);
        async move {
            let connection = &all[index];
            let (at, bytes) = connection.chunks.get(chunk)?;
            if speed > 0.0 {
                let after = at.saturating_sub(connection.began).div_f64(speed);
                tokio::time::sleep_until(start + after).await;
            }
            Some((Ok::<_, Infallible>(bytes.clone()), chunk + 1))
        }
    });
    let mut response = Response::new(Body::from_stream(body));
    *response.status_mut() = connection.status;
    response.headers_mut().extend(connection.headers.iter().cloned());
    response
}
