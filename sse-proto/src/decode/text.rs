//! Text that could not be borrowed: decoded piece by piece into a buffer that is used again.

use alloc::string::String;

/// Capacity that a buffer may keep once it is empty; what one giant event needed beyond is given back.
const RETAINED: usize = 128 * 1024;

/// Up to this capacity a buffer doubles; beyond it grows by a quarter, so that a giant event costs little more
/// than its size.
const DOUBLING: usize = 1024 * 1024;

/// A string under construction from pieces of UTF-8 that may be cut anywhere.
///
/// Ill-formed bytes become U+FFFD, one for each maximal subpart, as the UTF-8 decoder of the Encoding
/// Standard does it.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    string: String,
    /// The start of a sequence that the last piece cut.
    cut: [u8; 3],
    cut_len: u8,
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        &self.string
    }

    pub(super) fn is_empty(&self) -> bool {
        self.string.is_empty()
    }

    /// Empties the buffer, and frees it if it is far larger than what it held.
    pub(super) fn clear(&mut self) {
        if self.string.capacity() > RETAINED && self.string.len() < self.string.capacity() / 8 {
            self.string = String::new();
        }
        self.string.clear();
        self.cut_len = 0;
    }

    /// Frees an empty buffer that is large.
    pub(super) fn shrink(&mut self) {
        if self.string.capacity() > RETAINED && self.string.is_empty() {
            self.string = String::new();
        }
    }

    /// Appends a piece of a value that [`end`](Self::end) will end.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        if let &[byte @ ..0x80] = bytes
            && self.cut_len == 0
            && self.string.len() < self.string.capacity()
        {
            return self.string.push(char::from(byte));
        }
        while self.cut_len > 0 && !bytes.is_empty() {
            bytes = self.resume(bytes);
        }
        self.reserve(bytes.len());
        loop {
            match core::str::from_utf8(bytes) {
                Ok(text) => return self.string.push_str(text),
                Err(error) => {
                    let (valid, rest) = bytes.split_at(error.valid_up_to());
                    self.push_str(as_str(valid));
                    let Some(ill_formed) = error.error_len() else {
                        self.cut[..rest.len()].copy_from_slice(rest);
                        self.cut_len = rest.len() as u8;
                        return;
                    };
                    self.push_str("\u{FFFD}");
                    bytes = &rest[ill_formed..];
                }
            }
        }
    }

    /// Appends text that is whole.
    pub(super) fn push_str(&mut self, text: &str) {
        self.reserve(text.len());
        self.string.push_str(text);
    }

    /// Ends a value: a sequence that is still cut will never be completed.
    pub(super) fn end(&mut self) {
        if self.cut_len > 0 {
            self.cut_len = 0;
            self.push_str("\u{FFFD}");
        }
    }

    /// Goes on with the sequence that the piece before cut; returns what is left of `bytes`.
    fn resume<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let cut_len = usize::from(self.cut_len);
        let mut sequence = [0; 4];
        sequence[..cut_len].copy_from_slice(&self.cut[..cut_len]);
        sequence[cut_len] = bytes[0];
        match core::str::from_utf8(&sequence[..=cut_len]) {
            Ok(character) => {
                self.cut_len = 0;
                self.push_str(character);
                &bytes[1..]
            }
            Err(error) if error.error_len().is_none() => {
                self.cut[cut_len] = bytes[0];
                self.cut_len += 1;
                &bytes[1..]
            }
            // The byte does not go on with the sequence: it is looked at again, as the start of something.
            Err(_) => {
                self.end();
                bytes
            }
        }
    }

    fn reserve(&mut self, additional: usize) {
        let capacity = self.string.capacity();
        if additional > capacity - self.string.len() {
            let growth = if capacity < DOUBLING { capacity } else { capacity / 4 };
            let wanted = (self.string.len() + additional).max(capacity + growth).max(64);
            self.string.reserve_exact(wanted - self.string.len());
        }
    }
}

impl From<String> for Text {
    fn from(string: String) -> Self {
        Self { string, ..Self::default() }
    }
}

/// The text of bytes that were found to be UTF-8 before.
///
/// The one place where the validation is skipped. Callers have just seen, byte by byte, that `bytes` is ASCII, or
/// had `from_utf8` accept it.
#[expect(
    unsafe_code,
    reason = "a second validation of every value costs as much as all the rest of the parser"
)]
pub(super) fn as_str(bytes: &[u8]) -> &str {
    debug_assert!(core::str::from_utf8(bytes).is_ok(), "validated by the caller");
    // SAFETY: `bytes` is valid UTF-8, see above. The function is private to the parser, and each caller passes bytes
    // that are borrowed without interruption since they were validated.
    unsafe { core::str::from_utf8_unchecked(bytes) }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn ill_formed_bytes_are_replaced_as_the_encoding_standard_does() {
        let cases: [&[u8]; 12] = [
            b"plain",
            "grün, 漢字, 🦀".as_bytes(),
            b"\xff",
            b"a\xffb\xc2",
            b"\xc2\xc2\xa9",
            b"\xe2\x80",
            b"\xe2\x80\xe2\x80\xa6",
            b"\xf0\x9f\xa6",
            b"\xf0\x9f\xa6x",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xc0\xaf\xe0\x80\xaf",
        ];
        for bytes in cases {
            let expected = String::from_utf8_lossy(bytes);
            for a in 0..=bytes.len() {
                for b in a..=bytes.len() {
                    let mut text = Text::default();
                    for piece in [&bytes[..a], &bytes[a..b], &bytes[b..]] {
                        text.push(piece);
                    }
                    text.end();
                    assert_eq!(text.as_str(), expected, "{bytes:?} cut at {a} and {b}");
                }
            }
        }
    }

    #[test]
    fn growth_is_bounded_and_capacity_is_given_back() {
        let mut text = Text::default();
        let piece = [b'x'; 1400];
        while text.string.len() < 16 << 20 {
            text.push(&piece);
        }
        assert!(text.string.capacity() < text.string.len() * 5 / 4 + 1400);
        text.clear();
        text.push(b"small");
        text.clear();
        assert_eq!(text.string.capacity(), 0);
    }
}
