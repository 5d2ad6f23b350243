//! The number of moved bytes grows linearly with the length of the stream; in the replaced crate it
//! grows with the square.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use futures_util::{FutureExt, StreamExt, stream};

/// Counts the bytes that a thread allocates.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator is implemented by an unsafe trait")]
// SAFETY: all is left to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get() + layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The bytes that it takes to read a chunk of this many events.
macro_rules! allocated {
    ($krate:ident, $count:expr) => {{
        let chunk = "data: x\n\n".repeat($count);
        let before = ALLOCATED.get();
        let mut events = $krate::Eventsource::eventsource(stream::iter([Ok::<_, ()>(chunk)]));
        for _ in 0..$count {
            assert_eq!(events.next().now_or_never().unwrap().unwrap().unwrap().data, "x");
        }
        assert!(events.next().now_or_never().unwrap().is_none());
        ALLOCATED.get() - before
    }};
}

#[test]
fn a_chunk_of_many_events_is_copied_once_and_not_once_for_each_line() {
    let old = [allocated!(original, 1000), allocated!(original, 4000)];
    assert!(old[1] > 15 * old[0], "{old:?}");
    let new = [allocated!(sse_eventsource_stream, 1000), allocated!(sse_eventsource_stream, 4000)];
    assert!(new[1] < 5 * new[0], "{new:?}");
    assert!(new[1] < 4000 * 40, "{new:?}");
}
