//! Bound sockets, of TCP or Unix.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::address::Address;

/// A socket that accepts connections.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, Bound),
}

/// A connection that was accepted.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The path of a Unix socket, which is removed with its listener.
#[derive(Debug)]
pub(super) struct Bound(PathBuf);

impl Drop for Bound {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        let _ = fs::remove_file(&self.0);
    }
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // An event is a small write that must not wait for the acknowledgement of the one
                // before.
                stream.set_nodelay(true).ok();
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(listener, _) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }

    /// Whether only this machine can reach it.
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Self::Tcp(listener) => listener.local_addr().is_ok_and(|address| address.ip().is_loopback()),
            Self::Unix(..) => true,
        }
    }

    /// The kind of listener, for the metrics.
    pub(super) fn kind(&self, tls: bool) -> &'static str {
        match self {
            Self::Unix(..) => "unix",
            Self::Tcp(_) if tls => "tls",
            Self::Tcp(_) => "tcp",
        }
    }

    /// The URL that is printed, with this scheme.
    pub(super) fn url(&self, scheme: &str) -> String {
        match self {
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) => format!("{scheme}://{address}/"),
                Err(error) => format!("{scheme}: {error}"),
            },
            Self::Unix(_, path) => format!("unix:{}", path.0.display()),
        }
    }
}

/// Binds everything that `addresses` stand for.
///
/// # Errors
///
/// With the address that cannot be bound.
pub(super) async fn bind(addresses: &[Address]) -> Result<Vec<Listener>, String> {
    let mut listeners = Vec::new();
    for address in addresses {
        let failed = |error: io::Error| format!("cannot listen on {address}: {error}");
        match address {
            Address::Unix(path) => listeners.push(unix(path).map_err(failed)?),
            Address::Systemd => listeners.extend(systemd().map_err(failed)?),
            _ => tcp(address, &mut listeners).await.map_err(failed)?,
        }
    }
    Ok(listeners)
}

async fn tcp(address: &Address, listeners: &mut Vec<Listener>) -> io::Result<()> {
    let before = listeners.len();
    let mut port = None;
    for mut resolved in address.resolve()? {
        // A free port is one for all addresses of a name.
        if let Some(port) = port.filter(|_| resolved.port() == 0) {
            resolved.set_port(port);
        }
        match TcpListener::bind(resolved).await {
            Ok(listener) => {
                port = listener.local_addr().ok().map(|address: SocketAddr| address.port());
                listeners.push(Listener::Tcp(listener));
            }
            // `[::]` has taken the port for IPv4 as well, or the machine has no IPv6.
            Err(_) if matches!(address, Address::Every(_)) && listeners.len() > before => {}
            Err(_) if matches!(address, Address::Every(_)) && resolved.is_ipv6() => {}
            Err(error) => return Err(error),
        }
    }
    if listeners.len() == before {
        return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "it stands for no address"));
    }
    Ok(())
}

/// A stale socket without an answer is replaced; anything else at the path is left alone.
fn unix(path: &Path) -> io::Result<Listener> {
    if let Ok(metadata) = fs::symlink_metadata(path) {
        if !metadata.file_type().is_socket() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is not a socket"));
        }
        match StdUnixStream::connect(path) {
            Ok(_) => return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process answers on it")),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            Err(error) => return Err(error),
        }
    }
    let listener = UnixListener::bind(path)?;
    let bound = Bound(path.to_owned());
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
    Ok(Listener::Unix(listener, bound))
}

/// The sockets of systemd's socket activation: all that it passes.
fn systemd() -> io::Result<Vec<Listener>> {
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        // Which kind it is, only the attempt tells.
        if let Ok(Some(listener)) = passed.take_tcp_listener(index) {
            listener.set_nonblocking(true)?;
            listeners.push(Listener::Tcp(TcpListener::from_std(listener)?));
        } else if let Some(listener) = passed.take_unix_listener(index)? {
            listener.set_nonblocking(true)?;
            // systemd owns the path.
            listeners.push(Listener::Unix(UnixListener::from_std(listener)?, Bound(PathBuf::new())));
        }
    }
    if listeners.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "systemd passes no socket (LISTEN_FDS)"));
    }
    Ok(listeners)
}
