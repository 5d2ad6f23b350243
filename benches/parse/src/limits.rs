//! Limits of the machine, measured like parsers.

use std::hint::black_box;

use crate::Chunks;
use crate::contender::{Api, Contender, Role, Sink};

/// Reads every byte once.
pub struct Read;

impl Contender for Read {
    const NAME: &str = "limit: read every byte";
    const API: Api = Api::None;
    const ROLE: Role = Role::Limit;

    fn run(chunks: &Chunks, _: &mut impl Sink) {
        for chunk in chunks.slices() {
            let (words, rest) = chunk.as_chunks::<8>();
            let sum = words.iter().fold(0u64, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)));
            black_box(rest.iter().fold(sum, |sum, &byte| sum.wrapping_add(byte.into())));
        }
    }
}

/// Finds every line end with memchr.
pub struct LineScan;

impl Contender for LineScan {
    const NAME: &str = "limit: memchr2 lines";
    const API: Api = Api::None;
    const ROLE: Role = Role::Limit;

    fn run(chunks: &Chunks, _: &mut impl Sink) {
        for chunk in chunks.slices() {
            for end in memchr::memchr2_iter(b'\n', b'\r', chunk) {
                black_box(end);
            }
        }
    }
}

/// Validates UTF-8 with the standard library.
pub struct Utf8;

impl Contender for Utf8 {
    const NAME: &str = "limit: UTF-8 check";
    const API: Api = Api::None;
    const ROLE: Role = Role::Limit;

    fn run(chunks: &Chunks, _: &mut impl Sink) {
        for chunk in chunks.slices() {
            // A chunk that ends within a character is an error at its very end, after all the work.
            let _ = black_box(std::str::from_utf8(chunk));
        }
    }
}
