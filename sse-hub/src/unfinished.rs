//! Clean-up for work that may be dropped before it has finished.

/// Calls a closure when it is dropped, unless [`finish`](Self::finish) was called before: a task
/// ends early if its runtime is dropped, if it is aborted, or if it panics.
pub(crate) struct Unfinished<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Unfinished<F> {
    pub(crate) fn new(clean_up: F) -> Self {
        Self(Some(clean_up))
    }

    /// Drops the closure without a call.
    pub(crate) fn finish(mut self) {
        self.0 = None;
    }
}

impl<F: FnOnce()> Drop for Unfinished<F> {
    fn drop(&mut self) {
        if let Some(clean_up) = self.0.take() {
            clean_up();
        }
    }
}
