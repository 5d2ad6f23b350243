//! Reader of recordings, which checks every line.

use std::io::{self, BufRead};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use sse_tokio::reqwest::header::HeaderMap;

use super::{Entry, Format, LEFT_OUT, VERSION, What};

/// The longest line, in bytes; a recorder writes one line for each read of a socket.
const LINE: u64 = 64 << 20;
/// The longest recording: a year.
const LENGTH: Duration = Duration::from_secs(366 * 24 * 3600);

/// The bytes with which every recording begins.
const START: &[u8] = b"{\"sse-recording\":";

/// Whether a file that begins with these bytes is a recording.
pub(crate) fn is_recording(start: &[u8]) -> bool {
    start.starts_with(START)
}

/// Whether a file that begins with these bytes may be a recording; more bytes are needed to decide.
pub(crate) fn may_be_recording(start: &[u8]) -> bool {
    start.len() < START.len() && START.starts_with(start)
}

/// Checked content of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A response begins.
    Head(StatusCode, HeaderMap),
    /// Bytes of the body.
    Bytes(Vec<u8>),
    /// The connection ends.
    End,
}

/// Reads a recording, a line at a time.
pub(crate) struct Reader<R> {
    input: R,
    /// The number of the last line that was read.
    number: u64,
    /// The time of the last line that was read.
    at: Duration,
    /// Whether the head of a response was read, which has to come before bytes of a body.
    begun: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    ///
    /// If the file is not a recording, or has a later version.
    pub(crate) fn new(input: R) -> io::Result<Self> {
        let mut reader = Self { input, number: 0, at: Duration::ZERO, begun: false };
        match reader.line()? {
            Some(Format { version: VERSION }) => Ok(reader),
            Some(Format { version }) => Err(invalid(format!(
                "the recording has version {version} of the format; this command reads version {VERSION}"
            ))),
            None => Err(invalid("the file is empty, not a recording".to_owned())),
        }
    }

    /// The next item and its time; `None` at the end.
    ///
    /// # Errors
    ///
    /// If the input cannot be read, or a line is malformed, too long, cut off or out of order. The
    /// message about a line has the line's number.
    pub(crate) fn next(&mut self) -> io::Result<Option<(Duration, Item)>> {
        let Some(Entry { at, what }) = self.line()? else { return Ok(None) };
        let at = Duration::try_from_secs_f64(at / 1000.0)
            .ok()
            .filter(|at| *at <= LENGTH)
            .ok_or_else(|| self.error("`at` is not a number of milliseconds up to a year"))?;
        if at < self.at {
            return Err(self.error("`at` is earlier than in the line before"));
        }
        self.at = at;
        let item = match what {
            What::Head { status, headers } => {
                self.begun = true;
                self.head(status, headers)?
            }
            What::End(_) => Item::End,
            What::Text(_) | What::B64(_) if !self.begun => {
                return Err(self.error("there are bytes of a body before the first `head`"));
            }
            What::Text(text) => Item::Bytes(text.into_bytes()),
            What::B64(text) => {
                let bytes = STANDARD.decode(text);
                Item::Bytes(bytes.map_err(|error| self.error(format!("`b64` is not Base64: {error}")))?)
            }
        };
        Ok(Some((at, item)))
    }

    fn head(&self, status: u16, headers: Vec<(String, String)>) -> io::Result<Item> {
        let code = StatusCode::from_u16(status).ok().filter(|_| (200..600).contains(&status));
        let code = code.ok_or_else(|| self.error(format!("{status} is not the status of a response")))?;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let header = HeaderName::try_from(&name).ok().zip(HeaderValue::try_from(&value).ok());
            let Some((name, value)) = header else {
                return Err(self.error(format!("`{name}: {value}` is not a header")));
            };
            if !LEFT_OUT.contains(&name.as_str()) {
                map.append(name, value);
            }
        }
        Ok(Item::Head(code, map))
    }

    fn line<T: for<'de> Deserialize<'de>>(&mut self) -> io::Result<Option<T>> {
        let mut line = Vec::new();
        io::Read::take(&mut self.input, LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let error = match serde_json::from_slice(&line) {
            Ok(value) => return Ok(Some(value)),
            Err(error) => error,
        };
        Err(self.error(match line.last() {
            _ if self.number == 1 => format!("the file is not a recording of `sse tail --record`: {error}"),
            Some(b'\n') if error.is_data() => {
                "the line needs `at` and one of `head`, `text`, `b64` and `end`, each as `sse tail --record` writes it"
                    .to_owned()
            }
            Some(b'\n') => error.to_string(),
            _ if line.len() as u64 == LINE => format!("the line is longer than {} MiB", LINE >> 20),
            _ => "the recording is cut off in the middle of this line".to_owned(),
        }))
    }

    fn error(&self, message: impl std::fmt::Display) -> io::Error {
        invalid(format!("line {}: {message}", self.number))
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "{\"sse-recording\":1}\n{\"at\":1.0,\"head\":{\"status\":200,\"headers\":[]}}\n";

    /// The error at the end of reading a recording with this text.
    fn error(text: &str) -> String {
        let mut reader = match Reader::new(text.as_bytes()) {
            Ok(reader) => reader,
            Err(error) => return error.to_string(),
        };
        loop {
            match reader.next() {
                Ok(Some(_)) => {}
                Ok(None) => return String::new(),
                Err(error) => return error.to_string(),
            }
        }
    }

    #[test]
    fn other_files_and_other_versions_are_errors() {
        assert!(error("data: x\n").starts_with("line 1: the file is not a recording"));
        assert_eq!(error(""), "the file is empty, not a recording");
        assert!(
            error("{\"sse-recording\":2}\n")
                .contains("version 2 of the format; this command reads version 1")
        );
        assert!(error("{\"sse-recording\":99999999999}\n").starts_with("line 1: "));
    }

    #[test]
    fn malformed_lines_are_errors_with_their_number() {
        for (line, problem) in [
            ("{\"at\":2}\n", "line 3: the line needs `at` and one of `head`, `text`, `b64` and `end`"),
            ("nonsense\n", "line 3: "),
            ("{\"at\":2.0,\"text\":\"da", "line 3: the recording is cut off"),
            ("{\"at\":2.0,\"b64\":\"%%%%\"}\n", "line 3: `b64` is not Base64"),
            ("{\"at\":2.0,\"b64\":\"AAA\"}\n", "line 3: `b64` is not Base64"),
            ("{\"at\":-1.0,\"text\":\"\"}\n", "line 3: `at` is not"),
            ("{\"at\":1e300,\"text\":\"\"}\n", "line 3: `at` is not"),
            ("{\"at\":0.5,\"text\":\"\"}\n", "line 3: `at` is earlier"),
            ("{\"at\":2.0,\"head\":{\"status\":1000,\"headers\":[]}}\n", "line 3: 1000 is not"),
            ("{\"at\":2.0,\"head\":{\"status\":101,\"headers\":[]}}\n", "line 3: 101 is not"),
            (
                "{\"at\":2.0,\"head\":{\"status\":200,\"headers\":[[\"a b\",\"\"]]}}\n",
                "line 3: `a b: ` is not",
            ),
            (
                "{\"at\":2.0,\"head\":{\"status\":200,\"headers\":[[\"a\",\"\\n\"]]}}\n",
                "line 3: `a: \n` is not",
            ),
        ] {
            let error = error(&format!("{HEAD}{line}"));
            assert!(error.starts_with(problem), "{line}: {error}");
        }
        assert!(
            error("{\"sse-recording\":1}\n{\"at\":1.0,\"text\":\"x\"}\n")
                .starts_with("line 2: there are bytes")
        );
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        struct Endless;
        impl io::Read for Endless {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                buffer.fill(b' ');
                Ok(buffer.len())
            }
        }
        let input = io::Read::chain(HEAD.as_bytes(), io::BufReader::with_capacity(1 << 20, Endless));
        let mut reader = Reader::new(input).unwrap();
        reader.next().unwrap();
        assert_eq!(reader.next().unwrap_err().to_string(), "line 3: the line is longer than 64 MiB");
    }

    #[test]
    fn the_last_line_need_not_have_a_line_end_and_headers_of_a_connection_are_dropped() {
        let text = "{\"sse-recording\":1}\n{\"at\":1,\"head\":{\"status\":200,\"headers\":[[\"Content-Length\",\"5\"]]}}";
        let mut reader = Reader::new(text.as_bytes()).unwrap();
        let head = Item::Head(StatusCode::OK, HeaderMap::new());
        assert_eq!(reader.next().unwrap(), Some((Duration::from_millis(1), head)));
        assert_eq!(reader.next().unwrap(), None);
    }

    #[test]
    fn the_beginning_of_a_recording_is_recognised() {
        assert!(is_recording(HEAD.as_bytes()) && !is_recording(b"{\"sse"));
        assert!(may_be_recording(b"") && may_be_recording(b"{\"sse") && !may_be_recording(b"{\"s:"));
        assert!(!may_be_recording(HEAD.as_bytes()));
    }
}
