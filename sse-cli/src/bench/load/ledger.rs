//! Ledger of one subscriber: detects events that were lost, repeated or out of order.

/// How many ranges a subscriber may miss before the oldest counts as lost for good; bounds the
/// memory of a subscriber.
const MAX_MISSING: usize = 64;

/// The events that one subscriber has received. The events of a turn are numbered without holes.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The first event number of this turn. Events of earlier turns are ignored.
    first: u32,
    /// One past the highest number that arrived.
    next: u32,
    /// Numbers below `next` that have not arrived: half-open ranges in ascending order.
    missing: Vec<(u32, u32)>,
}

/// Counts of all subscribers together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Events that arrived, each counted once per subscriber.
    pub(super) deliveries: u64,
    pub(super) lost: u64,
    /// Events that arrived at a subscriber that already had them.
    pub(super) repeated: u64,
    /// Events that arrived after one with a higher number.
    pub(super) out_of_order: u64,
}

impl Ledger {
    /// Begins a turn (one measurement) whose first event has the number `first`.
    pub(super) fn begin(&mut self, first: u32) {
        *self = Self { first, next: first, missing: Vec::new() };
    }

    /// Whether the event before `end`, and so the newest one, has arrived.
    pub(super) fn has_reached(&self, end: u32) -> bool {
        self.next >= end
    }

    /// Whether every event before `end` has arrived.
    pub(super) fn is_complete(&self, end: u32) -> bool {
        self.has_reached(end) && self.missing.is_empty()
    }

    /// Records that the numbers from `first` to before `end` arrived; returns how many of them are
    /// new.
    pub(super) fn take(&mut self, first: u32, end: u32, tally: &mut Tally) -> u64 {
        let mut new = 0;
        for number in first.max(self.first)..end.min(self.next) {
            if self.fill(number) {
                tally.out_of_order += 1;
                new += 1;
            } else {
                tally.repeated += 1;
            }
        }
        let first = first.max(self.next);
        if first < end {
            if first > self.next {
                self.miss(self.next, first, tally);
            }
            new += u64::from(end - first);
            self.next = end;
        }
        tally.deliveries += new;
        new
    }

    /// Ends the turn: events published before `end` that did not arrive count as lost.
    pub(super) fn close(&mut self, end: u32, tally: &mut Tally) {
        tally.lost += self.missing.iter().map(|&(first, end)| u64::from(end - first)).sum::<u64>();
        tally.lost += u64::from(end.saturating_sub(self.next));
        self.begin(end.max(self.next));
    }

    fn miss(&mut self, first: u32, end: u32, tally: &mut Tally) {
        if self.missing.len() == MAX_MISSING {
            let (first, end) = self.missing.remove(0);
            tally.lost += u64::from(end - first);
        }
        self.missing.push((first, end));
    }

    /// Removes the number from the missing ones; returns whether it was missing.
    fn fill(&mut self, number: u32) -> bool {
        let Some(at) = self.missing.iter().position(|&(first, end)| (first..end).contains(&number)) else {
            return false;
        };
        let (first, end) = self.missing.remove(at);
        for range in [(number + 1, end), (first, number)] {
            if range.0 < range.1 {
                self.missing.insert(at, range);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(arrivals: &[(u32, u32)], end: u32) -> Tally {
        let (mut ledger, mut tally) = (Ledger::default(), Tally::default());
        ledger.begin(10);
        for &(first, end) in arrivals {
            ledger.take(first, end, &mut tally);
        }
        ledger.close(end, &mut tally);
        tally
    }

    #[test]
    fn events_in_order_count_as_deliveries_only() {
        assert_eq!(tally(&[(10, 12), (12, 20)], 20), Tally { deliveries: 10, ..Tally::default() });
    }

    #[test]
    fn numbers_that_never_arrive_are_lost() {
        assert_eq!(tally(&[(11, 12), (14, 16)], 20), Tally { deliveries: 3, lost: 7, ..Tally::default() });
        assert_eq!(tally(&[], 20), Tally { lost: 10, ..Tally::default() });
    }

    #[test]
    fn numbers_that_arrive_again_are_repeated() {
        assert_eq!(
            tally(&[(10, 14), (12, 16)], 16),
            Tally { deliveries: 6, repeated: 2, ..Tally::default() }
        );
    }

    #[test]
    fn numbers_that_arrive_after_higher_ones_are_out_of_order_and_not_lost() {
        let expected = Tally { deliveries: 6, out_of_order: 3, ..Tally::default() };
        assert_eq!(tally(&[(13, 14), (11, 12), (10, 11), (12, 13), (14, 16)], 16), expected);
    }

    #[test]
    fn a_late_number_that_arrives_twice_is_repeated_once() {
        let expected = Tally { deliveries: 2, out_of_order: 1, repeated: 1, lost: 0 };
        assert_eq!(tally(&[(11, 12), (10, 11), (10, 11)], 12), expected);
    }

    #[test]
    fn events_of_earlier_turns_are_ignored() {
        assert_eq!(tally(&[(8, 12)], 12), Tally { deliveries: 2, ..Tally::default() });
    }

    #[test]
    fn the_ledger_stays_small_and_counts_exactly_when_every_other_event_is_lost() {
        let (mut ledger, mut tally) = (Ledger::default(), Tally::default());
        for number in 0..10_000 {
            ledger.take(2 * number + 1, 2 * number + 2, &mut tally);
            assert!(ledger.missing.len() <= MAX_MISSING);
        }
        ledger.close(20_000, &mut tally);
        assert_eq!(tally, Tally { deliveries: 10_000, lost: 10_000, ..Tally::default() });
    }
}
