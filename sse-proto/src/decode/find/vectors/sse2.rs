//! The search with SSE2.

use core::arch::x86_64::{
    __m128i, _mm_cmplt_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
};

use super::swar;

type Vector = __m128i;

search!("sse2", 16, 1, swar::find);

/// Compiles to one unaligned load.
#[target_feature(enable = "sse2")]
#[inline]
fn load(bytes: &[u8; 16]) -> Vector {
    let [low, high] = *bytes.as_chunks::<8>().0 else { unreachable!("16 bytes are twice 8") };
    _mm_set_epi64x(i64::from_le_bytes(high), i64::from_le_bytes(low))
}

/// Sets all bits of the bytes that are not plain: below 14 as signed numbers, so that bytes from
/// 0x80 on are negative.
#[target_feature(enable = "sse2")]
#[inline]
fn flags(vector: Vector) -> Vector {
    _mm_cmplt_epi8(vector, _mm_set1_epi8(14))
}

/// The bits that are set in either vector.
#[target_feature(enable = "sse2")]
#[inline]
fn or(a: Vector, b: Vector) -> Vector {
    _mm_or_si128(a, b)
}

/// One bit for each byte that is set.
#[target_feature(enable = "sse2")]
#[inline]
fn bits(flags: Vector) -> u32 {
    _mm_movemask_epi8(flags) as u32
}

/// The index of the first byte that is set in four vectors.
#[target_feature(enable = "sse2")]
#[inline]
fn first_of_four([a, b, c, d]: [Vector; 4]) -> usize {
    let ab = _mm_movemask_epi8(a) as u64 | (_mm_movemask_epi8(b) as u64) << 16;
    let cd = _mm_movemask_epi8(c) as u64 | (_mm_movemask_epi8(d) as u64) << 16;
    (ab | cd << 32).trailing_zeros() as usize
}
