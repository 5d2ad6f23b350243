//! Text that could not be borrowed: put together piece by piece in a buffer that is used again.

use alloc::string::String;
use alloc::vec::Vec;
use core::str::from_utf8;

/// Capacity that a buffer may keep once it is empty; what one giant event needed beyond is given back.
const RETAINED: usize = 128 * 1024;

/// Up to this capacity a buffer doubles; beyond it grows by a quarter, so that a giant event costs little more
/// than its size.
const DOUBLING: usize = 1024 * 1024;

const REPLACEMENT: &str = "\u{FFFD}";

/// A string under construction from pieces of UTF-8 that may be cut anywhere.
///
/// The pieces of a value are put together as they come, and validated at its end, all at once. Ill-formed bytes become
/// U+FFFD, one for each maximal subpart, as the UTF-8 decoder of the Encoding Standard does it.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    /// The length of the values that have ended; valid UTF-8.
    ended: usize,
    /// Whether the value after it may hold anything but ASCII.
    any: bool,
}

impl Text {
    /// The values that have ended.
    #[inline]
    pub(super) fn as_str(&self) -> &str {
        as_str(&self.bytes[..self.ended])
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Empties the buffer, and frees it if it is far larger than what it held.
    #[inline]
    pub(super) fn clear(&mut self) {
        if self.is_large() && self.bytes.len() < self.bytes.capacity() / 8 {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.ended = 0;
        self.any = false;
    }

    /// Frees an empty buffer that is large.
    #[inline]
    pub(super) fn shrink(&mut self) {
        if self.is_large() && self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
    }

    /// Whether it has more room than an empty buffer may keep.
    #[inline]
    pub(super) fn is_large(&self) -> bool {
        self.bytes.capacity() > RETAINED
    }

    /// Appends a value that is whole; `valid` if it is known to be UTF-8.
    #[inline]
    pub(super) fn push_value(&mut self, value: &[u8], valid: bool) {
        self.push(value, valid);
        self.end();
    }

    /// Appends a piece of a value that [`end`](Self::end) will end; `ascii` if it is known to be that.
    #[inline]
    pub(super) fn push(&mut self, piece: &[u8], ascii: bool) {
        self.reserve(piece.len());
        self.any |= !ascii;
        self.bytes.extend_from_slice(piece);
    }

    /// Appends a piece of one byte.
    #[inline]
    pub(super) fn push_byte(&mut self, byte: u8) {
        if self.bytes.len() == self.bytes.capacity() {
            self.grow(1);
        }
        self.any |= !byte.is_ascii();
        self.bytes.push(byte);
    }

    /// Appends a piece of one byte, if that takes no more memory.
    #[inline]
    pub(super) fn try_push_byte(&mut self, byte: u8) -> bool {
        let room = self.bytes.len() < self.bytes.capacity();
        if room {
            self.push_byte(byte);
        }
        room
    }

    /// Ends a value.
    #[inline]
    pub(super) fn end(&mut self) {
        if self.any {
            self.validate();
        }
        self.ended = self.bytes.len();
    }

    #[inline(never)]
    fn validate(&mut self) {
        self.any = false;
        if !is_utf8(&self.bytes[self.ended..]) {
            self.replace();
        }
    }

    /// Writes the value anew behind itself, well-formed, and removes what it was.
    #[cold]
    fn replace(&mut self) {
        let end = self.bytes.len();
        let mut at = self.ended;
        while at < end {
            let (valid, ill_formed) = match from_utf8(&self.bytes[at..end]) {
                Ok(text) => (text.len(), 0),
                // After a character that the end cuts there is nothing.
                Err(error) => (error.valid_up_to(), error.error_len().unwrap_or(end)),
            };
            self.reserve(valid + REPLACEMENT.len());
            self.bytes.extend_from_within(at..at + valid);
            if ill_formed > 0 {
                self.bytes.extend_from_slice(REPLACEMENT.as_bytes());
            }
            at += valid + ill_formed;
        }
        self.bytes.drain(self.ended..end);
    }

    #[inline]
    fn reserve(&mut self, additional: usize) {
        if additional > self.bytes.capacity() - self.bytes.len() {
            self.grow(additional);
        }
    }

    #[cold]
    fn grow(&mut self, additional: usize) {
        let capacity = self.bytes.capacity();
        let growth = if capacity < DOUBLING { capacity } else { capacity / 4 };
        let wanted = (self.bytes.len() + additional).max(capacity + growth).max(64);
        self.bytes.reserve_exact(wanted - self.bytes.len());
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

impl From<String> for Text {
    fn from(string: String) -> Self {
        Self { ended: string.len(), bytes: string.into_bytes(), any: false }
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
    fn room_is_made_when_there_is_none() {
        let mut text = Text::default();
        assert!(!text.try_push_byte(b'x'));
        text.push_byte(b'x');
        assert!(text.try_push_byte(b'x'));
        let capacity = text.bytes.capacity();
        text.push(&[b'x'; 200][2..capacity], true);
        assert_eq!((text.bytes.len(), text.bytes.capacity()), (capacity, capacity));
        assert!(!text.try_push_byte(b'x'));
    }

    #[test]
    fn growth_is_bounded_and_capacity_is_given_back() {
        const MIB: usize = 1024 * 1024;
        let mut text = Text::default();
        let piece = [b'x'; 1400];
        let mut doublings = 0;
        while text.bytes.len() < 16 << 20 {
            let before = text.bytes.capacity();
            text.push(&piece, true);
            let (len, capacity) = (text.bytes.len(), text.bytes.capacity());
            doublings += u32::from(before != capacity && before < MIB);
            assert!(capacity <= if before < MIB { len * 2 } else { MIB.max(len) * 5 / 2 });
            assert!(len < 2 * MIB || capacity < len * 5 / 4 + 1400);
        }
        // From the first piece on.
        assert_eq!(doublings, (MIB / 1400).ilog2() + 2);
        text.clear();
        text.push(b"small", true);
        text.clear();
        assert_eq!(text.bytes.capacity(), 0);

        text.push(&[b'x'; 100 * 1024], true);
        text.clear();
        text.push(b"small", true);
        text.clear();
        assert_eq!(text.bytes.capacity(), 100 * 1024, "what is not that large is kept");
    }
}
