//! Waker that notes when awaited bytes arrive.
//!
//! An application may stop polling while it waits, for example in a `select!` whose other branch
//! takes a minute. The bytes arrive meanwhile, and wake its task, which has no time. So the silence
//! of the server ends when the waker is woken, and not when the application polls.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::Waker;
use core::time::Duration;

use crate::Instant;

/// A clock that any thread may read.
pub(super) type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// The waker of the current wait, and the time at which it was woken.
#[derive(Debug, Default)]
pub(super) struct Arrival(Option<(Arc<Noted>, Waker)>);

impl Arrival {
    /// The waker to wait with: it wakes `task`, and notes the time.
    pub(super) fn waker(&mut self, task: &Waker, clock: impl FnOnce() -> Clock) -> &Waker {
        if self.0.as_ref().is_none_or(|(noted, _)| !noted.task.will_wake(task)) {
            let clock = self.0.take().map_or_else(clock, |(noted, _)| Arc::clone(&noted.clock));
            let noted = Arc::new(Noted { task: task.clone(), clock, woken: AtomicUsize::new(0) });
            self.0 = Some((Arc::clone(&noted), noted.into()));
        }
        let (_, waker) = self.0.as_ref().expect("the waker was made above");
        waker
    }

    /// Takes the time at which the waker was woken; `None` if nothing woke it.
    pub(super) fn take(&mut self) -> Option<Instant> {
        let (noted, _) = self.0.as_ref()?;
        let woken = noted.woken.swap(0, Ordering::AcqRel);
        if woken == 0 {
            return None;
        }
        let now = (noted.clock)();
        // The difference is right even after the counter of milliseconds has wrapped (49 days on 32
        // bits).
        let late = Duration::from_millis(millis(now).wrapping_sub(woken) as u64);
        Some(Instant::from_epoch(now.since_epoch().saturating_sub(late)))
    }
}

struct Noted {
    task: Waker,
    clock: Clock,
    /// The time of the first wake-up, in milliseconds; 0 if there was none.
    woken: AtomicUsize,
}

impl Wake for Noted {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.woken.load(Ordering::Relaxed) == 0 {
            self.woken.store(millis((self.clock)()), Ordering::Release);
        }
        self.task.wake_by_ref();
    }
}

impl fmt::Debug for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Noted").field("woken", &self.woken).finish_non_exhaustive()
    }
}

/// A time in milliseconds, never 0; the high bits that a `usize` does not hold are left out.
fn millis(time: Instant) -> usize {
    (time.since_epoch().as_millis() as usize).max(1)
}
