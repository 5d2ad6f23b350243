//! The search with AVX2, which is detected at run time.

use core::arch::x86_64::{
    __m256i, _mm256_cmpgt_epi8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set_epi64x, _mm256_set1_epi8,
};

type Vector = __m256i;

search!("avx2", 32, super::find_after_16);

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

/// The index of the first byte that is set.
#[target_feature(enable = "avx2")]
#[inline]
fn first(flags: Vector) -> Option<usize> {
    let mask = _mm256_movemask_epi8(flags);
    if mask != 0 { Some(mask.trailing_zeros() as usize) } else { None }
}

/// The flags of four vectors, with one bit for each byte.
#[target_feature(enable = "avx2")]
#[inline]
fn mask([a, b, c, d]: [Vector; 4]) -> u128 {
    let ab = _mm256_movemask_epi8(a) as u32 as u64 | (_mm256_movemask_epi8(b) as u64) << 32;
    let cd = _mm256_movemask_epi8(c) as u32 as u64 | (_mm256_movemask_epi8(d) as u64) << 32;
    u128::from(ab) | u128::from(cd) << 64
}
