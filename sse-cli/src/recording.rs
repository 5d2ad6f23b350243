//! Recordings of streams: a file that `sse tail --record` writes, and that `sse replay` and `sse parse` read.
//!
//! Lines of JSON. The first is the format and its version. Each line after it has the time since the start of the recording in
//! milliseconds, `at`, and one of
//!
//! - `head`: a response: `status` and `headers`, a list of names and values, without cookies;
//! - `text`: bytes of the body as they came, if they are UTF-8; else `b64`, the bytes in Base64;
//! - `end`: the end of the connection, and why.
//!
//! ```text
//! {"sse-recording":1}
//! {"at":0.0,"head":{"status":200,"headers":[["content-type","text/event-stream"]]}}
//! {"at":12.5,"text":"data: Hel\n\n"}
//! {"at":40.0,"end":"the response ended"}
//! ```
//!
//! The request is not recorded: its headers and its URL have secrets.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sse_tokio::reqwest::header::HeaderMap;

/// The version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;
/// A longer line is not a recording of ours.
const LINE: u64 = 64 << 20;
/// Headers that are secrets, or that the next server sets itself.
const LEFT_OUT: [&str; 7] =
    ["set-cookie", "set-cookie2", "connection", "keep-alive", "transfer-encoding", "content-length", "date"];

#[derive(Deserialize, Serialize)]
struct Format {
    #[serde(rename = "sse-recording")]
    version: u32,
}

/// One line of a recording.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Entry {
    /// Milliseconds since the start.
    pub(crate) at: f64,
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What a line of a recording says.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum What {
    Head { status: u16, headers: Vec<(String, String)> },
    Text(String),
    B64(String),
    End(String),
}

impl Entry {
    /// The bytes of the body in it.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        match &self.what {
            What::Text(text) => Some(text.clone().into_bytes()),
            What::B64(text) => STANDARD.decode(text).ok(),
            _ => None,
        }
    }

    pub(crate) fn time(&self) -> Duration {
        Duration::try_from_secs_f64(self.at / 1000.0).unwrap_or_default()
    }
}

/// Writes a recording, a line at a time.
#[derive(Debug)]
pub(crate) struct Recorder {
    out: BufWriter<File>,
    started: Instant,
}

impl Recorder {
    /// Makes the file, which nobody else may read, or empties it.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let mut recorder = Self { out: BufWriter::new(file), started: Instant::now() };
        recorder.line(&Format { version: VERSION })?;
        Ok(recorder)
    }

    /// A response has come.
    pub(crate) fn head(&mut self, status: u16, headers: &HeaderMap) -> io::Result<()> {
        let kept = headers.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
        let headers = kept
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        self.entry(What::Head { status, headers })
    }

    /// Bytes of its body have come.
    pub(crate) fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.entry(match std::str::from_utf8(bytes) {
            Ok(text) => What::Text(text.to_owned()),
            Err(_) => What::B64(STANDARD.encode(bytes)),
        })
    }

    /// The connection is over.
    pub(crate) fn end(&mut self, cause: &str) -> io::Result<()> {
        self.entry(What::End(cause.to_owned()))
    }

    fn entry(&mut self, what: What) -> io::Result<()> {
        // Microseconds are enough, and read better than all the digits of a float.
        let at = (self.started.elapsed().as_secs_f64() * 1e6).round() / 1000.0;
        self.line(&Entry { at, what })
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}

/// Whether a file that begins like this is a recording.
pub(crate) fn is_recording(start: &[u8]) -> bool {
    start.starts_with(b"{\"sse-recording\":")
}

/// Reads a recording, a line at a time.
pub(crate) struct Reader<R> {
    input: R,
    number: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    ///
    /// It is not a recording, or one of a later version.
    pub(crate) fn new(input: R) -> io::Result<Self> {
        let mut reader = Self { input, number: 0 };
        let format: Option<Format> = reader.line()?;
        match format {
            Some(Format { version: VERSION }) => Ok(reader),
            Some(Format { version }) => Err(invalid(format!(
                "version {version} of the format is not known; this command reads version {VERSION}"
            ))),
            None => Err(invalid("it is empty".to_owned())),
        }
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    ///
    /// The line is malformed, with its number.
    pub(crate) fn next(&mut self) -> io::Result<Option<Entry>> {
        self.line()
    }

    fn line<T: for<'de> Deserialize<'de>>(&mut self) -> io::Result<Option<T>> {
        let mut line = Vec::new();
        io::Read::take(&mut self.input, LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        match serde_json::from_slice(&line) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(invalid(format!("line {}: {error}", self.number))),
        }
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temporary(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("sse-recording-{}-{name}", std::process::id()))
    }

    #[test]
    fn what_is_written_is_read_and_cookies_are_left_out() {
        let path = temporary("round");
        let mut recorder = Recorder::create(&path).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "text/event-stream".parse().unwrap());
        headers.insert("set-cookie", "secret".parse().unwrap());
        recorder.head(200, &headers).unwrap();
        recorder.chunk(b"data: x\n\n").unwrap();
        recorder.chunk(b"\xff").unwrap();
        recorder.end("the response ended").unwrap();
        drop(recorder);
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions()) & 0o777,
            0o600
        );
        let text = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(is_recording(&text) && !String::from_utf8_lossy(&text).contains("secret"));
        let mut reader = Reader::new(&text[..]).unwrap();
        let mut entries = Vec::new();
        while let Some(entry) = reader.next().unwrap() {
            entries.push(entry);
        }
        let kept = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
        assert_eq!(entries[0].what, What::Head { status: 200, headers: kept });
        assert_eq!(entries[1].bytes().unwrap(), b"data: x\n\n");
        assert_eq!(entries[2].bytes().unwrap(), b"\xff");
        assert_eq!(entries[3].what, What::End("the response ended".to_owned()));
    }

    #[test]
    fn other_files_and_later_versions_are_refused() {
        assert!(Reader::new(&b"data: x\n"[..]).is_err());
        assert!(Reader::new(&b""[..]).is_err());
        let error = Reader::new(&b"{\"sse-recording\":2}\n"[..]).err().unwrap();
        assert!(error.to_string().contains("version 2"), "{error}");
        let mut reader = Reader::new(&b"{\"sse-recording\":1}\n{\"at\":1}\n"[..]).unwrap();
        assert!(reader.next().unwrap_err().to_string().starts_with("line 2: "));
    }
}
