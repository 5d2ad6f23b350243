//! The search that everything waits for: where a run of plain text ends.
//!
//! **Plain** is every byte from 14 to 0x7F: printable ASCII, and a few controls that servers do not
//! send. One signed comparison a byte (`byte < 14`) stops at LF and CR, and at every byte that is
//! not plain. So plain text is valid UTF-8, has no NUL, and needs no second look.

use memchr::memchr2;

#[cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    allow(dead_code, reason = "the tail of a chunk, and the twin in the tests")
)]
mod swar;
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon", target_endian = "little")
))]
mod vectors;

#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon", target_endian = "little")
)))]
use self::swar as vectors;

#[cfg(test)]
std::thread_local! {
    /// How many bytes were passed over, for a test of the time that it takes.
    pub(super) static SEARCHED: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

#[inline(always)]
fn counted(len: usize) -> usize {
    #[cfg(test)]
    SEARCHED.set(SEARCHED.get() + len + 1);
    len
}

/// How many plain bytes there are at the start of `bytes`.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    counted(vectors::find(bytes))
}

/// The plain text at the start of `bytes`, and what follows it; `NEAR` if its end is likely to be
/// near.
#[inline(always)]
#[expect(unsafe_code, reason = "a second look at each byte costs as much as all the rest of the parser")]
pub(super) fn plain_text<const NEAR: bool>(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (text, rest) =
        bytes.split_at_checked(if NEAR { counted(vectors::find_near(bytes)) } else { plain(bytes) })?;
    // SAFETY: both searches count bytes below 0x80 alone, so `text` is ASCII.
    Some((unsafe { core::str::from_utf8_unchecked(text) }, rest))
}

/// How long the line is that `bytes` starts with, or starts within, as far as `bytes` goes; and
/// whether it is plain.
#[inline]
pub(super) fn line(bytes: &[u8]) -> (usize, bool) {
    line_from(bytes, plain(bytes))
}

/// [`line()`], where `at` is the number of [`plain`] bytes.
#[inline(always)]
pub(super) fn line_from(bytes: &[u8], at: usize) -> (usize, bool) {
    match bytes.get(at) {
        None | Some(b'\n' | b'\r') => (at, true),
        Some(_) => (line_end(bytes, at), false),
    }
}

/// Where the line ends that `at` is in, by the search that nothing but a line end stops.
#[inline(never)]
pub(super) fn line_end(bytes: &[u8], at: usize) -> usize {
    memchr2(b'\n', b'\r', &bytes[at..]).map_or(bytes.len(), |len| at + len)
}

/// [`plain`], asked again and again from places that lie close together: it looks at 64 bytes at a
/// time, and remembers what it saw in them.
///
/// Where short lines have any lengths, a branch on each length is predicted wrongly half of the
/// time. This has none.
pub(super) struct Stops {
    /// The 64 bytes from here on, or those that the chunk has.
    start: usize,
    /// A bit for each of them that is not plain, the first the lowest.
    bits: u64,
}

impl Stops {
    #[inline]
    pub(super) fn new(chunk: &[u8]) -> Self {
        Self { start: 0, bits: stops_of_first(chunk) }
    }

    /// The index of the first byte from `at` on that is not plain.
    #[inline]
    pub(super) fn next(&mut self, chunk: &[u8], at: usize) -> usize {
        let seen = if at - self.start < 64 { self.bits >> (at - self.start) } else { 0 };
        if seen != 0 {
            return at + seen.trailing_zeros() as usize;
        }
        if chunk.len() - self.start <= 64 {
            return chunk.len();
        }
        *self = Self { start: at, bits: stops_of_first(&chunk[at..]) };
        if self.bits != 0 { at + self.bits.trailing_zeros() as usize } else { at + plain(&chunk[at..]) }
    }
}

#[inline]
fn stops_of_first(bytes: &[u8]) -> u64 {
    let Some(block) = bytes.first_chunk() else { return stops_of_less(bytes) };
    vectors::stops_of_64(block)
}

#[inline(never)]
fn stops_of_less(bytes: &[u8]) -> u64 {
    let mut padded = [b' '; 64];
    padded[..bytes.len()].copy_from_slice(bytes);
    vectors::stops_of_64(&padded)
}

#[cfg(test)]
pub(super) mod tests;
