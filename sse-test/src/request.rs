//! A request that a server got.

use std::time::{Duration, Instant};

use crate::scenario;

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The target: the path with its query; for a proxy, a URL or a host with its port.
    pub path: String,
    /// The body, with its chunked framing if it has one.
    pub body: Vec<u8>,
    /// When its server had read it.
    pub at: Instant,
    /// The time since the end of the response before; since the start, for the first.
    pub after: Duration,
    head: Vec<Vec<u8>>,
}

impl Request {
    /// Reads a request from the start of `bytes`, once it is complete; its head alone if `early`.
    pub(crate) fn read(bytes: &[u8], early: bool) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let (head, body) = (&bytes[..end], &bytes[end + 4..]);
        let head: Vec<_> =
            head.split(|&byte| byte == b'\n').map(|line| line.trim_ascii_end().to_vec()).collect();
        let line = String::from_utf8(head[0].clone()).unwrap();
        let mut words = line.split(' ').map(str::to_owned);
        let mut request = Self {
            method: words.next().unwrap(),
            path: words.next().unwrap(),
            body: Vec::new(),
            at: Instant::now(),
            after: Duration::ZERO,
            head,
        };
        if early {
            return Some(request);
        }
        let length = if request.text("transfer-encoding") == Some("chunked") {
            body.ends_with(b"0\r\n\r\n").then_some(body.len())?
        } else {
            request.text("content-length").map_or(0, |length| length.parse().unwrap())
        };
        body.get(..length)?.clone_into(&mut request.body);
        Some(request)
    }

    /// The first line, `GET /path HTTP/1.1`.
    pub fn line(&self) -> &str {
        std::str::from_utf8(&self.head[0]).unwrap()
    }

    /// The lines of the head as they came, the first one included.
    pub fn head(&self) -> Vec<String> {
        self.head.iter().map(|line| String::from_utf8(line.clone()).unwrap()).collect()
    }

    /// Names, in lower case, and values.
    pub fn headers(&self) -> impl Iterator<Item = (String, &[u8])> {
        self.head[1..].iter().map(|line| {
            let colon = line.iter().position(|&byte| byte == b':').unwrap();
            let name = String::from_utf8(line[..colon].to_ascii_lowercase()).unwrap();
            (name, line[colon + 1..].trim_ascii())
        })
    }

    /// The first value of a header, whose name is in lower case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// The first value of a header as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.header(name).map(|value| std::str::from_utf8(value).unwrap())
    }

    /// All values of a header as text.
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.headers()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| std::str::from_utf8(value).unwrap())
            .collect()
    }

    /// The request as scenarios look at it.
    pub fn of_scenario(&self) -> scenario::Received {
        let headers = self.headers().map(|(name, value)| (name, value.to_vec())).collect();
        scenario::Received { path: self.path.clone(), headers, after: self.after }
    }
}
