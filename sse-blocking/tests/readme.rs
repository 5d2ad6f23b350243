//! The client's programs of the README and of `docs/`.

use sse_blocking as adapter;

#[path = "../../tests/readme/blocking.rs"]
mod readme;
