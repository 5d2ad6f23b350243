//! One line → its field. Pure: no state, no allocation.

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
        if line.is_empty() {
            return Self::Blank;
        }
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &[][..]),
        };
        match name {
            b"" => Self::Comment(value),
            b"event" => Self::Event(value),
            b"data" => Self::Data(value),
            b"id" => Self::Id(value),
            b"retry" => Self::Retry(value),
            _ => Self::Unknown { name, value },
        }
    }
}

/// The value of a `retry` field in milliseconds; `None` if it is empty or not all ASCII digits.
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
    }

    #[test]
    fn names_are_compared_literally() {
        for line in [&b"Data: x"[..], b"data : x", b" data: x", b"\xef\xbb\xbfdata: x", b"datax: x", b"dat"] {
            assert!(matches!(Field::parse(line), Field::Unknown { .. }), "{line:?}");
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
