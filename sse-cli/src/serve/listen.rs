//! Listeners of `sse serve`: sockets, TLS, limits, signals, and the shutdown.

pub(crate) mod address;
pub(super) mod connection;
mod health;
mod service;
mod socket;
mod tls;
mod version;

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::header::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{MissedTickBehavior, timeout};

use super::metrics::Counters;
use super::settings::Shown;
use super::{Arguments, engine, log, routes};
use crate::signals::{HangUp, Signals};
use connection::{Limits, PATIENCE, Place};
use health::HealthLog;
use socket::{Listener, Stream};
use tls::Tls;

/// How many connections are allowed besides those of subscribers.
const OTHERS: usize = 256;

/// State that the accepting tasks share.
#[derive(Clone)]
struct Server {
    app: Router,
    tls: Option<Tls>,
    /// Permits for connections; further clients wait in the backlog of the socket.
    connections: Arc<Semaphore>,
    limits: Arc<Limits>,
}

/// Serves until SIGTERM or SIGINT; SIGHUP reads certificates, tokens and keys again.
pub(super) async fn serve(arguments: Arguments, settings: &Shown) -> Result<(), String> {
    log::start(arguments.log_format);
    let [publish, follow] = arguments.rights();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), publish, follow, settings = settings.text, "start");
    for variable in &settings.unknown {
        tracing::warn!("{variable}");
    }
    let tls = match (&arguments.cert, &arguments.key) {
        (Some(cert), Some(key)) => Some(Tls::new(cert.clone(), key.clone())?),
        _ => None,
    };
    // A connection is a descriptor, and the usual limit is 1024; where it cannot be raised,
    // accepting slows down.
    rlimit::increase_nofile_limit(u64::MAX).ok();
    let hub = engine::hub(&arguments).map_err(|error| error.to_string())?;
    let access = super::access::Access::new(&arguments.access, arguments.cert.is_some())?;
    let counters = Counters::new();
    let app = routes::router(&arguments, hub.clone(), access.clone(), counters.clone());
    let listeners = socket::bind(&arguments.listen).await?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    for listener in &listeners {
        let url = listener.url(scheme);
        tracing::info!(url, "listening");
        // Standard output may be closed.
        let _ = writeln!(io::stdout(), "listening on {url}");
    }
    let limit = arguments.max_subscribers.saturating_add(OTHERS).min(Semaphore::MAX_PERMITS);
    let connections = Arc::new(Semaphore::new(limit));
    let (close, closing) = watch::channel(false);
    let idle = Duration::from_secs(arguments.idle_timeout);
    let announced = HeaderValue::try_from(format!("timeout={}", idle.as_secs())).expect("digits are a value");
    let unheard = |error: io::Error| format!("cannot listen to signals: {error}");
    let mut signals = Signals::new().map_err(unheard)?;
    let mut hang_up = HangUp::new().map_err(unheard)?;
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|listener| {
            let limits = Limits {
                idle,
                announced: announced.clone(),
                places: Arc::clone(&connections),
                loopback: listener.is_loopback(),
                closing: closing.clone(),
                counters: counters.clone(),
                connections: counters.listener(listener.kind(tls.is_some())),
            };
            let limits = Arc::new(limits);
            let server =
                Server { app: app.clone(), tls: tls.clone(), connections: Arc::clone(&connections), limits };
            tokio::spawn(accept(server, listener))
        })
        .collect();
    service::ready();
    service::report_alive();

    let mut sweep = tokio::time::interval(Duration::from_secs(60));
    let mut checks = tokio::time::interval(Duration::from_secs(1));
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut health_log = HealthLog::default();
    loop {
        tokio::select! {
            _ = sweep.tick() => hub.expire(),
            _ = checks.tick() => health_log.update(&hub.health()),
            () = hang_up.next() => reload(&access, tls.as_ref()),
            () = signals.next() => break,
        }
    }
    tracing::info!("stop");
    service::stopping();
    accepting.iter().for_each(tokio::task::JoinHandle::abort);
    // First, so that the log lines of streams say why they end.
    close.send_replace(true);
    hub.close(arguments.reconnection_time());
    let all = u32::try_from(limit).unwrap_or(u32::MAX);
    let gone = timeout(Duration::from_secs(arguments.grace), connections.acquire_many(all));
    tokio::select! {
        _ = gone => {}
        // A second signal ends the server at once.
        () = signals.next() => {}
    }
    hub.close_log().await;
    Ok(())
}

/// Reads certificates, tokens and keys again. If a file cannot be read, nothing changes.
fn reload(access: &super::access::Access, tls: Option<&Tls>) {
    service::reloading();
    let mut results = vec![("tokens and keys", access.reload())];
    results.extend(tls.map(|tls| ("certificate", tls.reload())));
    for (what, result) in results {
        match result {
            Ok(()) => tracing::info!(what, "reloaded"),
            Err(error) => tracing::error!(what, error, "not reloaded: what was valid before stays so"),
        }
    }
    service::ready();
}

/// Accepts connections until the task is aborted.
async fn accept(server: Server, listener: Listener) {
    let mut failing = false;
    loop {
        let permit = Arc::clone(&server.connections).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                // One line for all failures in a row.
                if !failing {
                    tracing::warn!(%error, "cannot accept connections, and keeps trying");
                }
                failing = true;
                // Most likely out of descriptors: some will be closed.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        failing = false;
        match stream {
            Stream::Tcp(stream) => server.start(stream, permit),
            #[cfg(unix)]
            Stream::Unix(stream) => server.start(stream, permit),
        }
    }
}

impl Server {
    /// Starts the task of a connection, which holds its permit until the connection ends.
    fn start(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        permit: OwnedSemaphorePermit,
    ) {
        let (app, limits) = (self.app.clone(), Arc::clone(&self.limits));
        let place = Place::new(permit, limits.connections.accept());
        let Some(tls) = &self.tls else {
            tokio::spawn(connection::serve(app, limits, stream, place));
            return;
        };
        // In a box, because the handshake takes more room than what comes after it.
        let handshake = Box::pin(timeout(PATIENCE, tls.acceptor().accept(stream)));
        tokio::spawn(async move {
            match handshake.await {
                Ok(Ok(stream)) => connection::serve(app, limits, Box::new(stream), place).await,
                Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
                Err(_) => tracing::debug!("TLS handshake took too long"),
            }
        });
    }
}
