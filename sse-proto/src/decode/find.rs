//! The search that everything waits for: where a run of printable ASCII ends.
//!
//! One signed comparison a byte (`byte < 14`) stops at LF and CR, and at every byte that is not ASCII.

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

/// The index of the first byte that is LF, CR, another control character below 14, or not ASCII; the length if there is none.
#[inline]
pub(super) fn find(bytes: &[u8]) -> usize {
    vectors::find::<true>(bytes)
}

/// The same, but for what is not ASCII: that does not stop it.
#[inline]
pub(super) fn find_control(bytes: &[u8]) -> usize {
    vectors::find::<false>(bytes)
}

/// The same, if it is likely to be far: none of the first bytes is looked at before the others.
#[inline]
pub(super) fn find_far(bytes: &[u8]) -> usize {
    let Some((block, rest)) = bytes.split_first_chunk() else { return find(bytes) };
    match vectors::flags_of_64(block) {
        0 if rest.is_empty() => bytes.len(),
        0 => block.len() + find(rest),
        flags => flags.trailing_zeros() as usize,
    }
}

/// The same search, asked again and again from places that lie close together: it looks at 64 bytes at a time, and remembers
/// what it saw in them.
///
/// Where a run of short lines has any lengths, a branch on each length is predicted wrongly half of the time. This has none.
pub(super) struct Near {
    /// The 64 bytes from here on, or those that the chunk has.
    start: usize,
    /// A bit for each that ends a run, the first the lowest.
    flags: u64,
}

impl Near {
    #[inline]
    pub(super) fn new(chunk: &[u8]) -> Self {
        Self { start: 0, flags: flags_of_first(chunk) }
    }

    /// The index from `at` on, as [`find`] would give it.
    #[inline]
    pub(super) fn find(&mut self, chunk: &[u8], at: usize) -> usize {
        let seen = if at - self.start < 64 { self.flags >> (at - self.start) } else { 0 };
        if seen != 0 {
            return at + seen.trailing_zeros() as usize;
        }
        if chunk.len() - self.start <= 64 {
            return chunk.len();
        }
        *self = Self { start: at, flags: flags_of_first(&chunk[at..]) };
        if self.flags != 0 { at + self.flags.trailing_zeros() as usize } else { at + find(&chunk[at..]) }
    }
}

/// A bit for each of the first 64 bytes where [`find`] would stop.
#[inline]
fn flags_of_first(bytes: &[u8]) -> u64 {
    let Some(block) = bytes.first_chunk() else { return flags_of_less(bytes) };
    vectors::flags_of_64(block)
}

#[inline(never)]
fn flags_of_less(bytes: &[u8]) -> u64 {
    let mut padded = [b' '; 64];
    padded[..bytes.len()].copy_from_slice(bytes);
    vectors::flags_of_64(&padded)
}

#[cfg(test)]
pub(super) mod tests;
