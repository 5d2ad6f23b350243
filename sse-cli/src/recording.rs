//! Recordings of streams, which `sse tail --record` writes, and which `sse replay`, `sse parse` and
//! `sse bench --parse` read.
//!
//! A recording has lines of JSON. The first line is the format's version. Each further line has the
//! time since the start of the recording in milliseconds, `at`, which never goes back, and one of
//!
//! - `head`: a response: `status` and `headers`, a list of names and values, without cookies;
//! - `text`: bytes of the body as they came, if they are UTF-8; otherwise `b64`, the bytes in
//!   Base64;
//! - `end`: the end of the connection, and why.
//!
//! ```text
//! {"sse-recording":1}
//! {"at":0.0,"head":{"status":200,"headers":[["content-type","text/event-stream"]]}}
//! {"at":12.5,"text":"data: Hel\n\n"}
//! {"at":40.0,"end":"the response ended"}
//! ```
//!
//! The request is not recorded, because its headers and URL may contain secrets.

mod reader;
mod recorder;

use serde::{Deserialize, Serialize};

pub(crate) use reader::{Item, Reader, is_recording, may_be_recording};
pub(crate) use recorder::Recorder;

/// The version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;
/// Headers that are not recorded: secrets, and those that belong to one connection.
const LEFT_OUT: [&str; 7] =
    ["set-cookie", "set-cookie2", "connection", "keep-alive", "transfer-encoding", "content-length", "date"];

/// The first line: the format's version.
#[derive(Deserialize, Serialize)]
struct Format {
    #[serde(rename = "sse-recording")]
    version: u32,
}

/// A line after the first one.
#[derive(Deserialize, Serialize)]
struct Entry {
    /// Milliseconds since the start of the recording.
    at: f64,
    #[serde(flatten)]
    what: What,
}

/// Content of a line after the first one.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum What {
    Head { status: u16, headers: Vec<(String, String)> },
    Text(String),
    B64(String),
    End(String),
}

#[cfg(test)]
mod tests {
    use sse_tokio::reqwest::header::HeaderMap;

    use super::*;

    #[test]
    fn a_recording_is_read_as_it_was_written_except_cookies() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("recording");
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
        assert!(is_recording(&text) && !String::from_utf8_lossy(&text).contains("secret"));
        let mut reader = Reader::new(&text[..]).unwrap();
        let mut items = Vec::new();
        while let Some((_, item)) = reader.next().unwrap() {
            items.push(item);
        }
        headers.remove("set-cookie");
        let expected = [
            Item::Head(http::StatusCode::OK, headers),
            Item::Bytes(b"data: x\n\n".to_vec()),
            Item::Bytes(b"\xff".to_vec()),
            Item::End,
        ];
        assert_eq!(items, expected);
    }
}
