//! Writer of recordings.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sse_tokio::reqwest::header::HeaderMap;

use super::{Entry, Format, LEFT_OUT, VERSION, What};

/// Writes a recording, a line at a time.
#[derive(Debug)]
pub(crate) struct Recorder {
    out: BufWriter<File>,
    started: Instant,
}

impl Recorder {
    /// Creates or empties the file, which only its owner may read.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        // An existing file may have another mode; a device or a pipe keeps its mode.
        #[cfg(unix)]
        if file.metadata()?.is_file() {
            file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        }
        let mut recorder = Self { out: BufWriter::new(file), started: Instant::now() };
        recorder.line(&Format { version: VERSION })?;
        Ok(recorder)
    }

    /// Records the head of a response.
    pub(crate) fn head(&mut self, status: u16, headers: &HeaderMap) -> io::Result<()> {
        let kept = headers.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
        let headers = kept
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        self.entry(What::Head { status, headers })
    }

    /// Records bytes of the body.
    pub(crate) fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.entry(match str::from_utf8(bytes) {
            Ok(text) => What::Text(text.to_owned()),
            Err(_) => What::B64(STANDARD.encode(bytes)),
        })
    }

    /// Records the end of the connection.
    pub(crate) fn end(&mut self, cause: &str) -> io::Result<()> {
        self.entry(What::End(cause.to_owned()))
    }

    fn entry(&mut self, what: What) -> io::Result<()> {
        // Microseconds are precise enough, and shorter than all digits of a float.
        let at = (self.started.elapsed().as_secs_f64() * 1e6).round() / 1000.0;
        self.line(&Entry { at, what })
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}
