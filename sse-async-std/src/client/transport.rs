//! HTTP client over hyper, with the sockets and timers of async-io.

use std::future::poll_fn;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_io::Timer;
use async_net::TcpStream;
use bytes::Bytes;
use futures_io::{AsyncRead, AsyncWrite};
use futures_lite::{AsyncReadExt, AsyncWriteExt, FutureExt};
use http::{Request, Response};
use http_body_util::Full;
use hyper::client::conn::http1;
use smol_hyper::rt::FuturesIo;
use sse_http::client::{Client, Proxies, Route, TransportError, Tunnel, Url};

use super::body::{Body, Connection};
use super::connect;
use super::fair::Fair;
use super::half_broken::HalfBroken;
use crate::clock::Clock;

/// The client of an [`EventSource`](super::EventSource): hyper with a new connection for each
/// request, and async-io's clock.
#[derive(Debug)]
pub struct Http {
    pub(super) proxies: Proxies,
    pub(super) connect_timeout: Option<Duration>,
    #[cfg(feature = "rustls")]
    pub(super) tls: Option<std::sync::Arc<futures_rustls::rustls::ClientConfig>>,
    pub(super) clock: Clock,
    pub(super) connecting: AtomicBool,
}

/// A socket, with or without TLS.
trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Io for T {}

impl Client for Http {
    type Body = Body;
    type Clock = Clock;

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn is_connecting(&self) -> bool {
        self.connecting.load(Ordering::Relaxed)
    }

    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let url = Url::parse(&request.uri().to_string())?;
        let route = self.proxies.route(&url)?;
        if let Some(proxy) = route.proxy()
            && proxy.scheme() != "http"
        {
            let text =
                format!("its scheme is `{}`, and this client speaks `http` to proxies", proxy.scheme());
            return Err(TransportError::Proxy(text.into()));
        }
        // Without a limit for connecting, the head timeout covers it too.
        self.connecting.store(self.connect_timeout.is_some(), Ordering::Relaxed);
        let io = self.connect(&url, route).await;
        self.connecting.store(false, Ordering::Relaxed);
        let io = io?;
        route.address(&mut request, &url)?;

        let (mut sender, connection) =
            http1::handshake(FuturesIo::new(HalfBroken::new(Fair::new(io)))).await.map_err(error)?;
        let mut connection = Connection::new(connection);
        let mut response = Box::pin(sender.send_request(request.map(Full::new)));
        let response = poll_fn(|cx| {
            connection.poll(cx);
            response.as_mut().poll(cx)
        });
        Ok(response.await.map_err(error)?.map(|incoming| Body::new(incoming, connection)))
    }
}

impl Http {
    /// Connects to the host of `url`, including TLS, within the connect timeout.
    async fn connect(&self, url: &Url, route: Route<'_>) -> Result<Box<dyn Io>, TransportError> {
        let connect = async {
            let mut socket = connect::connect(route.proxy().unwrap_or(url)).await.map_err(unreachable)?;
            if let Route::Tunnel(proxy) = route {
                open(Tunnel::new(proxy, url), &mut socket).await.map_err(unreachable)?;
            }
            if url.scheme() == "http" {
                return Ok(Box::new(socket) as Box<dyn Io>);
            }
            self.secure(url, socket).await
        };
        let Some(limit) = self.connect_timeout else { return connect.await };
        let late = async {
            Timer::after(limit).await;
            Err(TransportError::ConnectTimeout)
        };
        connect.or(late).await
    }

    #[cfg(feature = "rustls")]
    async fn secure(&self, url: &Url, socket: TcpStream) -> Result<Box<dyn Io>, TransportError> {
        let config = match &self.tls {
            Some(config) => config,
            // A redirect led from HTTP to HTTPS.
            None => &super::tls::config(None)?,
        };
        Ok(Box::new(super::tls::connect(config, url, socket).await.map_err(unreachable)?))
    }

    #[cfg(not(feature = "rustls"))]
    async fn secure(&self, _: &Url, _: TcpStream) -> Result<Box<dyn Io>, TransportError> {
        Err(TransportError::Tls("enable the feature `platform-verifier` or `webpki-roots`".into()))
    }
}

/// Opens a tunnel through the proxy at the other end of `socket`.
async fn open(mut tunnel: Tunnel, socket: &mut TcpStream) -> io::Result<()> {
    socket.write_all(tunnel.request()).await?;
    let mut byte = [0];
    loop {
        // Byte by byte, because the bytes after the answer belong to the tunnel.
        let length = socket.read(&mut byte).await?;
        if tunnel.answer(&mut &byte[..length]).map_err(io::Error::other)? {
            return Ok(());
        }
    }
}

fn unreachable(error: io::Error) -> TransportError {
    TransportError::Connect(error.into())
}

pub(super) fn error(error: hyper::Error) -> TransportError {
    if error.is_user() {
        TransportError::Unsupported(error.into())
    } else {
        TransportError::Http(error.into())
    }
}
