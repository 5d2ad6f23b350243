//! The programs of the README.

use sse_blocking as adapter;

#[path = "../../tests/readme/mod.rs"]
mod readme;
