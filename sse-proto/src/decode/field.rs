//! Grammar of a line (9.2.5, 9.2.6): its end, its field, and the start of the value.

/// Meaning of a line (9.2.6, "the steps to process the field").
///
/// Values are unvalidated bytes, without the one U+0020 after the colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// An empty line: dispatches the event.
    Blank,
    /// A line that starts with a colon: the specification ignores it, and servers send it as a
    /// keep-alive.
    Comment(&'a [u8]),
    /// `event`: the event type of the block.
    Event(&'a [u8]),
    /// `data`: one line of the data.
    Data(&'a [u8]),
    /// `id`: the last event ID, unless it contains NUL.
    Id(&'a [u8]),
    /// `retry`: the reconnection time, if it consists of only ASCII digits (see [`retry`]).
    Retry(&'a [u8]),
    /// Any other name, `Data` and `data ` included: names are compared literally.
    Unknown {
        /// The text before the colon, or the whole line.
        name: &'a [u8],
        /// The text after the colon.
        value: &'a [u8],
    },
}

impl<'a> Field<'a> {
    /// Parses one line, which is given without its line end.
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
        let colon = memchr::memchr(b':', line);
        let name = &line[..colon.unwrap_or(line.len())];
        let value = colon.map_or(&line[line.len()..], |colon| &line[colon + 1..]);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name.iter().try_fold(Prefix::EMPTY, |prefix, byte| prefix.followed_by(*byte)).map(Prefix::kind)
        {
            _ if line.is_empty() => Self::Blank,
            Some(Kind::Comment) => Self::Comment(value),
            Some(Kind::Event) => Self::Event(value),
            Some(Kind::Data) => Self::Data(value),
            Some(Kind::Id) => Self::Id(value),
            Some(Kind::Retry) => Self::Retry(value),
            Some(Kind::Unreported | Kind::Unknown) | None => Self::Unknown { name, value },
        }
    }
}

/// Kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Event,
    Id,
    Retry,
    /// A line that starts with a colon.
    Comment,
    /// A comment that is not reported: its bytes count for the limit, but its text is not kept.
    Unreported,
    /// A field with any other name, which is ignored; or any line of a skipped block.
    Unknown,
}

/// Names of the known fields (9.2.6, "process the field"), each with its colon; the entry `:` is a
/// comment. Names match byte for byte: `Data`, and `data` followed by a space, are unknown.
const NAMES: [(Name, Kind); 5] = [
    (Name::new("data:"), Kind::Data),
    (Name::new("event:"), Kind::Event),
    (Name::new("id:"), Kind::Id),
    (Name::new(":"), Kind::Comment),
    (Name::new("retry:"), Kind::Retry),
];

/// The longest name, without its colon.
pub(super) const NAME: usize = 5;

/// The start of nearly all events.
pub(super) const DATA: Name = Name::new("data: ");

/// The bytes of a name in the layout of a [`Start`], and their number.
#[derive(Clone, Copy)]
pub(super) struct Name {
    word: u64,
    pub(super) len: usize,
}

impl Name {
    const fn new(name: &str) -> Self {
        let (mut word, mut at) = (0, 0);
        while at < name.len() {
            word |= (name.as_bytes()[at] as u64) << (8 * at);
            at += 1;
        }
        Self { word, len: name.len() }
    }
}

/// The first eight bytes of a line, as far as the chunk has them: the first byte is the lowest, and
/// missing bytes are 0xFF.
#[derive(Clone, Copy)]
pub(super) struct Start(u64);

impl Start {
    #[inline(always)]
    pub(super) fn of(line: &[u8]) -> Self {
        match line.first_chunk() {
            Some(bytes) => Self(u64::from_le_bytes(*bytes)),
            None => Self(line.iter().rev().fold(u64::MAX, |word, byte| word << 8 | u64::from(*byte))),
        }
    }

    /// The field and the start of its value, if the name and the colon are complete.
    #[inline(always)]
    pub(super) fn field(self) -> Option<(Kind, usize)> {
        // (Not by `find`, which is not unrolled, and takes 40 instructions more.)
        let mut found = None;
        for (name, kind) in NAMES {
            if found.is_none() && self.starts_with(name) {
                found = Some((kind, name.len));
            }
        }
        found.map(|(kind, colon)| (kind, self.value(colon)))
    }

    /// The start of the value after a colon that ends here: one U+0020 after it is not part of the
    /// value (9.2.6).
    #[inline(always)]
    fn value(self, colon: usize) -> usize {
        colon + usize::from((self.0 >> (8 * colon)) as u8 == b' ')
    }

    #[inline(always)]
    pub(super) fn starts_with(self, name: Name) -> bool {
        (self.0 ^ name.word) << (64 - 8 * name.len) == 0
    }
}

/// The bytes of a name that a chunk cuts, at most [`NAME`]: the first byte is the highest, and a
/// bit above it tells how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix(u64);

impl Prefix {
    pub(super) const EMPTY: Self = Self(1);

    /// Appends a byte; `None` if no name is that long.
    #[inline]
    pub(super) fn followed_by(self, byte: u8) -> Option<Self> {
        if self.0 >> (8 * NAME) == 0 { Some(Self(self.0 << 8 | u64::from(byte))) } else { None }
    }

    /// The kind of the line, if its name ends here, at a colon or at the end of the line.
    #[inline]
    pub(super) fn kind(self) -> Kind {
        let line = self.0 << 8 | u64::from(b':');
        let start = Start((line << (line.leading_zeros() + 1)).swap_bytes());
        start.field().map_or(Kind::Unknown, |(kind, _)| kind)
    }
}

/// The length of the line end (9.2.5) at the start of `bytes`: LF, CRLF or CR; 0 if there is none.
///
/// A CR at the end of the chunk is a line end at once. The next chunk is checked for its LF
/// (`State::Cr`).
#[inline(always)]
pub(super) fn line_end(bytes: &[u8]) -> usize {
    match bytes {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        [b'\r', ..] => 1,
        _ => 0,
    }
}

/// The value of a `retry` field (9.2.6) in milliseconds; `None` unless the value consists of ASCII
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
            (&b"data: x"[..], Some((Kind::Data, 6))),
            (b"data:x", Some((Kind::Data, 5))),
            (b"event:  ", Some((Kind::Event, 7))),
            (b"retry: 5000", Some((Kind::Retry, 7))),
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
    }

    #[test]
    fn a_line_without_a_colon_is_a_name() {
        for (line, field) in [
            (&b"data"[..], Field::Data(b"")),
            (b"event", Field::Event(b"")),
            (b"retry", Field::Retry(b"")),
            (b"id", Field::Id(b"")),
            (b"i", Field::Unknown { name: b"i", value: b"" }),
            (b"data\0", Field::Unknown { name: b"data\0", value: b"" }),
            (b"datas: x", Field::Unknown { name: b"datas", value: b"x" }),
            (b"retrys", Field::Unknown { name: b"retrys", value: b"" }),
        ] {
            assert_eq!(Field::parse(line), field, "{line:?}");
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
