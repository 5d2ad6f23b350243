//! Fuzz target: a log on disk whose files are changed anywhere is refused, or returns only events
//! that were written.
//!
//! An input is a list of changes, six bytes each: which file, where (two bytes, relative to its
//! length), what (cut there, set, flip), how.

#![no_main]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook};
use std::sync::{Mutex, OnceLock, PoisonError};

use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

#[path = "../../sse-hub/tests/disk_damage/check.rs"]
mod check;

use check::{Original, Outcome};

/// Panics since the current input began.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn panics() -> Vec<String> {
    std::mem::take(&mut PANICS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A runtime for one input: its threads end with it.
fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn original() -> &'static Original {
    static ORIGINAL: OnceLock<Original> = OnceLock::new();
    ORIGINAL.get_or_init(|| {
        // The engine may panic over damage, and the log catches that: it is not a failure. The
        // fuzzer's own hook would abort the process.
        set_hook(Box::new(|panic| {
            PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(panic.to_string());
        }));
        let directory = check::directory();
        // More than a segment, so that there are tables as well.
        checked(|| runtime().block_on(Original::write(&directory.path().join("original"), 600, 1000)))
    })
}

/// Runs a part of the target; if it panics, prints all panics and fails.
fn checked<T>(run: impl FnOnce() -> T) -> T {
    let result = catch_unwind(AssertUnwindSafe(run));
    let panics = panics();
    result.unwrap_or_else(|panic| {
        eprintln!("{}", panics.join("\n"));
        resume_unwind(panic)
    })
}

fuzz_target!(|changes: &[u8]| {
    let original = original();
    let (changes, _) = changes.as_chunks::<6>();
    let Some([file, ..]) = changes.first() else { return };
    let file = usize::from(*file) % original.files.len();
    let damage = |bytes: &mut Vec<u8>| {
        for [_, high, low, what, value, _] in changes {
            let at = usize::from(u16::from_be_bytes([*high, *low])) * bytes.len() / (1 << 16);
            match (what % 4, bytes.get_mut(at)) {
                (0, _) => bytes.truncate(at),
                (1, Some(byte)) => *byte = *value,
                (_, Some(byte)) => *byte ^= 1 << (value % 8),
                (_, None) => {}
            }
        }
    };
    checked(|| {
        let directory = check::directory();
        let outcome = runtime().block_on(original.damaged(&directory.path().join("damaged"), file, damage));
        if let Outcome::Kept(kept) = outcome {
            assert!(kept <= original.events());
        }
    });
});
