//! Text that could not be borrowed: decoded piece by piece into a buffer that is used again.

use alloc::string::String;
use core::str::from_utf8;

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
    #[inline]
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

    /// Appends a value that is whole.
    #[inline]
    pub(super) fn push_value(&mut self, value: &[u8], ascii: bool) {
        self.push(value, ascii);
        self.end();
    }

    /// Appends a piece of a value that [`end`](Self::end) will end; `ascii` if it is known to be that.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8], ascii: bool) {
        if !ascii || self.cut_len > 0 {
            return self.decode(bytes);
        }
        match bytes {
            &[byte] => self.push_ascii(byte),
            _ => self.push_str(as_str(bytes)),
        }
    }

    /// Appends an ASCII character to a value in which no sequence is cut.
    #[inline]
    pub(super) fn push_ascii(&mut self, byte: u8) {
        if self.string.len() == self.string.capacity() {
            self.grow(1);
        }
        self.string.push(char::from(byte & 0x7F));
    }

    /// Whether the last piece cut a sequence.
    #[inline]
    pub(super) fn is_cut(&self) -> bool {
        self.cut_len > 0
    }

    /// Whether it has more room than an empty buffer may keep.
    #[inline]
    pub(super) fn is_large(&self) -> bool {
        self.string.capacity() > RETAINED
    }

    /// Appends a piece that may be anything.
    #[inline(never)]
    fn decode(&mut self, mut bytes: &[u8]) {
        while self.cut_len > 0 && !bytes.is_empty() {
            bytes = self.resume(bytes);
        }
        match bytes {
            [] => return,
            &[lead @ 0xC2..=0xF4] => {
                self.cut[0] = lead;
                self.cut_len = 1;
                return;
            }
            _ => {}
        }
        let whole = bytes.len() - cut_sequence(bytes);
        if is_utf8(&bytes[..whole]) {
            self.push_str(as_str(&bytes[..whole]));
            bytes = &bytes[whole..];
        }
        while !bytes.is_empty() {
            match from_utf8(bytes) {
                Ok(text) => return self.push_str(text),
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
    #[inline]
    pub(super) fn push_str(&mut self, text: &str) {
        if text.len() > self.string.capacity() - self.string.len() {
            self.grow(text.len());
        }
        self.string.push_str(text);
    }

    /// Ends a value: a sequence that is still cut will never be completed.
    #[inline]
    pub(super) fn end(&mut self) {
        if self.cut_len > 0 {
            self.cut_len = 0;
            self.push_str("\u{FFFD}");
        }
    }

    /// Goes on with the sequence that the piece before cut; returns what is left of `bytes`.
    fn resume<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let [lead, second, third] = self.cut;
        let (len, byte) = (self.cut_len, bytes[0]);
        // Table 3-7 of the Unicode Standard: what may come second depends on the lead byte.
        let goes_on = match (len, lead) {
            (1, 0xE0) => (0xA0..=0xBF).contains(&byte),
            (1, 0xED) => (0x80..=0x9F).contains(&byte),
            (1, 0xF0) => (0x90..=0xBF).contains(&byte),
            (1, 0xF4) => (0x80..=0x8F).contains(&byte),
            _ => (0x80..=0xBF).contains(&byte),
        };
        if !goes_on {
            // It is looked at again, as the start of something.
            self.end();
            return bytes;
        }
        match (len, lead) {
            (1, ..=0xDF) => self.push_sequence(&[lead, byte]),
            (2, ..=0xEF) => self.push_sequence(&[lead, second, byte]),
            (3, _) => self.push_sequence(&[lead, second, third, byte]),
            _ => {
                self.cut[usize::from(len)] = byte;
                self.cut_len += 1;
            }
        }
        &bytes[1..]
    }

    /// Appends the sequence that was cut.
    #[inline]
    fn push_sequence<const N: usize>(&mut self, sequence: &[u8; N]) {
        self.cut_len = 0;
        self.push_str(as_str(sequence));
    }

    #[cold]
    fn grow(&mut self, additional: usize) {
        let capacity = self.string.capacity();
        let growth = if capacity < DOUBLING { capacity } else { capacity / 4 };
        let wanted = (self.string.len() + additional).max(capacity + growth).max(64);
        self.string.reserve_exact(wanted - self.string.len());
    }
}

/// Whether `bytes` is valid UTF-8.
#[inline]
pub(super) fn is_utf8(bytes: &[u8]) -> bool {
    #[cfg(feature = "simdutf8")]
    let valid = simdutf8::basic::from_utf8(bytes).is_ok();
    #[cfg(not(feature = "simdutf8"))]
    let valid = from_utf8(bytes).is_ok();
    valid
}

/// The length of the sequence at the end of `bytes` that may go on in the next piece.
fn cut_sequence(bytes: &[u8]) -> usize {
    match *bytes {
        [.., 0xC0..=0xFF] => 1,
        [.., 0xE0..=0xFF, 0x80..=0xBF] => 2,
        [.., 0xF0..=0xFF, 0x80..=0xBF, 0x80..=0xBF] => 3,
        _ => 0,
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
    debug_assert!(from_utf8(bytes).is_ok(), "validated by the caller");
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
                        text.push(piece, piece.is_ascii());
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
            text.push(&piece, true);
        }
        assert!(text.string.capacity() < text.string.len() * 5 / 4 + 1400);
        text.clear();
        text.push(b"small", true);
        text.clear();
        assert_eq!(text.string.capacity(), 0);
    }
}
