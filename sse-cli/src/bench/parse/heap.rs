//! Allocator that counts allocations on demand.
//!
//! It is the allocator of the whole command, because allocations cannot be counted otherwise; while
//! counting is off, an allocation costs one more load and one predicted branch.

#![allow(unsafe_code, reason = "an allocator is unsafe by its trait; this one adds no rule of its own")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ON: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// Number and size of the allocations during a piece of work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heap {
    /// Calls of `alloc` and `realloc`.
    pub(super) calls: u64,
    /// Bytes requested; a `realloc` counts with its full new size.
    pub(super) bytes: u64,
}

/// Runs `work` and counts the allocations of the process meanwhile. Two threads must not count at
/// once.
pub(super) fn count<T>(work: impl FnOnce() -> T) -> (T, Heap) {
    CALLS.store(0, Relaxed);
    BYTES.store(0, Relaxed);
    ON.store(true, Relaxed);
    let value = work();
    ON.store(false, Relaxed);
    (value, Heap { calls: CALLS.load(Relaxed), bytes: BYTES.load(Relaxed) })
}

fn add(size: usize) {
    if ON.load(Relaxed) {
        CALLS.fetch_add(1, Relaxed);
        BYTES.fetch_add(size as u64, Relaxed);
    }
}

// SAFETY: every call goes to `System` unchanged; the counters do not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc`, which is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size);
        // SAFETY: as in `alloc`; `block` came from `System`, as all blocks do.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as in `realloc`.
        unsafe { System.dealloc(block, layout) }
    }
}
