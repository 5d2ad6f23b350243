//! Counts of one turn: what its subscribers received, and when.

use std::time::Instant;

use hdrhistogram::Histogram;

use super::ledger::Tally;
use super::marker::Markers;
use super::subscriber::{Reading, Subscriber};

/// Counts of one turn.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) tally: Tally,
    pub(super) latency: Histogram<u64>,
    pub(super) bytes: u64,
    pub(super) others: u64,
    pub(super) last_arrival: Option<Instant>,
    pub(super) cut: usize,
    pub(super) why_cut: Option<String>,
    /// Number of subscribers that have not received the newest event of the burst before `end`.
    pub(super) pending: usize,
    pub(super) end: u32,
}

impl Counts {
    pub(super) fn new(end: u32) -> Self {
        Self {
            tally: Tally::default(),
            // Microseconds, up to a day, with an error of a thousandth.
            latency: Histogram::new_with_bounds(1, 86_400_000_000, 3).expect("the bounds are in order"),
            bytes: 0,
            others: 0,
            last_arrival: None,
            cut: 0,
            why_cut: None,
            pending: 0,
            end,
        }
    }

    /// Counts what a subscriber read: `length` bytes and their events.
    pub(super) fn take(
        &mut self,
        subscriber: &mut Subscriber,
        reading: &Reading,
        length: usize,
        markers: &Markers,
        announced: u32,
    ) {
        self.bytes += length as u64;
        if length == 0 {
            return;
        }
        self.others += reading.others;
        if reading.arrivals.is_empty() && reading.others == 0 {
            return;
        }
        let now = markers.now();
        self.last_arrival = Some(Instant::now());
        let before = subscriber.ledger.has_reached(self.end);
        for arrival in &reading.arrivals {
            // A hub that changes data may turn a marker's number into any other.
            if arrival.end > announced {
                self.others += u64::from(arrival.end - arrival.first.number);
                continue;
            }
            let new = subscriber.ledger.take(arrival.first.number, arrival.end, &mut self.tally);
            let micros = now.saturating_sub(arrival.first.time).as_micros();
            self.latency.saturating_record_n(u64::try_from(micros).unwrap_or(u64::MAX).max(1), new);
        }
        if !before && subscriber.ledger.has_reached(self.end) {
            self.pending = self.pending.saturating_sub(1);
        }
    }

    /// Handles an ended connection: published events that did not arrive count as lost.
    pub(super) fn cut(&mut self, subscriber: &mut Subscriber, why: String, announced: u32) {
        if !subscriber.ledger.has_reached(self.end) {
            self.pending = self.pending.saturating_sub(1);
        }
        subscriber.ledger.close(announced, &mut self.tally);
        subscriber.cut();
        self.cut += 1;
        self.why_cut.get_or_insert(why);
    }
}
