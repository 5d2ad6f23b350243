//! Tests that compare all searches with each other.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

std::thread_local! {
    /// How many bytes were searched, for a test that the time is linear.
    pub(in crate::decode) static SEARCHED: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

proptest! {
    #[test]
    fn the_search_is_the_same_on_every_path(bytes in proptest::collection::vec(interesting(), 0..300)) {
        for from in 0..bytes.len().min(20) {
            is_the_same_on_every_path(&bytes[from..]);
        }
    }
}

/// The naive search against all the others.
fn is_the_same_on_every_path(bytes: &[u8]) {
    let expected = bytes.iter().position(|byte| !(14..0x80).contains(byte)).unwrap_or(bytes.len());
    assert_eq!(plain(bytes), expected);
    assert_eq!(vectors::find_near(bytes), expected);
    assert_eq!(swar::find(bytes), expected);
    #[cfg(target_arch = "x86_64")]
    if bytes.len() > 16 && expected >= 16 {
        assert_eq!(by_narrow_vectors(bytes), expected);
    }
    let end = bytes.iter().position(|byte| b"\r\n".contains(byte)).unwrap_or(bytes.len());
    assert_eq!(line(bytes), (end, end == expected));
}

#[test]
fn a_byte_is_found_wherever_it_stands() {
    // The least and the greatest of what is passed over.
    let passed: Vec<u8> = [14, 0x7F].repeat(100);
    for len in 0..=passed.len() {
        for at in 0..len {
            for byte in [13, 0x80] {
                let mut bytes = passed[..len].to_vec();
                // Another one follows, and it is the first that counts.
                (bytes[len - 1], bytes[at]) = (b'\n', byte);
                is_the_same_on_every_path(&bytes);
            }
        }
        is_the_same_on_every_path(&passed[..len]);
    }
}

/// The narrower vectors find the same, on processors that also have the wider ones.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the compiler asks for it wherever a processor feature is named")]
fn by_narrow_vectors(bytes: &[u8]) -> usize {
    // SAFETY: every x86_64 processor has SSE2.
    unsafe { vectors::sse2::find_after_16(bytes) }
}

/// Mostly letters; otherwise bytes that end a line or ASCII, or that look like such bytes.
pub(in crate::decode) fn interesting() -> impl Strategy<Value = u8> {
    let special: Vec<u8> = [0, 9, 10, 13, 14, 31, 32, 58, 127, 128, 0xC3, 0xEF, 255].into();
    prop_oneof![60 => Just(b'x'), 1 => prop::sample::select(special)]
}
