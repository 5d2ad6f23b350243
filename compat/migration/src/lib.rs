//! The programs of `MIGRATION.md` compile: `cargo test -p migration --doc`.

#[cfg(doctest)]
#[doc = include_str!("../../../MIGRATION.md")]
struct Migration;
