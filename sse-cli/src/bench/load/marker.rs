//! Marker inside the data of an event: the event's number and time.
//!
//! `sseb.` + 5 digits of the run + 8 digits of the number + 10 digits of the time, all hexadecimal.
//! These characters need no escaping in JSON, in a form or in a URL, so a hub that wraps data does
//! not change them.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use memchr::memmem::Finder;

/// Length of a marker in bytes, which is the smallest size of an event.
pub(crate) const MARKER_LEN: usize = 28;

const TAG_LEN: usize = 10;

/// Writes and finds the markers of one run; events of other runs, which a hub may replay, have
/// other markers.
#[derive(Debug)]
pub(super) struct Markers {
    tag: String,
    finder: Finder<'static>,
    began: Instant,
}

/// Content of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    pub(super) number: u32,
    /// When the event was published, counted from the start of the run.
    pub(super) time: Duration,
}

impl Markers {
    pub(super) fn new() -> Self {
        let tag = format!("sseb.{:05x}", RandomState::new().hash_one(0) & 0xF_FFFF);
        Self { finder: Finder::new(&tag).into_owned(), tag, began: Instant::now() }
    }

    /// Data of `size` bytes for the event `number`; not shorter than a marker.
    pub(super) fn data(&self, number: u32, published: Instant, size: usize) -> String {
        let time = published.saturating_duration_since(self.began).as_micros();
        let mut data = format!("{}{number:08x}{:010x}", self.tag, time & 0xFF_FFFF_FFFF);
        data.extend(std::iter::repeat_n('x', size.saturating_sub(MARKER_LEN)));
        data
    }

    /// Finds the marker anywhere in the data, because hubs may wrap the data.
    pub(super) fn find(&self, data: &str) -> Option<Marker> {
        let at = self.finder.find(data.as_bytes())? + TAG_LEN;
        let number = u32::from_str_radix(data.get(at..at + 8)?, 16).ok()?;
        let micros = u64::from_str_radix(data.get(at + 8..at + 18)?, 16).ok()?;
        Some(Marker { number, time: Duration::from_micros(micros) })
    }

    /// Time since the run began.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_found_again_in_wrapped_data() {
        let markers = Markers::new();
        let published = markers.began + Duration::from_millis(1500);
        let data = markers.data(258, published, 40);
        assert_eq!(data.len(), 40);
        let marker = Some(Marker { number: 258, time: Duration::from_millis(1500) });
        assert_eq!(markers.find(&data), marker);
        assert_eq!(markers.find(&format!("{{\"text\":\"é {data}\"}}")), marker);
    }

    #[test]
    fn the_least_size_is_that_of_a_marker() {
        let markers = Markers::new();
        assert_eq!(markers.data(u32::MAX, Instant::now(), 0).len(), MARKER_LEN);
    }

    #[test]
    fn data_without_a_whole_marker_of_this_run_has_none() {
        let markers = Markers::new();
        let data = markers.data(7, Instant::now(), 0);
        for foreign in ["", "hello", "sseb.", "sseb.000000000000000000000000", &data[..27]] {
            assert_eq!(markers.find(foreign), None, "{foreign}");
        }
        assert_eq!(markers.find(&format!("{}é", &data[..17])), None);
    }
}
