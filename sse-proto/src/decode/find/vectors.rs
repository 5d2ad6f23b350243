//! The search with vectors of 16 bytes: SSE2 or NEON, which every processor of its kind has; and
//! with wider vectors, if the processor has them.
//!
//! All share the loop; `load`, `flags`, `or`, `bits` and `first_of_four` are the processor's.
#![expect(unsafe_code, reason = "the compiler asks for it wherever a processor feature is named")]

/// Defines `find_after_16` and `find_in` for vectors of `$width` bytes, with `load`, `flags`, `or`,
/// `bits` and `first_of_four` of the calling module. The number that `bits` returns has `$bits`
/// bits for each byte of the vector. `$narrow` searches inputs that are shorter than one vector.
/// (The functions contain no closures: a function of the standard library that takes one is
/// compiled without the feature, and so does not inline it.)
macro_rules! search {
    ($feature:literal, $width:literal, $bits:literal, $narrow:path) => {
        /// Searches at least 16 bytes, of which the first 16 are plain: four vectors at a time.
        #[target_feature(enable = $feature)]
        #[inline(never)]
        pub(in crate::decode::find) fn find_after_16(bytes: &[u8]) -> usize {
            let mut rest = &bytes[16..];
            while let Some((block, after)) = rest.split_first_chunk::<{ 4 * $width }>() {
                let vectors = block.as_chunks::<$width>().0;
                let (a, b) = (flags(load(&vectors[0])), flags(load(&vectors[1])));
                let (c, d) = (flags(load(&vectors[2])), flags(load(&vectors[3])));
                if bits(or(or(a, b), or(c, d))) != 0 {
                    return bytes.len() - rest.len() + first_of_four([a, b, c, d]);
                }
                rest = after;
            }
            while let Some((vector, after)) = rest.split_first_chunk() {
                let bits = bits(flags(load(vector)));
                if bits != 0 {
                    return bytes.len() - rest.len() + bits.trailing_zeros() as usize / $bits;
                }
                rest = after;
            }
            // The remaining bytes, with some searched ones before them.
            let Some(last) = bytes.last_chunk() else { return $narrow(bytes) };
            let bits = bits(flags(load(last)));
            if bits != 0 {
                bytes.len() - $width + bits.trailing_zeros() as usize / $bits
            } else {
                bytes.len()
            }
        }

        /// Searches one vector.
        #[allow(dead_code, reason = "for vectors of 16 bytes")]
        #[target_feature(enable = $feature)]
        #[inline]
        pub(super) fn find_in(vector: &[u8; $width]) -> Option<usize> {
            let bits = bits(flags(load(vector)));
            if bits != 0 { Some(bits.trailing_zeros() as usize / $bits) } else { None }
        }
    };
}

#[cfg(all(target_arch = "x86_64", feature = "std"))]
mod avx2;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
pub(super) mod sse2;

#[cfg(target_arch = "aarch64")]
use self::neon as narrow;
#[cfg(target_arch = "x86_64")]
use self::sse2 as narrow;
use super::swar;

/// See [`super::plain`].
#[inline]
pub(super) fn find(bytes: &[u8]) -> usize {
    // Most values are short, and a first look at 16 bytes finds their end.
    let Some(head) = bytes.first_chunk() else { return find_short(bytes) };
    // SAFETY: this module is not there for a target without SSE2 or NEON.
    let found = unsafe { narrow::find_in(head) };
    found.unwrap_or_else(|| find_long(bytes))
}

/// Searches the first two vectors of 16 bytes, before the loop for longer texts.
#[inline(always)]
pub(super) fn find_near(bytes: &[u8]) -> usize {
    let Some(block) = bytes.first_chunk::<32>() else { return find(bytes) };
    let [head, next] = block.as_chunks().0 else { unreachable!("32 bytes are twice 16") };
    // SAFETY: as above.
    let found = unsafe {
        match narrow::find_in(head) {
            None => narrow::find_in(next).map(|at| 16 + at),
            found => found,
        }
    };
    found.unwrap_or_else(|| find_long(bytes))
}

/// Searches fewer than 16 bytes, at the end of a chunk; out of line, to keep the common case small.
#[inline(never)]
fn find_short(bytes: &[u8]) -> usize {
    swar::find(bytes)
}

/// Searches at least 16 bytes, of which the first 16 are plain.
#[inline]
fn find_long(bytes: &[u8]) -> usize {
    #[cfg(all(target_arch = "x86_64", feature = "std"))]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::find_after_16(bytes) };
    }
    // SAFETY: this module is not there for a target without SSE2 or NEON.
    unsafe { narrow::find_after_16(bytes) }
}
