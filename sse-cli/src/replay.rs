//! `sse replay`: serves a recorded stream again.

use std::convert::Infallible;
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
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
use crate::recording::{Item, Reader};

/// Serve a recorded stream again
///
/// Reads a file of `sse tail --record`, and prints the URL of a server. The first request gets the
/// first recorded response, chunk by chunk at the recorded times, the second request the second
/// response, and so on. After the last response, requests are answered with 204, which ends
/// clients. The project's docs/command.md documents the format.
///
/// Runs until it is interrupted. Exit codes: 1 if the file cannot be read or the address cannot be
/// used.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// File with the recording
    file: PathBuf,

    /// Factor by which the replay is faster than the recording; 0 sends without waiting
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    speed: f64,

    /// Start again after the last response, instead of answering 204
    #[arg(long)]
    repeat: bool,

    /// Address to listen on; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = loopback)]
    listen: SocketAddr,
}

fn speed(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(speed) if speed == 0.0 || (1e-3..=1e6).contains(&speed) => Ok(speed),
        _ => Err("not 0, and not a number from 0.001 to 1000000"),
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
    headers: HeaderMap,
    /// The time of the response head.
    began: Duration,
    chunks: Vec<(Duration, Bytes)>,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let name = arguments.file.display().to_string();
    let connections = read(&arguments.file).map_err(|error| Failure::new(FAILED, &name, &error))?;
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
        // Each chunk is sent at its time, not held for the next.
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
fn read(path: &Path) -> std::io::Result<Vec<Connection>> {
    let mut reader = Reader::new(BufReader::new(File::open(path)?))?;
    let mut connections: Vec<Connection> = Vec::new();
    while let Some((at, item)) = reader.next()? {
        match (item, connections.last_mut()) {
            (Item::Head(status, headers), _) => {
                connections.push(Connection { status, headers, began: at, chunks: Vec::new() });
            }
            (Item::Bytes(bytes), Some(connection)) => connection.chunks.push((at, bytes.into())),
            _ => {}
        }
    }
    Ok(connections)
}

/// The recorded response with this index; 204 after the last one.
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
    *response.headers_mut() = connection.headers.clone();
    response
}
