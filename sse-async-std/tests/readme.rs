//! The client's programs of the README and of `docs/`.

use sse_async_std as adapter;

#[path = "../../tests/readme/mod.rs"]
mod readme;

fn block_on<F: Future>(future: F) -> F::Output {
    smol::block_on(future)
}
