//! The search that everything waits for: where a run of printable ASCII ends.
//!
//! One signed comparison a byte (`byte < 14`) stops at LF and CR, and at every byte that is not ASCII.

/// The index of the first byte that is LF, CR, another control character below 14, or not ASCII; the length if there is none.
#[cfg(target_arch = "x86_64")]
#[inline]
#[expect(unsafe_code, reason = "the compiler asks for it wherever a processor feature is named")]
pub(super) fn find(bytes: &[u8]) -> usize {
    // SAFETY: every x86_64 processor has SSE2; the function has no other requirement.
    unsafe { x86::find(bytes) }
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) use self::swar::find;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::{
        __m128i, _mm_cmplt_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };
    #[cfg(feature = "std")]
    use core::arch::x86_64::{
        __m256i, _mm256_cmpgt_epi8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set_epi64x,
        _mm256_set1_epi8,
    };

    use super::swar;

    /// See [`super::find`].
    #[target_feature(enable = "sse2")]
    #[inline]
    pub(super) fn find(bytes: &[u8]) -> usize {
        // Most values are short, and a first look at 16 bytes finds their end.
        let Some(head) = bytes.first_chunk() else { return find_short(bytes) };
        let mask = _mm_movemask_epi8(flags(load(head)));
        if mask != 0 { mask.trailing_zeros() as usize } else { find_long(bytes) }
    }

    /// The end of a chunk; kept out of line for the sake of what is not.
    #[inline(never)]
    fn find_short(bytes: &[u8]) -> usize {
        swar::find(bytes)
    }

    /// There are more than 16 bytes, and none of the first 16 is it.
    #[inline]
    #[expect(unsafe_code, reason = "the compiler asks for it wherever a processor feature is named")]
    fn find_long(bytes: &[u8]) -> usize {
        #[cfg(feature = "std")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { find_avx2(bytes) };
        }
        // SAFETY: every x86_64 processor has SSE2.
        unsafe { find_sse2(bytes) }
    }

    /// 128 bytes at a time. (No closures in here: they would be compiled without the feature.)
    #[cfg(feature = "std")]
    #[target_feature(enable = "avx2")]
    pub(super) fn find_avx2(bytes: &[u8]) -> usize {
        let mut rest = &bytes[16..];
        while let Some((block, after)) = rest.split_first_chunk::<128>() {
            let vectors = block.as_chunks::<32>().0;
            let a = flags_avx2(load_avx2(&vectors[0]));
            let b = flags_avx2(load_avx2(&vectors[1]));
            let c = flags_avx2(load_avx2(&vectors[2]));
            let d = flags_avx2(load_avx2(&vectors[3]));
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
            let mask = _mm256_movemask_epi8(flags_avx2(load_avx2(vector))) as u32;
            if mask != 0 {
                return bytes.len() - rest.len() + mask.trailing_zeros() as usize;
            }
            rest = after;
        }
        // What is left, and before it some of what was looked at.
        let Some(last) = bytes.last_chunk::<32>() else { return find_sse2(bytes) };
        let mask = _mm256_movemask_epi8(flags_avx2(load_avx2(last))) as u32;
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
    pub(super) fn find_sse2(bytes: &[u8]) -> usize {
        let mut rest = &bytes[16..];
        while let Some((block, after)) = rest.split_first_chunk::<64>() {
            let vectors = block.as_chunks::<16>().0;
            let a = flags(load(&vectors[0]));
            let b = flags(load(&vectors[1]));
            let c = flags(load(&vectors[2]));
            let d = flags(load(&vectors[3]));
            if _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) != 0 {
                let ab = _mm_movemask_epi8(a) as u64 | (_mm_movemask_epi8(b) as u64) << 16;
                let cd = _mm_movemask_epi8(c) as u64 | (_mm_movemask_epi8(d) as u64) << 16;
                return bytes.len() - rest.len() + (ab | cd << 32).trailing_zeros() as usize;
            }
            rest = after;
        }
        while let Some((vector, after)) = rest.split_first_chunk::<16>() {
            let mask = _mm_movemask_epi8(flags(load(vector)));
            if mask != 0 {
                return bytes.len() - rest.len() + mask.trailing_zeros() as usize;
            }
            rest = after;
        }
        // What is left, and before it some of what was looked at.
        let last = bytes.last_chunk().expect("there are more than 16 bytes");
        let mask = _mm_movemask_epi8(flags(load(last)));
        if mask != 0 { bytes.len() - 16 + mask.trailing_zeros() as usize } else { bytes.len() }
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
    fn flags_avx2(vector: __m256i) -> __m256i {
        _mm256_cmpgt_epi8(_mm256_set1_epi8(14), vector)
    }

    /// All bits set in the bytes that are below 14 as signed numbers: bytes from 0x80 are negative.
    #[target_feature(enable = "sse2")]
    #[inline]
    fn flags(vector: __m128i) -> __m128i {
        _mm_cmplt_epi8(vector, _mm_set1_epi8(14))
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
    pub(in crate::decode) fn find(bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while let Some((word, after)) = rest.split_first_chunk() {
            let flags = flags(word);
            if flags != 0 {
                return bytes.len() - rest.len() + flags.trailing_zeros() as usize / 8;
            }
            rest = after;
        }
        // What is left, and before it some of what was looked at.
        if let Some(last) = bytes.last_chunk() {
            let flags = flags(last);
            return if flags != 0 {
                bytes.len() - 8 + flags.trailing_zeros() as usize / 8
            } else {
                bytes.len()
            };
        }
        bytes.iter().position(|&byte| (byte as i8) < 14).unwrap_or(bytes.len())
    }

    /// Sets the high bits of the bytes that are below 14 or not ASCII.
    #[inline]
    fn flags(word: &[u8; 8]) -> u64 {
        let word = u64::from_le_bytes(*word);
        (!((word & LOW) + FROM_14) | word) & HIGH
    }
}

#[cfg(test)]
pub(super) mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn find_is_the_same_on_every_path(bytes in proptest::collection::vec(interesting(), 0..300)) {
            for from in 0..bytes.len().min(20) {
                let bytes = &bytes[from..];
                let expected = bytes.iter().position(|byte| !(14..0x80).contains(byte)).unwrap_or(bytes.len());
                prop_assert_eq!(find(bytes), expected);
                prop_assert_eq!(swar::find(bytes), expected);
                #[cfg(target_arch = "x86_64")]
                if bytes.len() > 16 && expected >= 16 {
                    prop_assert_eq!(by_vectors(bytes), [expected; 2]);
                }
            }
        }
    }

    /// What is found by the vectors of either width, whatever the choice on this processor is.
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "the compiler asks for it wherever a processor feature is named")]
    fn by_vectors(bytes: &[u8]) -> [usize; 2] {
        // SAFETY: every x86_64 processor has SSE2.
        let sse2 = unsafe { x86::find_sse2(bytes) };
        #[cfg(feature = "std")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return [sse2, unsafe { x86::find_avx2(bytes) }];
        }
        [sse2; 2]
    }

    /// Letters, mostly; else what ends a line, ends ASCII, or only looks like it.
    pub(in crate::decode) fn interesting() -> impl Strategy<Value = u8> {
        let special: Vec<u8> = [0, 9, 10, 13, 14, 31, 32, 58, 127, 128, 0xC3, 0xEF, 255].into();
        prop_oneof![60 => Just(b'x'), 1 => prop::sample::select(special)]
    }
}
