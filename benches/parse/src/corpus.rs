//! Streams as they really come, generated from a fixed seed, each with the events that it has to give.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Fingerprint, Sink};

const SEED: u64 = 0x5EED_0F5E;
const MESSAGE: &str = "message";

/// What a stream is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One `data` line of about 300 bytes of JSON.
    OpenAi,
    /// A type and about 90 bytes of JSON, with pings between.
    Anthropic,
    /// `data: x`.
    Tiny,
    /// One `data` line of 64 KiB, as images come.
    Long,
    /// 20 `data` lines of about 60 bytes.
    Lines,
    /// An ID, a type and 1.5 KB of data.
    Feed,
    /// As `OpenAi`, lines ended by CRLF.
    Crlf,
    /// As `Anthropic`, lines ended by CRLF.
    AnthropicCrlf,
    /// As `OpenAi`, lines ended by CR.
    Cr,
    /// 5 to 25 comments before each event of `OpenAi`.
    KeepAlive,
    /// One `data` line of about 100 Chinese characters.
    Chinese,
}

impl Shape {
    /// The rows of the table.
    pub const ALL: [Self; 11] = [
        Self::OpenAi,
        Self::Anthropic,
        Self::Tiny,
        Self::Long,
        Self::Lines,
        Self::Feed,
        Self::Crlf,
        Self::AnthropicCrlf,
        Self::Cr,
        Self::KeepAlive,
        Self::Chinese,
    ];

    /// Reads what `Display` writes.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.to_string() == name)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Tiny => "tiny",
            Self::Long => "64k-line",
            Self::Lines => "20-lines",
            Self::Feed => "feed",
            Self::Crlf => "openai-crlf",
            Self::AnthropicCrlf => "anthropic-crlf",
            Self::Cr => "openai-cr",
            Self::KeepAlive => "keep-alive",
            Self::Chinese => "chinese",
        })
    }
}

/// A stream and what it means.
pub struct Corpus {
    pub bytes: Bytes,
    /// Where each event ends, its blank line included.
    pub ends: Arc<[usize]>,
    pub events: u64,
    /// Of the events in order, straight from the generator: no parser was asked.
    pub expected: Fingerprint,
}

impl Corpus {
    /// At least `size` bytes of whole events. A smaller corpus of the same shape is a prefix of a larger one.
    pub fn new(shape: Shape, size: usize) -> Self {
        let mut writer = Writer::new(match shape {
            Shape::Crlf | Shape::AnthropicCrlf => "\r\n",
            Shape::Cr => "\r",
            _ => "\n",
        });
        writer.fill(shape, size);
        writer.finish()
    }

    /// The type, data and ID of its events, for encoders.
    pub fn texts(shape: Shape, size: usize) -> Vec<[String; 3]> {
        let mut writer = Writer::new("\n");
        writer.texts = Some(Vec::new());
        writer.fill(shape, size);
        writer.texts.unwrap_or_default()
    }

    /// One event of `size` bytes of data: in a single line, or in lines of 60 bytes.
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

/// One streamed token in the JSON that a chat completion comes in.
fn chat_chunk(random: &mut Random) -> String {
    format!(
        "{{\"id\":\"chatcmpl-{}\",\"object\":\"chat.completion.chunk\",\"created\":{},\"model\":\"gpt-4o-2024-08-06\",\
         \"service_tier\":\"default\",\"system_fingerprint\":\"fp_{}\",\"choices\":[{{\"index\":0,\"delta\":\
         {{\"content\":\" {}\"}},\"logprobs\":null,\"finish_reason\":null}}],\"usage\":null}}",
        random.word(29, 29),
        1_720_000_000 + random.below(90_000_000),
        random.word(10, 10),
        random.word(1, 12),
    )
}

struct Writer {
    out: Vec<u8>,
    eol: &'static str,
    ends: Vec<usize>,
    events: u64,
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
            expected: Fingerprint::default(),
            texts: None,
        }
    }

    fn fill(&mut self, shape: Shape, size: usize) {
        let mut random = Random(SEED);
        while self.out.len() < size {
            match shape {
                Shape::OpenAi | Shape::Crlf | Shape::Cr => self.event(MESSAGE, &chat_chunk(&mut random), ""),
                Shape::Anthropic | Shape::AnthropicCrlf if random.below(16) == 0 => {
                    self.event("ping", "{\"type\": \"ping\"}", "");
                }
                Shape::Anthropic | Shape::AnthropicCrlf => {
                    let text = random.word(1, 12);
                    let data = format!(
                        "{{\"type\":\"content_block_delta\",\"index\":0,\
                         \"delta\":{{\"type\":\"text_delta\",\"text\":\" {text}\"}}}}"
                    );
                    self.event("content_block_delta", &data, "");
                }
                Shape::Tiny => self.event(MESSAGE, &random.word(1, 1), ""),
                Shape::Long => self.event(MESSAGE, &random.word(64 << 10, 64 << 10), ""),
                Shape::Lines => {
                    let lines: Vec<String> = (0..20).map(|_| random.prose(50, 70)).collect();
                    self.event(MESSAGE, &lines.join("\n"), "");
                }
                Shape::Feed => {
                    let id = format!("{}-{}", 1_700_000_000_000 + self.events, random.below(1000));
                    let data = format!("{{\"title\":\"{}\"}}", random.prose(1400, 1600));
                    self.event("recentchange", &data, &id);
                }
                Shape::KeepAlive => {
                    for _ in 0..5 + random.below(21) {
                        self.comment(["keep-alive", "OPENROUTER PROCESSING", "ping"][random.below(3)]);
                    }
                    self.event(MESSAGE, &chat_chunk(&mut random), "");
                }
                Shape::Chinese => self.event(MESSAGE, &random.chinese(90, 110), ""),
            }
        }
    }

    fn line(&mut self, parts: [&str; 2]) {
        for part in parts {
            self.out.extend_from_slice(part.as_bytes());
        }
        self.out.extend_from_slice(self.eol.as_bytes());
    }

    fn comment(&mut self, text: &str) {
        self.line([": ", text]);
        self.line(["", ""]);
    }

    fn event(&mut self, kind: &str, data: &str, id: &str) {
        if !id.is_empty() {
            self.line(["id: ", id]);
        }
        if kind != MESSAGE {
            self.line(["event: ", kind]);
        }
        for line in data.split('\n') {
            self.line(["data: ", line]);
        }
        self.line(["", ""]);
        self.ends.push(self.out.len());
        self.events += 1;
        self.expected.event(kind, data, id);
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

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    fn word(&mut self, least: usize, most: usize) -> String {
        let len = self.between(least, most);
        (0..len)
            .map(|_| char::from(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789+/"[self.below(48)]))
            .collect()
    }

    fn prose(&mut self, least: usize, most: usize) -> String {
        let len = self.between(least, most);
        let mut text = String::with_capacity(len + 12);
        while text.len() < len {
            text.push_str(&self.word(2, 10));
            text.push_str([" ", " ", " ", ": ", ", "][self.below(5)]);
        }
        text.truncate(len);
        text
    }

    fn chinese(&mut self, least: usize, most: usize) -> String {
        let len = self.between(least, most);
        (0..len)
            .map(|_| match self.below(20) {
                0 => '，',
                1 => '。',
                2 => char::from(b'0' + self.below(10) as u8),
                _ => char::from_u32(0x4E00 + self.below(0x51A5) as u32).unwrap_or('中'),
            })
            .collect()
    }
}
