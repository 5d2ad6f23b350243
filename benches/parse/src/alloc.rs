//! Allocator that counts on demand, so that timed runs cost only one more predicted branch.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The system's allocator with counters. One thread at a time may count.
pub struct Counting;

static ON: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

/// Allocations while [`count`] ran its closure.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heap {
    /// Number of calls of `alloc` and `realloc`.
    pub calls: u64,
    /// Requested bytes; a `realloc` counts with its full new size.
    pub bytes: u64,
    /// The largest heap at one time, in bytes, minus the heap before.
    pub peak: u64,
}

/// Runs `work` and returns its result with its allocations.
pub fn count<T>(work: impl FnOnce() -> T) -> (T, Heap) {
    CALLS.store(0, Relaxed);
    BYTES.store(0, Relaxed);
    // Halfway up, so that freeing what was allocated before cannot wrap below zero.
    LIVE.store(1 << 62, Relaxed);
    PEAK.store(1 << 62, Relaxed);
    ON.store(true, Relaxed);
    let value = work();
    ON.store(false, Relaxed);
    let peak = PEAK.load(Relaxed) - (1 << 62);
    (value, Heap { calls: CALLS.load(Relaxed), bytes: BYTES.load(Relaxed), peak })
}

fn grown(new: usize, old: usize) {
    if ON.load(Relaxed) {
        CALLS.fetch_add(1, Relaxed);
        BYTES.fetch_add(new as u64, Relaxed);
        // A `realloc` counts as the difference: a block that is big enough to matter is moved by
        // mapping its pages elsewhere, not by holding two copies.
        let live = LIVE.load(Relaxed) + new as u64 - old as u64;
        LIVE.store(live, Relaxed);
        PEAK.fetch_max(live, Relaxed);
    }
}

// SAFETY: every call goes to `System` unchanged; the counters are on the side.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grown(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grown(size, layout.size());
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if ON.load(Relaxed) {
            LIVE.fetch_sub(layout.size() as u64, Relaxed);
        }
        unsafe { System.dealloc(block, layout) }
    }
}
