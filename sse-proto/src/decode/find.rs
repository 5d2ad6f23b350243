//! The search that everything waits for: where a run of printable ASCII ends.
//!
//! One signed comparison a byte (`byte < 14`) stops at LF and CR, and at every byte that is not ASCII.

/// The index of the first byte that is LF, CR, another control character below 14, or not ASCII; the length if there is none.
#[inline]
pub(super) fn find(bytes: &[u8]) -> usize {
    search::<true>(bytes)
}

/// The same, but for what is not ASCII: that does not stop it.
pub(super) fn find_control(bytes: &[u8]) -> usize {
    search::<false>(bytes)
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[expect(unsafe_code, reason = "the compiler asks for it wherever a processor feature is named")]
fn search<const ASCII: bool>(bytes: &[u8]) -> usize {
    // SAFETY: every x86_64 processor has SSE2; the function has no other requirement.
    unsafe { x86::find::<ASCII>(bytes) }
}

#[cfg(not(target_arch = "x86_64"))]
use self::swar::find as search;

/// The same, if it is likely to be far: none of the first bytes is looked at before the others.
#[inline]
pub(super) fn find_far(bytes: &[u8]) -> usize {
    let Some((block, rest)) = bytes.split_first_chunk() else { return find(bytes) };
    match flags(block) {
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
    flags(block)
}

/// A bit for each byte where [`find`] would stop.
#[inline]
fn flags(block: &[u8; 64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "the compiler asks for it wherever a processor feature is named")]
    // SAFETY: every x86_64 processor has SSE2; the function has no other requirement.
    let flags = unsafe { x86::flags_of_64(block) };
    #[cfg(not(target_arch = "x86_64"))]
    let flags = swar::flags_of_64(block);
    flags
}

#[inline(never)]
fn flags_of_less(bytes: &[u8]) -> u64 {
    let mut padded = [b' '; 64];
    padded[..bytes.len()].copy_from_slice(bytes);
    flags(&padded)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set_epi64x, _mm_set1_epi8,
    };
    #[cfg(feature = "std")]
    use core::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_min_epu8, _mm256_movemask_epi8,
        _mm256_or_si256, _mm256_set_epi64x, _mm256_set1_epi8,
    };

    use super::swar;

    /// See [`super::find`].
    #[target_feature(enable = "sse2")]
    #[inline]
    pub(super) fn find<const ASCII: bool>(bytes: &[u8]) -> usize {
        // Most values are short, and a first look at 16 bytes finds their end.
        let Some(head) = bytes.first_chunk() else { return find_short::<ASCII>(bytes) };
        let mask = _mm_movemask_epi8(flags::<ASCII>(load(head)));
        if mask != 0 { mask.trailing_zeros() as usize } else { find_long::<ASCII>(bytes) }
    }

    /// The end of a chunk; kept out of line for the sake of what is not.
    #[inline(never)]
    fn find_short<const ASCII: bool>(bytes: &[u8]) -> usize {
        swar::find::<ASCII>(bytes)
    }

    /// There are more than 16 bytes, and none of the first 16 is it.
    #[inline]
    #[expect(unsafe_code, reason = "the compiler asks for it wherever a processor feature is named")]
    fn find_long<const ASCII: bool>(bytes: &[u8]) -> usize {
        #[cfg(feature = "std")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { find_avx2::<ASCII>(bytes) };
        }
        // SAFETY: every x86_64 processor has SSE2.
        unsafe { find_sse2::<ASCII>(bytes) }
    }

    /// 128 bytes at a time. (No closures in here: they would be compiled without the feature.)
    #[cfg(feature = "std")]
    #[target_feature(enable = "avx2")]
    pub(super) fn find_avx2<const ASCII: bool>(bytes: &[u8]) -> usize {
        let mut rest = &bytes[16..];
        while let Some((block, after)) = rest.split_first_chunk::<128>() {
            let vectors = block.as_chunks::<32>().0;
            let a = flags_avx2::<ASCII>(load_avx2(&vectors[0]));
            let b = flags_avx2::<ASCII>(load_avx2(&vectors[1]));
            let c = flags_avx2::<ASCII>(load_avx2(&vectors[2]));
            let d = flags_avx2::<ASCII>(load_avx2(&vectors[3]));
            let (ab, cd) = (_mm256_or_si256(a, b), _mm256_or_si256(c, d));
            if _mm256_movemask_epi8(_mm256_or_si256(ab, cd)) != 0 {
                let at = bytes.len() - rest.len();
                let ab = mask_avx2(a, b);
                return at
                    + if ab != 0 { ab.trailing_zeros() } else { 64 + mask_avx2(c, d).trailing_zeros() }
                        as usize;
            }
            rest = after;
        }
        while let Some((vector, after)) = rest.split_first_chunk::<32>() {
            let mask = _mm256_movemask_epi8(flags_avx2::<ASCII>(load_avx2(vector))) as u32;
            if mask != 0 {
                return bytes.len() - rest.len() + mask.trailing_zeros() as usize;
            }
            rest = after;
        }
        // What is left, and before it some of what was looked at.
        let Some(last) = bytes.last_chunk::<32>() else { return find_sse2::<ASCII>(bytes) };
        let mask = _mm256_movemask_epi8(flags_avx2::<ASCII>(load_avx2(last))) as u32;
        if mask != 0 { bytes.len() - 32 + mask.trailing_zeros() as usize } else { bytes.len() }
    }

    /// The flags of two vectors as one mask.
    #[cfg(feature = "std")]
    #[target_feature(enable = "avx2")]
    #[inline]
    fn mask_avx2(low: __m256i, high: __m256i) -> u64 {
        u64::from(_mm256_movemask_epi8(low) as u32) | u64::from(_mm256_movemask_epi8(high) as u32) << 32
    }

    /// 64 bytes at a time.
    #[target_feature(enable = "sse2")]
    pub(super) fn find_sse2<const ASCII: bool>(bytes: &[u8]) -> usize {
        let mut rest = &bytes[16..];
        while let Some((block, after)) = rest.split_first_chunk::<64>() {
            let vectors = block.as_chunks::<16>().0;
            let a = flags::<ASCII>(load(&vectors[0]));
            let b = flags::<ASCII>(load(&vectors[1]));
            let c = flags::<ASCII>(load(&vectors[2]));
            let d = flags::<ASCII>(load(&vectors[3]));
            if _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) != 0 {
                return bytes.len() - rest.len() + mask([a, b, c, d]).trailing_zeros() as usize;
            }
            rest = after;
        }
        while let Some((vector, after)) = rest.split_first_chunk::<16>() {
            let mask = _mm_movemask_epi8(flags::<ASCII>(load(vector)));
            if mask != 0 {
                return bytes.len() - rest.len() + mask.trailing_zeros() as usize;
            }
            rest = after;
        }
        // What is left, and before it some of what was looked at.
        let last = bytes.last_chunk().expect("there are more than 16 bytes");
        let mask = _mm_movemask_epi8(flags::<ASCII>(load(last)));
        if mask != 0 { bytes.len() - 16 + mask.trailing_zeros() as usize } else { bytes.len() }
    }

    /// See [`super::flags`].
    #[target_feature(enable = "sse2")]
    #[inline]
    pub(super) fn flags_of_64(block: &[u8; 64]) -> u64 {
        let vectors = block.as_chunks::<16>().0;
        mask([
            flags::<true>(load(&vectors[0])),
            flags::<true>(load(&vectors[1])),
            flags::<true>(load(&vectors[2])),
            flags::<true>(load(&vectors[3])),
        ])
    }

    /// The flags of four vectors as one mask.
    #[target_feature(enable = "sse2")]
    #[inline]
    fn mask([a, b, c, d]: [__m128i; 4]) -> u64 {
        let ab = _mm_movemask_epi8(a) as u64 | (_mm_movemask_epi8(b) as u64) << 16;
        let cd = _mm_movemask_epi8(c) as u64 | (_mm_movemask_epi8(d) as u64) << 16;
        ab | cd << 32
    }

    /// Compiles to one unaligned load.
    #[target_feature(enable = "sse2")]
    #[inline]
    fn load(bytes: &[u8; 16]) -> __m128i {
        let [low, high] = *bytes.as_chunks::<8>().0 else { unreachable!("16 bytes are twice 8") };
        _mm_set_epi64x(i64::from_le_bytes(high), i64::from_le_bytes(low))
    }

    /// Compiles to one unaligned load.
    #[cfg(feature = "std")]
    #[target_feature(enable = "avx2")]
    #[inline]
    fn load_avx2(bytes: &[u8; 32]) -> __m256i {
        let words = bytes.as_chunks::<8>().0;
        let (a, b) = (i64::from_le_bytes(words[0]), i64::from_le_bytes(words[1]));
        let (c, d) = (i64::from_le_bytes(words[2]), i64::from_le_bytes(words[3]));
        _mm256_set_epi64x(d, c, b, a)
    }

    #[cfg(feature = "std")]
    #[target_feature(enable = "avx2")]
    #[inline]
    fn flags_avx2<const ASCII: bool>(vector: __m256i) -> __m256i {
        if ASCII {
            _mm256_cmpgt_epi8(_mm256_set1_epi8(14), vector)
        } else {
            _mm256_cmpeq_epi8(_mm256_min_epu8(vector, _mm256_set1_epi8(13)), vector)
        }
    }

    /// All bits set in the bytes that are below 14, as signed numbers if `ASCII`: bytes from 0x80 are negative.
    #[target_feature(enable = "sse2")]
    #[inline]
    fn flags<const ASCII: bool>(vector: __m128i) -> __m128i {
        if ASCII {
            _mm_cmplt_epi8(vector, _mm_set1_epi8(14))
        } else {
            _mm_cmpeq_epi8(_mm_min_epu8(vector, _mm_set1_epi8(13)), vector)
        }
    }
}

#[cfg_attr(
    target_arch = "x86_64",
    allow(dead_code, reason = "the tail of a chunk, and the twin in the tests")
)]
mod swar {
    const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    const HIGH: u64 = !LOW;
    /// Added to the low seven bits of a byte, sets its high bit if they are at least 14.
    const FROM_14: u64 = 0x7272_7272_7272_7272;

    /// See [`super::find`]; eight bytes at a time on any machine.
    #[inline]
    pub(in crate::decode) fn find<const ASCII: bool>(bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while let Some((word, after)) = rest.split_first_chunk() {
            let flags = flags::<ASCII>(word);
            if flags != 0 {
                return bytes.len() - rest.len() + flags.trailing_zeros() as usize / 8;
            }
            rest = after;
        }
        // What is left, and before it some of what was looked at.
        if let Some(last) = bytes.last_chunk() {
            let flags = flags::<ASCII>(last);
            return if flags != 0 {
                bytes.len() - 8 + flags.trailing_zeros() as usize / 8
            } else {
                bytes.len()
            };
        }
        bytes.iter().position(|&byte| byte < 14 || ASCII && !byte.is_ascii()).unwrap_or(bytes.len())
    }

    /// See [`super::flags`].
    pub(in crate::decode) fn flags_of_64(block: &[u8; 64]) -> u64 {
        let words = block.as_chunks::<8>().0;
        // The product gathers the high bits of a word in its highest byte, the first the lowest.
        let bits = |word| (flags::<true>(word) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        (0..8).fold(0, |mask, at| mask | bits(&words[at]) << (8 * at))
    }

    /// Sets the high bits of the bytes that are below 14, or not ASCII if those count.
    #[inline]
    fn flags<const ASCII: bool>(word: &[u8; 8]) -> u64 {
        let word = u64::from_le_bytes(*word);
        let low = !((word & LOW) + FROM_14);
        (if ASCII { low | word } else { low & !word }) & HIGH
    }
}

#[cfg(test)]
pub(super) mod tests;
