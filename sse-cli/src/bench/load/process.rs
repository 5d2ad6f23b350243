//! CPU and memory of a process, from `/proc` (Linux).

use std::fs;
use std::io;

/// CPU time and memory that a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// User and system time in seconds; the kernel counts in clock ticks of 10 ms.
    pub(crate) cpu_seconds: f64,
    /// Resident memory in bytes.
    pub(crate) memory: u64,
}

impl Usage {
    /// Reads the usage of a process; `self` means this process.
    ///
    /// # Errors
    ///
    /// If there is no such process, or no `/proc`.
    pub(crate) fn of(process: &str) -> io::Result<Self> {
        let malformed = || io::Error::other("/proc has an unknown format");
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name, in parentheses, may contain anything.
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
        let number = |at: usize| fields.get(at).and_then(|it| it.parse::<u64>().ok()).ok_or_else(malformed);
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = memory.and_then(|line| line.split_ascii_whitespace().next()).and_then(|it| it.parse().ok());
        Ok(Self {
            // `USER_HZ` is 100 on all architectures that Rust supports.
            cpu_seconds: (number(11)? + number(12)?) as f64 / 100.0,
            memory: kib.unwrap_or(0_u64) << 10,
        })
    }

    /// The usage of several processes together.
    pub(crate) fn sum(processes: &[u32]) -> io::Result<Self> {
        processes.iter().try_fold(Self::default(), |sum, process| {
            let one = Self::of(&process.to_string())?;
            Ok(Self { cpu_seconds: sum.cpu_seconds + one.cpu_seconds, memory: sum.memory + one.memory })
        })
    }
}
