//! Tests of what `sse serve` tells the service manager: systemd's `sd_notify` and its sockets.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::operating::{Loud, exchange, temporary};

/// A server whose service manager is the test.
fn managed(environment: &[(&str, &str)]) -> (Loud, UnixDatagram) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = temporary(&format!("notify-{count}"));
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let environment = [&[("NOTIFY_SOCKET", path.to_str().unwrap())], environment].concat();
    (Loud::start(&["--listen", "127.0.0.1:0"], &environment), socket)
}

fn message(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 256];
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn systemd_hears_of_ready_reload_and_stop() {
    let (server, socket) = managed(&[]);
    assert_eq!(message(&socket), "READY=1\n");
    server.signal("-HUP");
    let reloading = message(&socket);
    let time =
        reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{reloading}"));
    assert!(time.trim_end().parse::<u64>().is_ok(), "{reloading}");
    assert_eq!(message(&socket), "READY=1\n");
    server.signal("-TERM");
    assert_eq!(message(&socket), "STOPPING=1\n");
}

#[test]
fn the_watchdog_hears_of_the_server_again_and_again() {
    let (_server, socket) = managed(&[("WATCHDOG_USEC", "100000")]);
    assert_eq!(message(&socket), "READY=1\n");
    for _ in 0..3 {
        assert_eq!(message(&socket), "WATCHDOG=1\n");
    }
}

/// A server that gets the socket as systemd passes it, as descriptor 3.
fn activated(socket: impl Into<OwnedFd>, count: &str) -> Command {
    let script =
        r#"exec 3<&0 </dev/null; LISTEN_PID=$$ exec "$0" serve --listen systemd: --anyone-may-publish"#;
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_sse")]).env("LISTEN_FDS", count).env("RUST_LOG", "off");
    command.stdin(socket.into()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_socket_of_systemd_is_served_and_its_file_stays() {
    let path = temporary("activated");
    let socket = UnixListener::bind(&path).unwrap();
    let mut server = activated(socket, "1").spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim_end(), format!("listening on unix:{}", path.display()));
    let answer = exchange(UnixStream::connect(&path).unwrap(), "GET /healthz HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    Command::new("kill").arg(server.id().to_string()).status().unwrap();
    assert_eq!(server.wait().unwrap().code(), Some(0));
    assert!(path.exists());
}

#[test]
fn a_descriptor_that_is_not_a_listening_socket_is_refused() {
    let tcp = || TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    for (socket, count, part) in [
        (OwnedFd::from(udp), "1", "the descriptor 3 is not a listening stream socket"),
        (OwnedFd::from(silent), "1", "the descriptor 3 is not a listening stream socket"),
        (OwnedFd::from(tcp()), "2", "the descriptor 4 is not a listening stream socket"),
        (OwnedFd::from(tcp()), "2000000000", "at most 1024 sockets"),
        (OwnedFd::from(tcp()), "0", "no socket was passed"),
        (OwnedFd::from(tcp()), "many", "no socket was passed"),
    ] {
        let output = activated(socket, count).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("--listen systemd: ") && error.contains(part), "{part}: {error}");
    }
}
