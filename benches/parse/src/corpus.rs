//! Realistic streams, generated from a fixed seed, each with the events that it contains.

mod events;
pub(crate) mod random;
mod shape;

use std::sync::Arc;

use bytes::Bytes;

use crate::{Fingerprint, Sink};
use random::Random;
pub use shape::Shape;

const SEED: u64 = 0x5EED_0F5E;
const MESSAGE: &str = "message";

/// A stream and the events that it contains.
pub struct Corpus {
    pub bytes: Bytes,
    /// The end of each event and of each block of comments, with its blank line.
    pub ends: Arc<[usize]>,
    pub events: u64,
    /// The events in order, from the generator and not from a parser.
    pub expected: Fingerprint,
}

impl Corpus {
    /// Generates at least `size` bytes of whole events. A smaller corpus of a shape is a prefix of
    /// a larger one.
    pub fn new(shape: Shape, size: usize) -> Self {
        let mut writer = Writer::new(shape.line_end());
        writer.fill(shape, size);
        writer.finish()
    }

    /// The type, data and ID of the events of a corpus, for encoders.
    pub fn texts(shape: Shape, size: usize) -> Vec<[String; 3]> {
        let mut writer = Writer::new("\n");
        writer.texts = Some(Vec::new());
        writer.fill(shape, size);
        writer.texts.unwrap_or_default()
    }

    /// A corpus with one event of `size` bytes of data, in a single line or in lines of 60 bytes.
    pub fn one_event(size: usize, lines: bool) -> Self {
        let mut writer = Writer::new("\n");
        let mut data = Random(SEED).word(size, size);
        if lines {
            // The letters are ASCII, so a line feed in place of one keeps the length.
            data = data
                .as_bytes()
                .chunks(60)
                .map(|line| String::from_utf8_lossy(line))
                .collect::<Vec<_>>()
                .join("\n");
            data.truncate(size);
        }
        writer.event(MESSAGE, &data, "");
        writer.finish()
    }
}

struct Writer {
    out: Vec<u8>,
    eol: &'static str,
    ends: Vec<usize>,
    events: u64,
    /// The last event ID: events without an ID keep it.
    id: String,
    expected: Fingerprint,
    texts: Option<Vec<[String; 3]>>,
}

impl Writer {
    fn new(eol: &'static str) -> Self {
        Self {
            out: Vec::new(),
            eol,
            ends: Vec::new(),
            events: 0,
            id: String::new(),
            expected: Fingerprint::default(),
            texts: None,
        }
    }

    fn fill(&mut self, shape: Shape, size: usize) {
        let mut random = Random(SEED);
        while self.out.len() < size {
            events::next(shape, self, &mut random);
        }
    }

    fn line(&mut self, parts: [&str; 2]) {
        for part in parts {
            self.out.extend_from_slice(part.as_bytes());
        }
        self.out.extend_from_slice(self.eol.as_bytes());
    }

    /// Writes a block of these lines and a blank line, which a server writes at once.
    fn block(&mut self, lines: &[&str]) {
        for line in lines {
            self.line([line, ""]);
        }
        self.line(["", ""]);
        self.ends.push(self.out.len());
    }

    fn comment(&mut self, lines: &[impl AsRef<str>]) {
        for line in lines {
            self.line([": ", line.as_ref()]);
        }
        self.block(&[]);
    }

    /// Writes an event: its type unless that is `message`, its ID unless that is empty.
    fn event(&mut self, kind: &str, data: &str, id: &str) {
        self.event_with(&[], kind, data, id);
    }

    /// Writes an event after lines of other fields.
    fn event_with(&mut self, lines: &[&str], kind: &str, data: &str, id: &str) {
        if !id.is_empty() {
            self.line(["id: ", id]);
        }
        self.fields(lines, kind, data);
        self.dispatch(kind, data, id);
    }

    /// Writes an event after lines of other fields, with its ID last, as this project's servers
    /// write it.
    fn event_before_id(&mut self, lines: &[&str], kind: &str, data: &str, id: &str) {
        self.fields(lines, kind, data);
        self.line(["id: ", id]);
        self.dispatch(kind, data, id);
    }

    /// Writes an event with the type `message` written out, as MCP and Wikimedia do.
    fn named_event(&mut self, data: &str, id: &str) {
        self.line(["event: ", MESSAGE]);
        self.event_with(&[], MESSAGE, data, id);
    }

    fn fields(&mut self, lines: &[&str], kind: &str, data: &str) {
        for line in lines {
            self.line([line, ""]);
        }
        if kind != MESSAGE {
            self.line(["event: ", kind]);
        }
        for line in data.split('\n') {
            self.line(["data: ", line]);
        }
    }

    fn dispatch(&mut self, kind: &str, data: &str, id: &str) {
        self.block(&[]);
        self.events += 1;
        if !id.is_empty() {
            self.id = id.to_owned();
        }
        self.expected.event(kind, data, &self.id);
        if let Some(texts) = &mut self.texts {
            texts.push([kind, data, id].map(str::to_owned));
        }
    }

    fn finish(self) -> Corpus {
        Corpus {
            bytes: self.out.into(),
            ends: self.ends.into(),
            events: self.events,
            expected: self.expected,
        }
    }
}
