//! The search with AVX2, 128 bytes at a time; AVX2 is detected at run time.

use core::arch::x86_64::{
    __m256i, _mm256_cmpgt_epi8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set_epi64x, _mm256_set1_epi8,
};

/// See [`super::find_after_16`]. (No closures in here: they would be compiled without the feature.)
#[target_feature(enable = "avx2")]
pub(super) fn find_after_16(bytes: &[u8]) -> usize {
    let mut rest = &bytes[16..];
    while let Some((block, after)) = rest.split_first_chunk::<128>() {
        let vectors = block.as_chunks::<32>().0;
        let a = flags(load(&vectors[0]));
        let b = flags(load(&vectors[1]));
        let c = flags(load(&vectors[2]));
        let d = flags(load(&vectors[3]));
        let (ab, cd) = (_mm256_or_si256(a, b), _mm256_or_si256(c, d));
        if _mm256_movemask_epi8(_mm256_or_si256(ab, cd)) != 0 {
            let at = bytes.len() - rest.len();
            let ab = mask(a, b);
            return at
                + if ab != 0 { ab.trailing_zeros() } else { 64 + mask(c, d).trailing_zeros() } as usize;
        }
        rest = after;
    }
    while let Some((vector, after)) = rest.split_first_chunk() {
        let mask = _mm256_movemask_epi8(flags(load(vector))) as u32;
        if mask != 0 {
            return bytes.len() - rest.len() + mask.trailing_zeros() as usize;
        }
        rest = after;
    }
    // The remaining bytes, with some searched ones before them.
    let Some(last) = bytes.last_chunk() else { return super::find_after_16(bytes) };
    let mask = _mm256_movemask_epi8(flags(load(last))) as u32;
    if mask != 0 { bytes.len() - 32 + mask.trailing_zeros() as usize } else { bytes.len() }
}

/// The flags of two vectors, with one bit for each byte.
#[target_feature(enable = "avx2")]
#[inline]
fn mask(low: __m256i, high: __m256i) -> u64 {
    u64::from(_mm256_movemask_epi8(low) as u32) | u64::from(_mm256_movemask_epi8(high) as u32) << 32
}

/// Compiles to one unaligned load.
#[target_feature(enable = "avx2")]
#[inline]
fn load(bytes: &[u8; 32]) -> __m256i {
    let words = bytes.as_chunks::<8>().0;
    let (a, b) = (i64::from_le_bytes(words[0]), i64::from_le_bytes(words[1]));
    let (c, d) = (i64::from_le_bytes(words[2]), i64::from_le_bytes(words[3]));
    _mm256_set_epi64x(d, c, b, a)
}

/// Sets all bits of the bytes that are not plain, as in the SSE2 version.
#[target_feature(enable = "avx2")]
#[inline]
fn flags(vector: __m256i) -> __m256i {
    _mm256_cmpgt_epi8(_mm256_set1_epi8(14), vector)
}
