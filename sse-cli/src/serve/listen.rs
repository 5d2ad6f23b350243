//! Connections: accepting, TLS, limits, and the end.

use std::convert::Infallible;
use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use http_body_util::BodyExt;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::{Arguments, engine, routes};

/// How long a client may take for its TLS handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a connection, or a stream of HTTP/2, may hold that its client does not read: one batch of events, roughly.
const WRITE_BUFFER: usize = 64 << 10;

/// What a connection of HTTP/2, and a stream of it, may hold of bodies that are not read yet. It is the least that the
/// protocol allows for a connection.
const WINDOW: u32 = (64 << 10) - 1;

/// Connections beside those of subscribers.
const OTHERS: usize = 256;

/// Serves until SIGTERM or SIGINT.
pub(super) async fn serve(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let tls = match (&arguments.cert, &arguments.key) {
        (Some(cert), Some(key)) => Some(tls(cert, key)?),
        _ => None,
    };
    // A connection is a descriptor, and the usual limit is 1024; where it cannot be raised, accepting slows
    // down.
    rlimit::increase_nofile_limit(u64::MAX).ok();
    let hub = engine::hub(&arguments)?;
    let app = routes::router(&arguments, hub.clone());
    let listener = TcpListener::bind(arguments.listen).await?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    // Nobody has to listen to that.
    let _ = writeln!(io::stdout(), "listening on {scheme}://{}/", listener.local_addr()?);

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut sweep = tokio::time::interval(Duration::from_secs(60));
    let connections = Arc::new(Semaphore::new(
        arguments.max_subscribers.saturating_add(OTHERS).min(Semaphore::MAX_PERMITS),
    ));
    let graceful = GracefulShutdown::new();
    let http = http();
    loop {
        // Beyond the limit clients wait in the backlog of the socket.
        let accept = async {
            let permit =
                Arc::clone(&connections).acquire_owned().await.expect("the semaphore is never closed");
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = accept => accepted,
            _ = sweep.tick() => {
                hub.expire();
                continue;
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        };
        let Ok((stream, _)) = accepted else {
            // Most likely out of descriptors: some will be closed.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // An event is a small write that must not wait for the acknowledgement of the one before.
        stream.set_nodelay(true).ok();
        let (http, app, tls, watcher) = (http.clone(), app.clone(), tls.clone(), graceful.watcher());
        tokio::spawn(async move {
            match tls {
                None => connection(http, app, watcher, stream).await,
                Some(tls) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, tls.accept(stream)).await {
                        connection(http, app, watcher, stream).await;
                    }
                }
            }
            drop(permit);
        });
    }
    drop(listener);
    hub.close(arguments.reconnection_time());
    let grace = tokio::time::timeout(Duration::from_secs(arguments.grace), graceful.shutdown());
    tokio::select! {
        _ = grace => {}
        // Asked twice: at once.
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    hub.close_log().await;
    Ok(())
}

async fn connection(
    http: Builder<TokioExecutor>,
    app: Router,
    watcher: Watcher,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    // Each request holds one more of it, and so does a stream of events as long as it is sent.
    let asked = Arc::new(AtomicU64::new(0));
    let service = {
        let (asked, app) = (Arc::clone(&asked), TowerToHyperService::new(app));
        service_fn(move |request| {
            let (asked, response) = (Arc::clone(&asked), app.call(request));
            asked.fetch_add(1, Ordering::Relaxed);
            async move {
                let response = response.await?;
                // The other responses are small: who does not take one in time does not want it.
                if response.body().size_hint().exact().is_some() {
                    return Ok(response);
                }
                Ok::<_, Infallible>(response.map(|body| {
                    Body::new(body.map_frame(move |frame| {
                        let _in_use = &asked;
                        frame
                    }))
                }))
            }
        })
    };
    let mut connection = pin!(watcher.watch(http.serve_connection(TokioIo::new(stream), service)));
    // A connection takes the place of another. Nothing else limits how long a client may take to say which HTTP it speaks,
    // nor how long one of HTTP/2 may ask nothing. It reconnects, or has left.
    let mut before = 0;
    while tokio::time::timeout(PATIENCE, &mut connection).await.is_err() {
        let now = asked.load(Ordering::Relaxed);
        // The service has one.
        if Arc::strong_count(&asked) == 2 && now == before {
            return;
        }
        before = now;
    }
}

fn http() -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(WRITE_BUFFER);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(PATIENCE)
        .max_send_buf_size(WRITE_BUFFER)
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .max_concurrent_streams(256);
    http
}

fn tls(cert: &Path, key: &Path) -> Result<TlsAcceptor, Box<dyn Error>> {
    let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| format!("{}: {error}", cert.display()))?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| format!("{}: {error}", key.display()))?;
    // Named, not the process's default: two providers in one program would leave none.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
