//! One connection: its requests, how long it may be idle, and how it ends.
//!
//! - A connection that never asks, or begins a request and does not go on, is closed after ten
//!   seconds: it takes the place of another.
//! - An idle connection stays open for [`Limits::idle`], or for ten seconds when the server has no
//!   place for another connection; then it is shut down: HTTP/2 sends GOAWAY first, so that no
//!   request is lost on the way.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use http::header::{HeaderName, HeaderValue};
use http::{Request, Response, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::super::log::Logged;
use super::super::metrics::{Connections, Counters, Open};
use super::version::detect;

/// How long a client may take for its TLS handshake, for the head of a request, and for its end.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long an idle connection has for its end when others wait for its place.
const HASTE: Duration = Duration::from_secs(1);

/// What a connection, or a stream of HTTP/2, may hold that its client does not read: one batch of
/// events, roughly.
const WRITE_BUFFER: usize = 64 << 10;

/// What a connection of HTTP/2, and a stream of it, may hold of bodies that are not read yet. It is
/// the least that the protocol allows for a connection.
const WINDOW: u32 = (64 << 10) - 1;

/// The settings that all connections of a listener share.
pub(super) struct Limits {
    /// How long a connection may have no request under way.
    pub(super) idle: Duration,
    /// `Keep-Alive: timeout=75`, for HTTP/1.1.
    pub(super) announced: HeaderValue,
    /// The places of connections: when all are taken, idle ones make room early.
    pub(super) places: Arc<Semaphore>,
    /// Whether only this machine reaches the listener.
    pub(super) loopback: bool,
    /// True once the server shuts down.
    pub(super) closing: watch::Receiver<bool>,
    /// Counts responses.
    pub(super) counters: Counters,
    /// Counts the connections of the listener.
    pub(super) connections: Connections,
}

/// What a connection holds to its end: a place among the others, and its count.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    _open: Open,
}

impl Place {
    pub(super) fn new(permit: OwnedSemaphorePermit, open: Open) -> Self {
        Self { _permit: permit, _open: open }
    }
}

/// How a request came, for the rules about names and origins.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct Via {
    /// Whether only this machine reaches the listener.
    pub(in crate::serve) loopback: bool,
}

impl Via {
    /// That of a request; a request that did not come by a listener of ours counts as public.
    pub(in crate::serve) fn of(extensions: &http::Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self { loopback: false })
    }
}

/// Serves one connection to its end, and holds its place as long.
///
/// A task of tokio is as large as its future, for as long as the connection lasts: so what is large
/// is in boxes of its own size, and what belongs to one request is gone once its response has
/// begun.
pub(super) async fn serve(
    app: Router,
    limits: Arc<Limits>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    _place: Place,
) {
    let mut closing = limits.closing.clone();
    let detected = tokio::select! {
        detected = timeout(PATIENCE, detect(stream)) => detected,
        () = async { drop(closing.wait_for(|closing| *closing).await) } => return,
    };
    let Ok(Ok((stream, http2))) = detected else { return };
    let counts = Arc::new(Counts::default());
    let io = TokioIo::new(Counted { stream, counts: Arc::clone(&counts) });
    let service = {
        let (counts, limits) = (Arc::clone(&counts), Arc::clone(&limits));
        let app = TowerToHyperService::new(app);
        service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Via { loopback: limits.loopback });
            let version = request.version();
            let log = Logged::new(&request);
            let under_way = UnderWay::new(&counts);
            let (response, limits) = (app.call(request), Arc::clone(&limits));
            let answer =
                async move { Ok::<_, Infallible>(finish(response.await?, version, &limits, log, under_way)) };
            // hyper keeps room for it as long as the connection lasts.
            Box::pin(answer) as Pin<Box<dyn Future<Output = _> + Send>>
        })
    };
    let followed: Pin<Box<dyn Future<Output = ()> + Send>> = match http2 {
        true => Box::pin(follow(Box::pin(HTTP2.serve_connection(io, service)), counts, limits, closing)),
        false => Box::pin(follow(Box::pin(HTTP1.serve_connection(io, service)), counts, limits, closing)),
    };
    followed.await;
}

/// Drives a connection until it ends, is idle or stuck, or the server has shut it down.
async fn follow(
    mut connection: Pin<Box<impl GracefulConnection>>,
    counts: Arc<Counts>,
    limits: Arc<Limits>,
    mut closing: watch::Receiver<bool>,
) {
    let mut shut_down = false;
    let mut watch = Watch { since: Instant::now(), asked: 0, read: 0 };
    loop {
        let tick = sleep_until(Instant::now() + limits.idle.min(PATIENCE));
        tokio::select! {
            _ = connection.as_mut() => return,
            () = async { drop(closing.wait_for(|closing| *closing).await) }, if !shut_down => {
                shut_down = true;
                connection.as_mut().graceful_shutdown();
            }
            () = tick, if !shut_down => {
                let crowded = limits.places.available_permits() == 0;
                let (idle, grace) = if crowded { (PATIENCE, HASTE) } else { (limits.idle, PATIENCE) };
                match watch.look(&counts, idle) {
                    Verdict::Healthy => {}
                    Verdict::Stuck => return,
                    Verdict::Idle => {
                        connection.as_mut().graceful_shutdown();
                        // A request that crosses the GOAWAY is still answered.
                        let _ = timeout(grace, connection.as_mut()).await;
                        return;
                    }
                }
            }
        }
    }
}

/// Adds to the response what a connection of HTTP/1.1 announces, and keeps count of its body.
fn finish(
    mut response: Response<Body>,
    version: Version,
    limits: &Limits,
    log: Logged,
    under_way: UnderWay,
) -> Response<Body> {
    let streams = response.body().size_hint().exact().is_none();
    if version == Version::HTTP_11 && !streams {
        response.headers_mut().insert(HeaderName::from_static("keep-alive"), limits.announced.clone());
    }
    limits.counters.answered(&log, &response);
    let log = log.answered(&response);
    // The other responses are small: a client that does not take one in time does not want it.
    let under_way = streams.then_some(under_way);
    let closing = limits.closing.clone();
    response.map(|body| {
        Body::new(log.body(body, closing).map_frame(move |frame| {
            let _until_the_body_ends = &under_way;
            frame
        }))
    })
}

/// How HTTP/1.1 is spoken, the same on every connection.
static HTTP1: LazyLock<http1::Builder> = LazyLock::new(|| {
    let mut http = http1::Builder::new();
    // Heads have their time by `Watch`: hyper's own would also end connections that are idle
    // between requests.
    http.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(WRITE_BUFFER);
    http
});

/// How HTTP/2 is spoken, the same on every connection.
static HTTP2: LazyLock<http2::Builder<TokioExecutor>> = LazyLock::new(|| {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(PATIENCE)
        .max_send_buf_size(WRITE_BUFFER)
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .max_concurrent_streams(256);
    http
});

/// The activity of a connection so far.
#[derive(Debug, Default)]
struct Counts {
    /// Bytes read.
    read: AtomicU64,
    /// Requests whose heads are complete.
    asked: AtomicU64,
    /// Requests without a response yet, and streams that go on.
    under_way: AtomicU64,
}

/// A request under way, until it is dropped with the body of its response.
struct UnderWay(Arc<Counts>);

impl UnderWay {
    fn new(counts: &Arc<Counts>) -> Self {
        counts.asked.fetch_add(1, Ordering::Relaxed);
        counts.under_way.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(counts))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is to become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Healthy,
    /// It has never asked, or has begun to and stopped.
    Stuck,
    /// Nothing has been under way for long enough.
    Idle,
}

/// What was seen at the last look.
#[derive(Debug)]
struct Watch {
    /// Since when nothing has been under way.
    since: Instant,
    asked: u64,
    read: u64,
}

impl Watch {
    fn look(&mut self, counts: &Counts, idle: Duration) -> Verdict {
        let (asked, read) = (counts.asked.load(Ordering::Relaxed), counts.read.load(Ordering::Relaxed));
        let busy = counts.under_way.load(Ordering::Relaxed) > 0 || asked != self.asked;
        let begun = read != self.read;
        (self.asked, self.read) = (asked, read);
        if busy {
            self.since = Instant::now();
            return Verdict::Healthy;
        }
        let waited = self.since.elapsed();
        if waited >= PATIENCE && (asked == 0 || begun) {
            // Bytes came, and no request: at the look before, they were not there.
            return Verdict::Stuck;
        }
        if waited >= idle { Verdict::Idle } else { Verdict::Healthy }
    }
}

/// A stream that counts what is read.
struct Counted<S> {
    stream: S,
    counts: Arc<Counts>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.counts.read.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_task_of_a_connection_is_small() {
        let places = Arc::new(Semaphore::new(1));
        let place = Arc::clone(&places).acquire_owned().await.expect("it is open");
        let counters = Counters::new();
        let connections = counters.listener("unix");
        let place = Place::new(place, connections.accept());
        let limits = Limits {
            idle: PATIENCE,
            announced: HeaderValue::from_static("timeout=10"),
            places,
            loopback: true,
            closing: watch::channel(false).1,
            counters,
            connections,
        };
        let (_client, server) = tokio::net::UnixStream::pair().expect("a pair of sockets");
        let task = serve(Router::new(), Arc::new(limits), server, place);
        assert!(size_of_val(&task) <= 768, "{} bytes", size_of_val(&task));
    }
}
