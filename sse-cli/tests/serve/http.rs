//! HTTP/1.0 requests and their responses, for the tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use super::Server;

/// Sends a request and reads the head of the response. With HTTP/1.0, the body is everything after
/// the head, unframed.
pub(crate) fn request(address: &str, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let host =
        if headers.iter().any(|header| header.starts_with("Host:")) { "" } else { "Host: localhost\r\n" };
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.0\r\n{host}{headers}Content-Length: {length}\r\n\r\n{body}")
        .unwrap();
    let mut body = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(body.read_line(&mut head).unwrap(), 0, "{head}");
    }
    Answer { status: head[9..12].parse().unwrap(), head: head.to_ascii_lowercase(), body }
}

impl Server {
    /// Sends a request and reads the head of the response. With HTTP/1.0, the body is everything
    /// after the head, unframed.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        request(&self.address, method, path, headers, body)
    }

    pub(crate) fn get(&self, path: &str, headers: &[&str]) -> Answer {
        self.request("GET", path, headers, "")
    }

    pub(crate) fn post(&self, path: &str, headers: &[&str], body: &str) -> (u16, String) {
        let answer = self.request("POST", path, headers, body);
        (answer.status, answer.text())
    }

    /// Publishes data and returns the event's ID.
    pub(crate) fn publish(&self, path: &str, data: &str) -> String {
        let (status, text) = self.post(path, &[], data);
        assert_eq!(status, 200, "{text}");
        text.split('"').nth(3).unwrap().to_owned()
    }

    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    body: BufReader<TcpStream>,
}

impl Answer {
    /// The value of a header, whose name is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The next block up to its blank line.
    pub(crate) fn block(&mut self) -> String {
        let mut block = String::new();
        while !block.ends_with("\n\n") {
            assert_ne!(self.body.read_line(&mut block).unwrap(), 0, "the stream ended: {block:?}");
        }
        block
    }

    pub(crate) fn text(mut self) -> String {
        let mut text = String::new();
        self.body.read_to_string(&mut text).unwrap();
        text
    }
}
