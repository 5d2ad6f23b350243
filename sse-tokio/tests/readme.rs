//! The programs of the README.

use sse_tokio as adapter;

#[path = "../../tests/readme/mod.rs"]
mod readme;
