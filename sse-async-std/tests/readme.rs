//! The programs of the README.

use sse_async_std as adapter;

#[path = "../../tests/readme/mod.rs"]
mod readme;
