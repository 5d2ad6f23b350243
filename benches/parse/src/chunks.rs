//! How a corpus arrives: the same bytes in pieces of one size, or one event a piece.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::Corpus;

/// The sizes in which the bytes arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunking {
    /// Everything at once.
    Whole,
    /// Pieces of this many bytes.
    Size(usize),
    /// Each event with its blank line is one piece.
    Event,
}

impl Chunking {
    /// The columns of the table.
    pub const ALL: [Self; 6] =
        [Self::Whole, Self::Size(16 << 10), Self::Size(1400), Self::Event, Self::Size(64), Self::Size(1)];

    /// Reads what `Display` writes, or any number of bytes.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "whole" => Some(Self::Whole),
            "event" => Some(Self::Event),
            "16k" => Some(Self::Size(16 << 10)),
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
        })
    }
}

/// A corpus and how it is cut. The cuts are computed on the way: a list of a million slices would evict
/// from the cache what is being measured.
pub struct Chunks {
    bytes: Bytes,
    /// 0: at the `ends`.
    size: usize,
    ends: Arc<[usize]>,
}

impl Chunks {
    pub fn new(corpus: &Corpus, chunking: Chunking) -> Self {
        let size = match chunking {
            Chunking::Whole => corpus.bytes.len(),
            Chunking::Size(size) => size,
            Chunking::Event => 0,
        };
        Self { bytes: corpus.bytes.clone(), size, ends: corpus.ends.clone() }
    }

    /// One chunk of any bytes.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { size: bytes.len(), bytes, ends: Arc::default() }
    }

    /// For parsers that take a slice.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let cuts = Cuts { at: 0, len: self.bytes.len(), size: self.size, next: 0, ends: &*self.ends };
        cuts.map(|range| &self.bytes[range])
    }

    /// For parsers that take `Bytes`, and may keep them.
    pub fn shared(&self) -> impl Iterator<Item = Bytes> + Send + Sync + use<> {
        let cuts = Cuts { at: 0, len: self.bytes.len(), size: self.size, next: 0, ends: self.ends.clone() };
        let bytes = self.bytes.clone();
        cuts.map(move |range| bytes.slice(range))
    }
}

struct Cuts<E> {
    at: usize,
    len: usize,
    size: usize,
    next: usize,
    ends: E,
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
        } else {
            self.len.min(self.at + self.size)
        };
        let start = std::mem::replace(&mut self.at, end);
        Some(start..end)
    }
}
