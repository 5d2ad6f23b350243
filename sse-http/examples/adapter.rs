//! A complete adapter over hyper and tokio: `scripts/new-adapter.md` builds it step by step.
//!
//! `cargo run -p sse-http --example adapter -- http://127.0.0.1:8080/events/news`

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use proto::{Config, Epoch, Instant, Timer};
use sse_http::client::{Client, Draft, Error, Event, EventSource, Hooks, Route, TransportError, Url};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep_until, timeout};

/// The clock of tokio.
#[derive(Clone, Default)]
struct Clock(Epoch);

/// A time that a clock cannot hold is this far away.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

impl Timer for Clock {
    // Boxed, so that the source is `Unpin`.
    type Sleep = Pin<Box<Sleep>>;

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        let far = || std::time::Instant::now() + FAR;
        Box::pin(sleep_until(self.0.to_std(deadline).unwrap_or_else(far).into()))
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}

/// The body of a response.
struct Body(Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>);

impl Stream for Body {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// One connection for each request, HTTP/1.1, without TLS.
struct Hyper {
    clock: Clock,
    connect_timeout: Duration,
}

impl Client for Hyper {
    type Clock = Clock;
    type Body = Body;

    fn clock(&self) -> &Clock {
        &self.clock
    }

    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let url = Url::parse(&request.uri().to_string())?;
        if url.scheme() != "http" {
            return Err(TransportError::Tls("this example has no TLS".into()));
        }
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));

        // Nothing was sent yet. `Connect` and `ConnectTimeout` mean this, so a `POST` may be
        // repeated.
        let socket = timeout(self.connect_timeout, TcpStream::connect((host, port)))
            .await
            .map_err(|_| TransportError::ConnectTimeout)?
            .map_err(|error| TransportError::Connect(error.into()))?;

        // `Host`, and the path as the request target.
        Route::Direct.address(&mut request, &url)?;

        // From here on the server may have seen the request. `Http` means this.
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(broken)?;
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request.map(Full::new)).await.map_err(broken)?;
        Ok(response.map(|incoming| {
            let guard = AbortOnDrop(connection);
            Body(Box::pin(incoming.into_data_stream().map_err(broken).inspect(move |_| {
                let _ = &guard;
            })))
        }))
    }
}

/// Closes the connection when the body is dropped.
struct AbortOnDrop(tokio::task::JoinHandle<hyper::Result<()>>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn broken(error: hyper::Error) -> TransportError {
    TransportError::Http(error.into())
}

/// A source of the events at `url`.
fn source(url: &str) -> Result<EventSource<Hyper>, Error<Body>> {
    let config = Config::default();
    let connect_timeout = config.connect_timeout().unwrap_or(FAR);
    let client = Hyper { clock: Clock::default(), connect_timeout };
    EventSource::with_client(Draft::get(url), config, Hooks::default(), client)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: adapter URL")?;
    let mut source = source(&url)?;
    while let Some(event) = source.try_next().await? {
        match event {
            Event::Message(message) => println!("{}: {}", message.event(), message.data()),
            Event::Disconnected { cause, delay, .. } => eprintln!("{cause}; reconnecting in {delay:?}"),
            _ => {}
        }
    }
    Ok(())
}
