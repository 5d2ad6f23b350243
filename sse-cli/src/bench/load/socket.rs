//! Sockets of subscribers: the limit of open files, and the addresses that connections come from.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

/// How many connections one source address makes to one port: Linux has 28,232 ephemeral ports.
const PER_SOURCE: usize = 25_000;

/// How many files are open besides the sockets of subscribers.
const OTHER_FILES: u64 = 32;

/// Raises the limit of open files as far as necessary.
pub(super) fn allow_files(count: usize) -> Result<(), String> {
    let needed = count as u64 + OTHER_FILES;
    match rlimit::increase_nofile_limit(needed) {
        Ok(limit) if limit < needed => Err(format!(
            "{needed} open files are needed and {limit} allowed: raise the limit (ulimit -n), or start several with fewer subscribers"
        )),
        // Where the limit cannot be read, opening fails when the limit is reached.
        _ => Ok(()),
    }
}

/// Begins connection `at` to a server; it is made once the socket is writable.
pub(super) fn connect(target: SocketAddr, at: usize) -> io::Result<TcpStream> {
    match source(target, at) {
        Some(source) => connect_from(source, target),
        None => TcpStream::connect(target),
    }
}

/// The source address of connection `at`, because one address has too few ports: 127.0.0.1,
/// 127.0.0.2 and so on.
fn source(target: SocketAddr, at: usize) -> Option<SocketAddr> {
    let block = u8::try_from(at / PER_SOURCE).ok().filter(|&block| block > 0)?;
    let source = Ipv4Addr::new(127, 0, 0, block.checked_add(1)?);
    (target.is_ipv4() && target.ip().is_loopback()).then(|| SocketAddr::new(IpAddr::V4(source), 0))
}

fn connect_from(source: SocketAddr, target: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(target), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.bind(&source.into())?;
    match socket.connect(&target.into()) {
        Err(error) if !is_in_progress(&error) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

/// Whether an error means that the connection is being made: `EINPROGRESS`, which has no stable
/// `ErrorKind`.
fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || error.raw_os_error() == Some(if cfg!(target_os = "linux") { 115 } else { 36 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_source_addresses_are_loopback_and_used_for_loopback_only() {
        let target = SocketAddr::from(([127, 0, 0, 1], 80));
        assert_eq!(source(target, PER_SOURCE - 1), None);
        assert_eq!(source(target, PER_SOURCE), Some(SocketAddr::from(([127, 0, 0, 2], 0))));
        assert_eq!(source(SocketAddr::from(([10, 0, 0, 1], 80)), PER_SOURCE), None);
        assert_eq!(source("[::1]:80".parse().unwrap(), PER_SOURCE), None);
    }
}
