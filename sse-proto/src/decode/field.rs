//! The grammar of a line (9.2.5, 9.2.6): how it ends, which field it has, where the value starts.

/// What a line means (9.2.6, "the steps to process the field").
///
/// Values are bytes as they came: not yet UTF-8, one U+0020 after the colon removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// An empty line: dispatches the event.
    Blank,
    /// A line that starts with a colon: ignored by the specification, a sign of life in practice.
    Comment(&'a [u8]),
    /// `event`: the event type of the block.
    Event(&'a [u8]),
    /// `data`: one line of the data.
    Data(&'a [u8]),
    /// `id`: the last event ID, unless it contains NUL.
    Id(&'a [u8]),
    /// `retry`: the reconnection time, if it is made of ASCII digits alone (see [`retry`]).
    Retry(&'a [u8]),
    /// Any other name, `Data` and `data ` included: names are compared literally.
    Unknown {
        /// What stands before the colon, or the whole line.
        name: &'a [u8],
        /// What stands after the colon.
        value: &'a [u8],
    },
}

impl<'a> Field<'a> {
    /// Reads one line, without its end.
    ///
    /// # Example
    ///
    /// ```
    /// use sse_proto::field::Field;
    ///
    /// assert_eq!(Field::parse(b"data: x"), Field::Data(b"x"));
    /// assert_eq!(Field::parse(b"data:  x"), Field::Data(b" x"));
    /// assert_eq!(Field::parse(b"data"), Field::Data(b""));
    /// assert_eq!(Field::parse(b": still here"), Field::Comment(b"still here"));
    /// ```
    pub fn parse(line: &'a [u8]) -> Self {
        let start = Start::of(line);
        let colon = memchr::memchr(b':', line);
        let value = colon.map_or(&line[line.len()..], |colon| &line[colon + 1..]);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match start.field().map_or_else(|| start.bare(line.len()), |(kind, _)| kind) {
            _ if line.is_empty() => Self::Blank,
            Kind::Comment | Kind::Skipped => Self::Comment(value),
            Kind::Event => Self::Event(value),
            Kind::Data => Self::Data(value),
            Kind::Id => Self::Id(value),
            Kind::Retry => Self::Retry(value),
            Kind::Unknown => Self::Unknown { name: &line[..colon.unwrap_or(line.len())], value },
        }
    }
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Event,
    Id,
    Retry,
    /// A line that starts with a colon.
    Comment,
    /// A comment that is not reported: its bytes count for the limit, its text is not kept.
    Skipped,
    /// A field of any other name, which is ignored.
    Unknown,
}

/// The one table of names (9.2.6, "process the field"), each with its colon. Names are compared
/// literally: `Data` and `data ` are unknown.
const NAMES: [(Name, Kind); 5] = [
    (Name::new("data:"), Kind::Data),
    (Name::new("event:"), Kind::Event),
    (Name::new("id:"), Kind::Id),
    (Name::new(":"), Kind::Comment),
    (Name::new("retry:"), Kind::Retry),
];

/// The longest name, without its colon.
const NAME: usize = 5;

/// The bytes of a name as those of a [`Start`], and their number.
#[derive(Clone, Copy)]
pub(super) struct Name {
    word: u64,
    pub(super) len: usize,
}

impl Name {
    pub(super) const fn new(name: &str) -> Self {
        let (mut word, mut at) = (0, 0);
        while at < name.len() {
            word |= (name.as_bytes()[at] as u64) << (8 * at);
            at += 1;
        }
        Self { word, len: name.len() }
    }
}

/// The first eight bytes of a line, or of what the chunk has of it: the first one lowest, 0xFF
/// where there are none.
#[derive(Clone, Copy)]
pub(super) struct Start(u64);

impl Start {
    #[inline(always)]
    pub(super) fn of(line: &[u8]) -> Self {
        match line.first_chunk() {
            Some(bytes) => Self(u64::from_le_bytes(*bytes)),
            None => Self::of_short(line),
        }
    }

    /// Of fewer than eight bytes: of the first and the last four, or of the first, the middle and
    /// the last one.
    #[inline]
    fn of_short(line: &[u8]) -> Self {
        let len = line.len();
        let word = if let (Some(first), Some(last)) = (line.first_chunk(), line.last_chunk()) {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << (8 * (len - 4))
        } else if let [first, .., last] = line {
            u64::from(*first)
                | u64::from(line[len / 2]) << (8 * (len / 2))
                | u64::from(*last) << (8 * (len - 1))
        } else {
            line.first().map_or(0, |byte| u64::from(*byte))
        };
        Self(word | u64::MAX << (8 * len))
    }

    /// The bytes; 0xFF where there are none.
    pub(super) fn bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }

    /// The field, if its name and the colon are there; and how many bytes these take.
    #[inline(always)]
    pub(super) fn field(self) -> Option<(Kind, usize)> {
        // (Not by `find`, which is not unrolled, and takes 40 instructions more.)
        for (name, kind) in NAMES {
            if self.starts_with(name) {
                return Some((kind, name.len));
            }
        }
        None
    }

    #[inline(always)]
    pub(super) fn starts_with(self, name: Name) -> bool {
        (self.0 ^ name.word) << (64 - 8 * name.len) == 0
    }

    /// Whether there is one U+0020 at this index (9.2.6): after the colon, it is not part of the
    /// value.
    #[inline(always)]
    pub(super) fn has_space(self, at: usize) -> bool {
        (self.0 >> (8 * at)) as u8 == b' '
    }

    /// The first byte that no name has, a colon or one below it, and its index.
    #[inline]
    pub(super) fn name_end(self) -> Option<(u8, usize)> {
        const ONES: u64 = u64::MAX / 0xFF;
        let stops = self.0.wrapping_sub(ONES * (b':' as u64 + 1)) & !self.0 & ONES << 7;
        let at = stops.trailing_zeros() as usize / 8;
        if stops == 0 { None } else { Some(((self.0 >> (8 * at)) as u8, at)) }
    }

    /// The field of a line that is `len` bytes long and has no colon: all of it is the name, and
    /// the value is empty.
    pub(super) fn bare(self, len: usize) -> Kind {
        match Prefix::new(self, len) {
            Some(name) => name.followed_by(Self(b':'.into())).field().map_or(Kind::Unknown, |(kind, _)| kind),
            None => Kind::Unknown,
        }
    }
}

/// The bytes of a name that a chunk cuts, at most [`NAME`]; above them is their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix(u64);

impl Prefix {
    /// `None` if no name starts like this, because none is as long.
    #[inline]
    pub(super) fn new(start: Start, len: usize) -> Option<Self> {
        if len > NAME {
            return None;
        }
        Some(Self(start.0 & !(u64::MAX << (8 * len)) | (len as u64) << 56))
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        (self.0 >> 56) as usize
    }

    /// The start of the line: these bytes, and what the next chunk starts with.
    #[inline]
    pub(super) fn followed_by(self, rest: Start) -> Start {
        Start(self.0 << 8 >> 8 | rest.0 << (8 * self.len()))
    }
}

/// The length of the line end (9.2.5) that `bytes` starts with, 0 if there is none: LF, CRLF, or
/// CR.
///
/// A CR that ends the chunk is a line end at once. Whether an LF follows in the next chunk is
/// looked at there ([`Parser::settle`](super::Parser)).
#[inline(always)]
pub(super) fn line_end(bytes: &[u8]) -> usize {
    match bytes {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        [b'\r', ..] => 1,
        _ => 0,
    }
}

/// The value of a `retry` field (9.2.6) in milliseconds; `None` if it is empty or not all ASCII
/// digits.
///
/// A number past `u64::MAX` saturates: the specification sets no bound.
pub fn retry(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |ms, byte| match byte {
        b'0'..=b'9' => Some(ms.saturating_mul(10).saturating_add(u64::from(byte - b'0'))),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_space_is_removed() {
        assert_eq!(Field::parse(b"data:\tx"), Field::Data(b"\tx"));
        assert_eq!(Field::parse(b"data:\xc2\xa0x"), Field::Data(b"\xc2\xa0x"));
        assert_eq!(Field::parse(b"data: "), Field::Data(b""));
        assert_eq!(Field::parse(b"dat: :"), Field::Unknown { name: b"dat", value: b":" });
        assert_eq!(Field::parse(b"data:x:"), Field::Data(b"x:"));
        assert_eq!(Field::parse(b"datum"), Field::Unknown { name: b"datum", value: b"" });
        assert_eq!(Field::parse(b""), Field::Blank);
    }

    #[test]
    fn names_are_compared_literally() {
        for (line, field) in [
            (&b"data: x"[..], Some((Kind::Data, 5))),
            (b"event:x", Some((Kind::Event, 6))),
            (b"retry: 5000", Some((Kind::Retry, 6))),
            (b"id:", Some((Kind::Id, 3))),
            (b":", Some((Kind::Comment, 1))),
            (b"Data: x", None),
            (b"data : x", None),
            (b" data: x", None),
            (b"\xef\xbb\xbfdata: x", None),
            (b"datax: x", None),
            (b"data\0: x", None),
            (b"id", None),
            (b"", None),
        ] {
            assert_eq!(Start::of(line).field(), field, "{line:?}");
        }
        assert_eq!(Start::of(b"data\n").bare(4), Kind::Data);
        assert_eq!(Start::of(b"data\0\n").bare(5), Kind::Unknown);
        assert_eq!(Start::of(b"message\n").bare(7), Kind::Unknown);
    }

    #[test]
    fn a_name_that_a_chunk_cuts_is_put_together() {
        let line = b"event: x";
        for at in 1..=5 {
            let prefix = Prefix::new(Start::of(&line[..at]), at).unwrap();
            let start = prefix.followed_by(Start::of(&line[at..]));
            assert_eq!((start.field(), start.has_space(6)), (Some((Kind::Event, 6)), true));
        }
        assert_eq!(Prefix::new(Start::of(b"events"), 6), None);
    }

    #[test]
    fn a_name_ends_at_the_first_byte_that_no_name_has() {
        for (line, end) in [
            (&b"\n\r"[..], Some((b'\n', 0))),
            (b"id\r\n", Some((b'\r', 2))),
            (b"message:", Some((b':', 7))),
            (b"a b:", Some((b' ', 1))),
            (b"\xef\xbb\xbfd\0", Some((0, 4))),
            (b"message", None),
            (b"messages: x", None),
            (b"", None),
        ] {
            assert_eq!(Start::of(line).name_end(), end, "{line:?}");
        }
    }

    #[test]
    fn short_lines_start_as_long_ones_do() {
        for len in 0..8 {
            let start = Start::of(b"abcdefgh").0 | u64::MAX << (8 * len);
            assert_eq!(Start::of(&b"abcdefgh"[..len]).0, start);
        }
    }

    #[test]
    fn retry_takes_digits_alone() {
        assert_eq!(retry(b"03000"), Some(3000));
        assert_eq!(retry(b"1000000000000000000000000000000"), Some(u64::MAX));
        for value in [&b""[..], b"+5", b"-5", b"1.5", b"5 ", b" 5", b"5x", "٣".as_bytes()] {
            assert_eq!(retry(value), None, "{value:?}");
        }
    }
}
