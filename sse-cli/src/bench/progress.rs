//! Progress bar on a terminal, and Ctrl-C.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::arguments::Setup;
use super::load::Watch;

/// Bar on standard error that shows the connected subscribers, then the time of the measurement.
pub(super) struct Progress {
    stop: Arc<AtomicBool>,
    bar: ProgressBar,
    subscribers: u64,
    millis: u64,
    measuring: bool,
}

impl Progress {
    pub(super) fn new(setup: &Setup, stop: Arc<AtomicBool>, is_wanted: bool) -> Self {
        let subscribers = setup.subscribers as u64;
        let is_shown = is_wanted && io::stderr().is_terminal();
        let bar = if is_shown { ProgressBar::new(subscribers) } else { ProgressBar::hidden() };
        bar.set_style(style("connecting {wide_bar} {pos}/{len}"));
        let millis = u64::try_from(setup.plan.time.as_millis()).unwrap_or(u64::MAX);
        Self { stop, bar, subscribers, millis, measuring: false }
    }

    /// Switches to the time of the measurement, when all subscribers are connected.
    pub(super) fn measure(&mut self) {
        self.bar.set_style(style("{wide_bar} {msg}"));
        self.bar.set_length(self.millis);
        self.bar.set_position(0);
        self.measuring = true;
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Watch for Progress {
    fn connected(&mut self, count: usize) {
        self.bar.set_position((count as u64).min(self.subscribers));
    }

    fn delivered(&mut self, elapsed: Duration, deliveries: u64) {
        if self.measuring {
            let rate = deliveries as f64 / elapsed.as_secs_f64();
            self.bar.set_position(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).min(self.millis));
            self.bar.set_message(format!("{rate:.0} deliveries/s"));
        }
    }

    fn stopped(&mut self) -> bool {
        self.is_stopped()
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is well-formed")
}
