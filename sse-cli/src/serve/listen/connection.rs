//! One connection: its requests, how long it may be idle, and how it ends.
//!
//! - A connection that never asks, or begins a request and does not go on, is closed after ten
//!   seconds: it takes the place of another.
//! - An idle connection stays open for [`Limits::idle`], or for ten seconds when the server has no
//!   place for another connection; then it is shut down: HTTP/2 sends GOAWAY first, so that no
//!   request is lost on the way.

mod activity;
mod follow;
mod head;
mod protocol;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{HeaderName, HeaderValue};
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tokio_util::io::InspectReader;

use super::super::log::{Counting, Logged};
use super::super::metrics::{Connections, Counters, Open};
use super::super::stream::Ending;
use super::version::{Begun, detect};
pub(in crate::serve) use activity::Streaming;
use activity::{Activity, UnderWay};
use follow::Follow;
use protocol::{HTTP1, HTTP2};

/// How long a client may take for its TLS handshake, for the head of a request, and for its end.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The settings that all connections of a listener share.
pub(in crate::serve) struct Limits {
    /// How long a connection may have no request under way.
    pub(super) idle: Duration,
    /// `Keep-Alive: timeout=75`, for HTTP/1.1.
    pub(super) announced: HeaderValue,
    /// The places of connections: when all are taken, idle ones make room early.
    pub(super) places: Arc<Semaphore>,
    /// Whether only this machine reaches the listener.
    pub(super) loopback: bool,
    /// True once the server shuts down.
    pub(in crate::serve) closing: watch::Receiver<bool>,
    /// Counts responses.
    pub(in crate::serve) counters: Counters,
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
    /// Returns how a request came in; one without a mark of our listeners counts as public.
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
    let Some((stream, http2)) = Box::pin(begin(stream, &limits)).await else { return };
    let activity = Arc::new(Activity::default());
    let io = {
        let activity = Arc::clone(&activity);
        TokioIo::new(InspectReader::new(stream, move |bytes: &[u8]| activity.read(bytes.len())))
    };
    let service = {
        let (activity, limits) = (Arc::clone(&activity), Arc::clone(&limits));
        let app = TowerToHyperService::new(app);
        service_fn(move |mut request: Request<Incoming>| {
            if !http2 {
                head::detach(&mut request);
            }
            request.extensions_mut().insert(Via { loopback: limits.loopback });
            let version = request.version();
            let log = Logged::new(&request);
            let under_way = UnderWay::new(&activity);
            let (response, limits) = (app.call(request), Arc::clone(&limits));
            let answer =
                async move { Ok::<_, Infallible>(finish(response.await?, version, limits, log, under_way)) };
            // hyper keeps room for it as long as the connection lasts.
            Box::pin(answer) as Pin<Box<dyn Future<Output = _> + Send>>
        })
    };
    let followed: Pin<Box<dyn Future<Output = ()> + Send>> = match http2 {
        true => Box::pin(Follow::new(HTTP2.serve_connection(io, service), activity, limits, true)),
        false => Box::pin(Follow::new(HTTP1.serve_connection(io, service), activity, limits, false)),
    };
    followed.await;
}

/// Waits for the first bytes; returns whether they are of HTTP/2. `None` if they do not come in
/// time, or the server shuts down before.
async fn begin<S: AsyncRead + Unpin>(stream: S, limits: &Limits) -> Option<(Begun<S>, bool)> {
    let mut closing = limits.closing.clone();
    tokio::select! {
        detected = timeout(PATIENCE, detect(stream)) => detected.ok()?.ok(),
        () = async { drop(closing.wait_for(|closing| *closing).await) } => None,
    }
}

/// Adds to the response what a connection of HTTP/1.1 announces, and keeps count of its body.
fn finish(
    mut response: Response<Body>,
    version: Version,
    limits: Arc<Limits>,
    log: Logged,
    under_way: UnderWay,
) -> Response<Counting> {
    let ending = response.extensions_mut().remove::<Ending>();
    if version == Version::HTTP_11 && ending.is_none() {
        response.headers_mut().insert(HeaderName::from_static("keep-alive"), limits.announced.clone());
    }
    limits.counters.answered(&log, &response);
    let log = log.answered(&response);
    // The other responses are small: a client that does not take one in time does not want it.
    let stream = ending.map(|ending| (under_way.stream(), ending));
    response.map(|body| Counting::new(body, log, limits, stream))
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
