//! A SOCKS5 proxy (RFC 1928) that is also the server behind it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};

use crate::{Reply, Request, serve};

/// A proxy that answers one request itself, with 204.
#[derive(Debug)]
pub struct Socks {
    address: SocketAddr,
    thread: JoinHandle<(String, Request)>,
}

impl Socks {
    /// Starts the proxy on a loopback port.
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let methods = read(&mut socket, 2)[1];
            read(&mut socket, methods);
            socket.write_all(&[5, 0]).unwrap();

            let request = read(&mut socket, 5);
            assert_eq!(request[..4], [5, 1, 0, 3], "a connect to a name");
            let host = String::from_utf8(read(&mut socket, request[4])).unwrap();
            read(&mut socket, 2);
            socket.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();

            let mut received = None;
            serve(&mut socket, &Reply::no_content(), |request| received = Some(request)).unwrap();
            (host, received.unwrap())
        });
        Self { address, thread }
    }

    /// The URL of the proxy, which resolves names itself (`socks5h`).
    pub fn url(&self) -> String {
        format!("socks5h://{}", self.address)
    }

    /// The host that the client named, and the first line of its request.
    pub fn request(self) -> (String, String) {
        let (host, request) = self.thread.join().unwrap();
        (host, request.line().to_owned())
    }
}

fn read(stream: &mut impl Read, length: u8) -> Vec<u8> {
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}
