//! Bound sockets of TCP, and on Unix those of the file system and of systemd.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    os::unix::net::UnixStream as StdUnixStream,
    path::{Path, PathBuf},
};

use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

use super::address::Address;

/// A socket that accepts connections.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, Bound),
}

/// A connection that was accepted.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// The path of a Unix socket. Dropping it removes the file.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct Bound(PathBuf);

#[cfg(unix)]
impl Drop for Bound {
    fn drop(&mut self) {
        // The file may have been removed already.
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
            #[cfg(unix)]
            Self::Unix(listener, _) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }

    /// Whether only this machine can reach the listener.
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Self::Tcp(listener) => listener.local_addr().is_ok_and(|address| address.ip().is_loopback()),
            #[cfg(unix)]
            Self::Unix(..) => true,
        }
    }

    /// The kind of listener, for the metrics.
    pub(super) fn kind(&self, tls: bool) -> &'static str {
        match self {
            #[cfg(unix)]
            Self::Unix(..) => "unix",
            Self::Tcp(_) if tls => "tls",
            Self::Tcp(_) => "tcp",
        }
    }

    /// The URL of the listener with this scheme, for messages.
    pub(super) fn url(&self, scheme: &str) -> String {
        match self {
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) => format!("{scheme}://{address}/"),
                Err(error) => format!("{scheme}: {error}"),
            },
            #[cfg(unix)]
            Self::Unix(_, path) => format!("unix:{}", path.0.display()),
        }
    }
}

/// Binds all addresses.
///
/// # Errors
/// If an address cannot be bound; the message names it.
pub(super) async fn bind(addresses: &[Address]) -> Result<Vec<Listener>, String> {
    let mut listeners = Vec::new();
    for address in addresses {
        let failed = |error: io::Error| format!("cannot listen on {address}: {error}");
        match address {
            #[cfg(unix)]
            Address::Unix(path) => listeners.push(unix(path).map_err(failed)?),
            #[cfg(unix)]
            Address::Systemd => listeners.extend(systemd().map_err(failed)?),
            #[cfg(not(unix))]
            Address::Unix(_) | Address::Systemd => return Err(failed(io::ErrorKind::Unsupported.into())),
            _ => tcp(address, &mut listeners).await.map_err(failed)?,
        }
    }
    Ok(listeners)
}

async fn tcp(address: &Address, listeners: &mut Vec<Listener>) -> io::Result<()> {
    let before = listeners.len();
    let mut port = None;
    for mut resolved in address.resolve()? {
        // All addresses of a name get one free port.
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

/// Binds a Unix socket. A stale socket file, on which nothing answers, is replaced; any other file
/// at the path is an error.
#[cfg(unix)]
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

/// All sockets that systemd's socket activation passes.
#[cfg(unix)]
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
