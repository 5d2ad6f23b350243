//! Fuzz target: a log on disk whose files are changed anywhere is refused, or returns only events
//! that were written.
//!
//! An input is a list of changes, six bytes each: which file, where (two bytes, relative to its
//! length), what (cut there, set, flip), how.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

#[path = "../../sse-hub/tests/disk_damage/check.rs"]
mod check;

use check::{Original, Outcome};

struct Setup {
    directory: tempfile::TempDir,
    runtime: Runtime,
    original: Original,
}

fn setup() -> &'static Setup {
    static SETUP: OnceLock<Setup> = OnceLock::new();
    SETUP.get_or_init(|| {
        // The engine may panic over damage, and the log catches it: that must not count as a crash.
        drop(std::panic::take_hook());
        std::panic::set_hook(Box::new(|_| {}));
        let directory = check::directory();
        let runtime = Builder::new_current_thread().build().unwrap();
        // More than a segment, so that there are tables as well.
        let original = runtime.block_on(Original::write(&directory.path().join("original"), 600, 1000));
        Setup { directory, runtime, original }
    })
}

fuzz_target!(|changes: &[u8]| {
    let Setup { directory, runtime, original } = setup();
    let (changes, _) = changes.as_chunks::<6>();
    let Some([file, ..]) = changes.first() else { return };
    let file = &original.files[usize::from(*file) % original.files.len()];
    let damaged = runtime.block_on(original.damaged(&directory.path().join("damaged"), file, |bytes| {
        for [_, high, low, what, value, _] in changes {
            let at = usize::from(u16::from_be_bytes([*high, *low])) * bytes.len() / (1 << 16);
            match (what % 4, bytes.get_mut(at)) {
                (0, _) => bytes.truncate(at),
                (1, Some(byte)) => *byte = *value,
                (_, Some(byte)) => *byte ^= 1 << (value % 8),
                (_, None) => {}
            }
        }
    }));
    if let Outcome::Kept(kept) = damaged {
        assert!(kept <= original.events());
    }
});
