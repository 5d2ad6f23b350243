//! Clock of all measurements: the CPU time of a thread.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time of this thread. Other programs affect it only through the shared caches; each
/// contender works in the thread that calls it.
pub fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).expect("less than a second"))
}
