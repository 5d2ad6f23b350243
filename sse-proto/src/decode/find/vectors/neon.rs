//! The search with NEON, which has no instruction that gathers one
//! bit of each byte.

use core::arch::aarch64::{
    uint8x16_t, vandq_u8, vcltq_s8, vdupq_n_s8, vget_lane_u64, vgetq_lane_u64, vld1q_u8, vorrq_u8, vpaddq_u8,
    vreinterpret_u64_u8, vreinterpretq_s8_u8, vreinterpretq_u16_u8, vreinterpretq_u64_u8, vshrn_n_u16,
};

use super::swar;

type Vector = uint8x16_t;

search!("neon", 16, 4, swar::find);

/// (Put together from two words, it would be two loads and a move.)
#[target_feature(enable = "neon")]
#[inline]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load(bytes: &[u8; 16]) -> Vector {
    // SAFETY: there are the 16 bytes that it reads, and it asks for no alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

/// Sets all bits of the bytes that are not plain: below 14 as signed numbers, so that bytes from
/// 0x80 on are negative.
#[target_feature(enable = "neon")]
#[inline]
fn flags(vector: Vector) -> Vector {
    vcltq_s8(vreinterpretq_s8_u8(vector), vdupq_n_s8(14))
}

/// The bits that are set in either vector.
#[target_feature(enable = "neon")]
#[inline]
fn or(a: Vector, b: Vector) -> Vector {
    vorrq_u8(a, b)
}

/// Four bits for each byte that is set: the middle half of every two bytes is a nibble of each.
#[target_feature(enable = "neon")]
#[inline]
fn bits(flags: Vector) -> u64 {
    vget_lane_u64::<0>(vreinterpret_u64_u8(vshrn_n_u16::<4>(vreinterpretq_u16_u8(flags))))
}

/// The index of the first byte that is set in four vectors.
#[target_feature(enable = "neon")]
#[inline]
fn first_of_four([a, b, c, d]: [Vector; 4]) -> usize {
    // Each byte keeps a bit of its own, and eight of them add up to one byte, in three rounds.
    let bits = load(&[1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128]);
    let ab = vpaddq_u8(vandq_u8(a, bits), vandq_u8(b, bits));
    let cd = vpaddq_u8(vandq_u8(c, bits), vandq_u8(d, bits));
    let sum = vpaddq_u8(ab, cd);
    vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(sum, sum))).trailing_zeros() as usize
}
