//! The client's programs of the README and of `docs/`.

use sse_tokio as adapter;

#[path = "../../tests/readme/mod.rs"]
mod readme;

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}
