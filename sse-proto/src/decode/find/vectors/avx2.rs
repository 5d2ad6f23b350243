//! The search with AVX2, which is detected at run time.

use core::arch::x86_64::{
    __m256i, _mm256_cmpgt_epi8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set_epi64x, _mm256_set1_epi8,
};

type Vector = __m256i;

search!("avx2", 32, 1, super::narrow::find_after_16);

/// Compiles to one unaligned load.
#[target_feature(enable = "avx2")]
#[inline]
fn load(bytes: &[u8; 32]) -> Vector {
    let words = bytes.as_chunks::<8>().0;
    let (a, b) = (i64::from_le_bytes(words[0]), i64::from_le_bytes(words[1]));
    let (c, d) = (i64::from_le_bytes(words[2]), i64::from_le_bytes(words[3]));
    _mm256_set_epi64x(d, c, b, a)
}

/// Sets all bits of the bytes that are not plain, as in the SSE2 version.
#[target_feature(enable = "avx2")]
#[inline]
fn flags(vector: Vector) -> Vector {
    _mm256_cmpgt_epi8(_mm256_set1_epi8(14), vector)
}

/// The bits that are set in either vector.
#[target_feature(enable = "avx2")]
#[inline]
fn or(a: Vector, b: Vector) -> Vector {
    _mm256_or_si256(a, b)
}

/// One bit for each byte that is set.
#[target_feature(enable = "avx2")]
#[inline]
fn bits(flags: Vector) -> u32 {
    _mm256_movemask_epi8(flags) as u32
}

/// The index of the first byte that is set in four vectors.
#[target_feature(enable = "avx2")]
#[inline]
fn first_of_four([a, b, c, d]: [Vector; 4]) -> usize {
    let ab = mask(a, b);
    (if ab != 0 { ab.trailing_zeros() } else { 64 + mask(c, d).trailing_zeros() }) as usize
}

/// The flags of two vectors, with one bit for each byte.
#[target_feature(enable = "avx2")]
#[inline]
fn mask(low: Vector, high: Vector) -> u64 {
    u64::from(_mm256_movemask_epi8(low) as u32) | u64::from(_mm256_movemask_epi8(high) as u32) << 32
}
