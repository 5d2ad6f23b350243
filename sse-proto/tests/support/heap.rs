//! An allocator that counts separately for each thread, so that tests can run concurrently.
#![allow(
    unsafe_code,
    unreachable_pub,
    dead_code,
    reason = "an allocator cannot be written without; each target uses a part"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counted.
pub struct Counting;

/// What a thread did since [`measure`] began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heap {
    /// Calls that ask for memory: `alloc` and `realloc`.
    pub calls: u64,
    /// Requested bytes; a `realloc` counts its whole new size, which bounds the copied bytes.
    pub asked: u64,
    /// Bytes held now, beyond what was held before.
    pub held: i64,
    /// The most that was held at one time. A `realloc` holds its new size alone, which is true of
    /// the large ones that it matters for: the system moves their pages.
    pub peak: i64,
}

thread_local! {
    static HEAP: Cell<Heap> = const { Cell::new(Heap { calls: 0, asked: 0, held: 0, peak: 0 }) };
}

/// Starts from zero, runs `work`, and says what it did with the heap.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Heap) {
    HEAP.set(Heap::default());
    let value = work();
    (value, HEAP.get())
}

/// The allocations since [`measure`] began.
pub fn heap() -> Heap {
    HEAP.get()
}

fn count(asked: usize, freed: usize) {
    // The thread may be over, its counters gone.
    let _ = HEAP.try_with(|cell| {
        let mut heap = cell.get();
        heap.calls += u64::from(asked > 0);
        heap.asked += asked as u64;
        heap.held += asked as i64 - freed as i64;
        heap.peak = heap.peak.max(heap.held);
        cell.set(heap);
    });
}

// SAFETY: every call goes to `System` unchanged; the counters are on the side, and need no heap
// themselves.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the contract of the same method of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the contract of the same method of `System`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: the caller keeps the contract of the same method of `System`.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: the caller keeps the contract of the same method of `System`.
        unsafe { System.dealloc(block, layout) }
    }
}
