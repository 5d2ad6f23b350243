//! The search on processors without vectors: eight bytes at a time in one word (SIMD within a
//! register).

const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
const HIGH: u64 = !LOW;
/// Addend for the low seven bits of each byte: it sets the high bit if they are at least 14.
const FROM_14: u64 = 0x7272_7272_7272_7272;

/// See [`super::plain`].
#[inline]
pub(super) fn find(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk() {
        let stops = stops(word);
        if stops != 0 {
            return bytes.len() - rest.len() + stops.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    // The remaining bytes, with some searched ones before them.
    if let Some(last) = bytes.last_chunk() {
        let stops = stops(last);
        return if stops != 0 { bytes.len() - 8 + stops.trailing_zeros() as usize / 8 } else { bytes.len() };
    }
    bytes.iter().position(|byte| !(14..0x80).contains(byte)).unwrap_or(bytes.len())
}

#[allow(unused_imports, reason = "used on processors without vectors")]
pub(super) use find as find_near;

/// Sets the high bits of the bytes that are not plain.
#[inline]
fn stops(word: &[u8; 8]) -> u64 {
    let word = u64::from_le_bytes(*word);
    (!((word & LOW) + FROM_14) | word) & HIGH
}
