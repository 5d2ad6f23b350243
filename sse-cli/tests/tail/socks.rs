//! A SOCKS5 proxy (RFC 1928) that is the server behind it as well.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

/// Answers one request with 204; returns its address, and the host and first line of the request.
pub(crate) fn proxy() -> (String, JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || {
        let mut reader = BufReader::new(listener.accept().unwrap().0);
        let methods = read(&mut reader, 2)[1];
        read(&mut reader, methods);
        reader.get_mut().write_all(&[5, 0]).unwrap();

        let request = read(&mut reader, 5);
        assert_eq!(request[..4], [5, 1, 0, 3], "it connects, to a name");
        let host = String::from_utf8(read(&mut reader, request[4])).unwrap();
        read(&mut reader, 2);
        reader.get_mut().write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();

        let mut lines = reader.by_ref().lines().map(Result::unwrap);
        let line = lines.next().unwrap();
        lines.find(|line| line.is_empty());
        reader.get_mut().write_all(b"HTTP/1.1 204 \r\n\r\n").unwrap();
        (host, line)
    });
    (address, thread)
}

fn read(reader: &mut impl Read, length: u8) -> Vec<u8> {
    let mut bytes = vec![0; length.into()];
    reader.read_exact(&mut bytes).unwrap();
    bytes
}
