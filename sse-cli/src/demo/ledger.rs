//! Comparison of the received events with those that the server had to send.

use sse_tokio::Message;

/// Counts the events of a stream that were lost or repeated.
pub(super) struct Ledger<'a> {
    expected: &'a [Message],
    /// The index of the event that has to arrive next.
    next: usize,
    arrived: u64,
    lost: u64,
    repeated: u64,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(expected: &'a [Message]) -> Self {
        Self { expected, next: 0, arrived: 0, lost: 0, repeated: 0 }
    }

    /// Records an event that arrived. It counts as the expected event only if type, data and ID are
    /// equal; skipped events count as lost, and an event from before as repeated. An event that the
    /// server did not send replaces none of its events.
    pub(super) fn enter(&mut self, event: &Message) {
        self.arrived += 1;
        let (past, due) = self.expected.split_at(self.next);
        if let Some(skipped) = due.iter().position(|expected| expected == event) {
            self.lost += skipped as u64;
            self.next += skipped + 1;
        } else if past.contains(event) {
            self.repeated += 1;
        }
    }

    /// Ends the comparison; returns how many events arrived, were lost and were repeated.
    pub(super) fn close(self) -> (u64, u64, u64) {
        let missing = self.expected.len() - self.next;
        (self.arrived, self.lost + missing as u64, self.repeated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::script::message;

    fn closed(arrived: &[(&str, &str)]) -> (u64, u64, u64) {
        let expected = [("1", "one"), ("2", "two"), ("3", "three")].map(|(id, data)| message(id, data));
        let mut ledger = Ledger::new(&expected);
        for (id, data) in arrived {
            ledger.enter(&message(id, data));
        }
        ledger.close()
    }

    #[test]
    fn events_in_order_have_no_loss_and_no_repetition() {
        assert_eq!(closed(&[("1", "one"), ("2", "two"), ("3", "three")]), (3, 0, 0));
    }

    #[test]
    fn a_missing_event_is_lost_wherever_it_was() {
        assert_eq!(closed(&[("2", "two"), ("3", "three")]), (2, 1, 0));
        assert_eq!(closed(&[("1", "one"), ("3", "three")]), (2, 1, 0));
        assert_eq!(closed(&[("1", "one")]), (1, 2, 0));
        assert_eq!(closed(&[]), (0, 3, 0));
    }

    #[test]
    fn an_event_that_comes_again_is_repeated() {
        assert_eq!(
            closed(&[("1", "one"), ("1", "one"), ("2", "two"), ("1", "one"), ("3", "three")]),
            (5, 0, 2)
        );
    }

    #[test]
    fn a_late_event_was_lost_when_it_was_due() {
        assert_eq!(closed(&[("2", "two"), ("1", "one"), ("3", "three")]), (3, 1, 1));
    }

    #[test]
    fn another_text_or_id_is_not_the_event() {
        assert_eq!(closed(&[("1", "one"), ("2", "tw"), ("3", "three")]), (3, 1, 0));
        assert_eq!(closed(&[("1", "one"), ("4", "two"), ("3", "three")]), (3, 1, 0));
    }
}
