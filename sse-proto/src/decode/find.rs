//! Search for the end of a run of plain text, on which the parser's speed depends.
//!
//! **Plain** is every byte from 14 to 0x7F: printable ASCII, and a few controls that servers do not
//! send. One signed comparison for each byte (`byte < 14`) stops at LF and CR, and at every byte
//! that is not plain. So plain text is valid UTF-8, has no NUL, and needs no second check.

use memchr::memchr2;

#[allow(dead_code, reason = "where there are vectors, for the tail of a chunk and as their twin in tests")]
mod swar;
#[cfg(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon", target_endian = "little")
))]
mod vectors;

#[cfg(not(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon", target_endian = "little")
)))]
use self::swar as vectors;

#[inline(always)]
fn counted(len: usize) -> usize {
    #[cfg(test)]
    tests::SEARCHED.set(tests::SEARCHED.get() + len + 1);
    len
}

/// How many plain bytes there are at the start of `bytes`.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    counted(vectors::find(bytes))
}

/// Splits `bytes` into the plain text at its start and the rest; `NEAR` if the end of the text is
/// likely to be near.
#[inline(always)]
#[expect(unsafe_code, reason = "a second look at each byte costs as much as all the rest of the parser")]
pub(super) fn plain_text<const NEAR: bool>(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (text, rest) =
        bytes.split_at_checked(if NEAR { counted(vectors::find_near(bytes)) } else { plain(bytes) })?;
    // SAFETY: both searches count bytes below 0x80 alone, so `text` is ASCII.
    Some((unsafe { core::str::from_utf8_unchecked(text) }, rest))
}

/// The length of the line at the start of `bytes`, as far as `bytes` has it; and whether the line
/// is plain.
#[inline]
pub(super) fn line(bytes: &[u8]) -> (usize, bool) {
    let at = plain(bytes);
    match bytes.get(at) {
        None | Some(b'\n' | b'\r') => (at, true),
        Some(_) => (end_of_line(bytes, at), false),
    }
}

/// The end of the line that contains `at`, by a search that stops only at line ends.
#[inline(never)]
pub(super) fn end_of_line(bytes: &[u8], at: usize) -> usize {
    memchr2(b'\n', b'\r', &bytes[at..]).map_or(bytes.len(), |len| at + len)
}

#[cfg(test)]
pub(super) mod tests;
