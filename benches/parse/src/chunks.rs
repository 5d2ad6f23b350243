//! Division of a corpus into chunks: of one size, of random sizes, or one event for each chunk.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::Corpus;
use crate::corpus::random::Random;

/// The sizes of the chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunking {
    /// One chunk with everything.
    Whole,
    /// Chunks of this many bytes.
    Size(usize),
    /// One chunk for each event with its blank line, and for each block of comments, as a server
    /// writes them.
    Event,
    /// Chunks of 1 to 4096 random bytes, half of them below 64, from this seed.
    Random(u64),
}

impl Chunking {
    /// The columns of the table.
    pub const ALL: [Self; 9] = [
        Self::Whole,
        Self::Size(16 << 10),
        Self::Size(1400),
        Self::Event,
        Self::Size(64),
        Self::Size(8),
        Self::Size(3),
        Self::Size(1),
        Self::Random(0),
    ];

    /// Parses the output of `Display`: a number of bytes, `random`, or `random-` and a seed.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "whole" => Some(Self::Whole),
            "event" => Some(Self::Event),
            "16k" => Some(Self::Size(16 << 10)),
            "random" => Some(Self::Random(0)),
            random if random.starts_with("random-") => random[7..].parse().ok().map(Self::Random),
            bytes => bytes.parse().ok().filter(|&size| size > 0).map(Self::Size),
        }
    }
}

impl fmt::Display for Chunking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&match self {
            Self::Whole => "whole".to_owned(),
            Self::Event => "event".to_owned(),
            Self::Size(16384) => "16k".to_owned(),
            Self::Size(size) => size.to_string(),
            Self::Random(0) => "random".to_owned(),
            Self::Random(seed) => format!("random-{seed}"),
        })
    }
}

/// The value of `size` that means random sizes.
const RANDOM: usize = usize::MAX;

/// A corpus and its division into chunks. The cuts are computed on the fly: a list of a million
/// slices would evict the measured data from the cache.
pub struct Chunks {
    bytes: Bytes,
    /// The chunk size; 0 means that the chunks end at `ends`.
    size: usize,
    ends: Arc<[usize]>,
    random: Random,
}

impl Chunks {
    pub fn new(corpus: &Corpus, chunking: Chunking) -> Self {
        let (size, seed) = match chunking {
            Chunking::Whole => (corpus.bytes.len(), 0),
            Chunking::Size(size) => (size, 0),
            Chunking::Event => (0, 0),
            Chunking::Random(seed) => (RANDOM, seed),
        };
        Self { bytes: corpus.bytes.clone(), size, ends: corpus.ends.clone(), random: Random(seed) }
    }

    /// A corpus of one chunk.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { size: bytes.len(), bytes, ends: Arc::default(), random: Random(0) }
    }

    /// A stream that consists of these chunks.
    pub fn pieces(chunks: &[Vec<u8>]) -> Self {
        let ends = chunks.iter().scan(0, |end, chunk| {
            *end += chunk.len();
            Some(*end)
        });
        Self { size: 0, ends: ends.collect(), bytes: chunks.concat().into(), random: Random(0) }
    }

    /// The chunks as slices, for parsers that take a slice.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.cuts(&*self.ends).map(|range| &self.bytes[range])
    }

    /// The chunks as `Bytes`, for parsers that may keep them.
    pub fn shared(&self) -> impl Iterator<Item = Bytes> + Send + Sync + use<> {
        let bytes = self.bytes.clone();
        self.cuts(self.ends.clone()).map(move |range| bytes.slice(range))
    }

    fn cuts<E>(&self, ends: E) -> Cuts<E> {
        Cuts { at: 0, len: self.bytes.len(), size: self.size, next: 0, ends, random: self.random.clone() }
    }
}

struct Cuts<E> {
    at: usize,
    len: usize,
    size: usize,
    next: usize,
    ends: E,
    random: Random,
}

impl<E: AsRef<[usize]>> Iterator for Cuts<E> {
    type Item = Range<usize>;

    #[inline]
    fn next(&mut self) -> Option<Range<usize>> {
        if self.at == self.len {
            return None;
        }
        let end = if self.size == 0 {
            self.next += 1;
            self.ends.as_ref()[self.next - 1]
        } else if self.size == RANDOM {
            self.len.min(self.at + self.random.chunk())
        } else {
            self.len.min(self.at + self.size)
        };
        let start = std::mem::replace(&mut self.at, end);
        Some(start..end)
    }
}
