//! Bound sockets of TCP, and on Unix those of the file system and of systemd.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::{
    fs,
    os::fd::AsFd,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    os::unix::net::UnixStream as StdUnixStream,
    path::{Path, PathBuf},
};

#[cfg(unix)]
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

use super::address::Address;

/// A socket that accepts connections.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    /// With the file of the socket, if this server made it.
    Unix(UnixListener, #[expect(dead_code, reason = "dropping it removes the file")] Option<Bound>),
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
            Self::Unix(listener, _) => {
                let address = listener.local_addr().ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                format!("unix:{}", path.unwrap_or(Path::new("(no path)")).display())
            }
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
        let failed = |error: io::Error| match address {
            Address::Systemd => format!("--listen systemd: {error}"),
            _ => format!("--listen: cannot listen on {address}: {error}{}", advice(address, error.kind())),
        };
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

/// What to do about an address that cannot be bound.
fn advice(address: &Address, error: io::ErrorKind) -> &'static str {
    match (address, error) {
        (Address::Unix(_), io::ErrorKind::NotFound) => ": make its directory first",
        (Address::Unix(_), io::ErrorKind::InvalidInput) => ": a path of at most 107 bytes is allowed",
        (Address::Unix(_), io::ErrorKind::PermissionDenied) => ": this user may not make files there",
        (Address::Unix(_), _) => "",
        (_, io::ErrorKind::AddrInUse) => ": stop the other program, or choose another port",
        (_, io::ErrorKind::AddrNotAvailable) => {
            ": use an address of this machine, or :PORT for every address"
        }
        (_, io::ErrorKind::PermissionDenied) => {
            ": a port below 1024 needs the capability CAP_NET_BIND_SERVICE, or a socket of systemd (--listen systemd:)"
        }
        _ => "",
    }
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
    Ok(Listener::Unix(listener, Some(bound)))
}

/// How many sockets systemd may pass. The count comes from a variable, and each takes memory.
#[cfg(unix)]
const PASSED: usize = 1024;

/// All sockets that systemd's socket activation passes.
#[cfg(unix)]
fn systemd() -> io::Result<Vec<Listener>> {
    let refused = |text: String| io::Error::new(io::ErrorKind::InvalidInput, text);
    let count = std::env::var("LISTEN_FDS").ok().and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
    if count > PASSED {
        return Err(refused(format!("LISTEN_FDS is {count}: at most {PASSED} sockets are allowed")));
    }
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        // Which kind it is, only the attempt tells.
        let tcp = passed.take_tcp_listener(index).ok().flatten();
        let unix = passed.take_unix_listener(index).ok().flatten();
        let listener = match (tcp, unix) {
            (Some(tcp), _) if is_listening(&tcp) => {
                tcp.set_nonblocking(true)?;
                Listener::Tcp(TcpListener::from_std(tcp)?)
            }
            (_, Some(unix)) if is_listening(&unix) => {
                unix.set_nonblocking(true)?;
                // systemd owns the path.
                Listener::Unix(UnixListener::from_std(unix)?, None)
            }
            _ => {
                return Err(refused(format!(
                    "the descriptor {} is not a listening stream socket: use ListenStream= in the socket unit",
                    index + 3
                )));
            }
        };
        listeners.push(listener);
    }
    if listeners.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "no socket was passed to this process (LISTEN_FDS, LISTEN_PID): start the server by a socket unit",
        ));
    }
    Ok(listeners)
}

#[cfg(unix)]
fn is_listening(socket: &impl AsFd) -> bool {
    SockRef::from(socket).is_listener().unwrap_or(false)
}
