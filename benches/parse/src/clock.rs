//! The clock of all times: what the thread took of a processor.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time of this thread. Other programs on the machine take none of it, but its caches; and
/// all contenders work in the thread that calls them.
pub fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).expect("less than a second"))
}
