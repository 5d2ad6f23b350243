//! Decision where a reader resumes after a place, from one look at the topic.

use proto::Gap;

use super::scripts::{Entries, Found};
use crate::Place;
use crate::log::Page;

/// The place where reading resumes, and the gap before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resume {
    pub(super) gap: Option<Gap>,
    pub(super) after: Place,
}

impl Found {
    /// The place of the newest event; for a topic without events, number 0 and the current stamp.
    pub(super) fn last(&self) -> Place {
        if self.newest.number == 0 { Place::new(self.now, 0) } else { self.newest }
    }

    /// The place before the oldest event that is kept: if there was a loss between the two, the
    /// place is after the loss.
    pub(super) fn start(&self) -> Place {
        let Some(oldest) = self.oldest else { return self.last() };
        let number = oldest.number.saturating_sub(1);
        let stamp = if number == 0 { oldest.stamp.saturating_sub(1) } else { self.previous };
        let after = |border: u64| if oldest.stamp < border { 0 } else { border };
        Place::new(stamp.max(after(self.loss)).max(after(self.former_loss)), number)
    }

    /// Where a reader resumes after it has read everything up to `place`.
    pub(super) fn resume(&self, place: Place) -> Resume {
        let start = self.start();
        let found = self.place == Some(place) || place == self.newest || place == start;
        if found || place.number == 0 && self.newest.number == 0 {
            return Resume { gap: None, after: place };
        }
        if (place.number < start.number || place.number == 0) && self.can_count_from(place) {
            return match start.number - place.number {
                0 => Resume { gap: None, after: place },
                missed => Resume { gap: Some(Gap::of(missed)), after: start },
            };
        }
        let after = self.floor.unwrap_or(start);
        if after.stamp < self.loss && (self.loss <= place.stamp || self.meets) {
            // Nothing is left between the two: the place is after the loss, which is reported now
            // and not again.
            let border = Place::new(self.loss, after.number);
            return Resume { gap: (place != border).then_some(Gap::UNKNOWN), after: border };
        }
        Resume { gap: Some(Gap::UNKNOWN), after }
    }

    /// As [`resume`](Self::resume), for a reader that has everything up to an event of which it
    /// knows the number alone, and which is not kept; the event at `until` came at or after it.
    pub(super) fn resume_number(&self, number: u64, until: Place) -> Resume {
        let start = self.start();
        let resume = self.resume(until);
        let lost = resume.gap == Some(Gap::UNKNOWN);
        // Events as old as `until` belong to its count.
        if lost && self.oldest.is_none_or(|oldest| oldest.stamp > until.stamp) {
            return resume;
        }
        match start.number.checked_sub(number) {
            Some(0) => Resume { gap: None, after: start },
            Some(missed) => Resume { gap: Some(Gap::of(missed)), after: start },
            None if lost => resume,
            // An operator deleted the events.
            None => Resume { gap: Some(Gap::UNKNOWN), after: start },
        }
    }

    /// Whether a place belongs to the current numbering of the topic: its stamp lies between the
    /// first event and the oldest kept event, and Redis has not lost data after it. Only then is
    /// the difference of two event numbers the number of missed events, because after a loss Redis
    /// gives the same numbers again.
    fn can_count_from(&self, place: Place) -> bool {
        let kept_since = self.oldest.unwrap_or(self.newest).stamp;
        let lost = place.stamp < self.former_loss || place.stamp < self.loss && self.loss <= kept_since;
        let counted = match place.number {
            // A place before the first event.
            0 => place.stamp <= self.base,
            _ => (self.base..=kept_since).contains(&place.stamp),
        };
        self.newest.number > 0 && counted && !lost
    }
}

impl Entries {
    /// The entries as a page, which ends where events are missing, so that the next page begins
    /// with the gap.
    pub(super) fn page(self, Resume { mut gap, after }: Resume) -> Page {
        let mut before = after;
        let mut events = self.events;
        let lost = |before: Place, next: Place| before.stamp < self.loss && self.loss <= next.stamp;
        let first = events.first().map(|first| first.place());
        let crossed = first.is_some_and(|first| lost(after, first));
        if crossed {
            gap = Some(Gap::UNKNOWN);
        } else if let Some(first) = first
            && gap.is_none()
            && !after.is_followed_by(first)
        {
            let missed = first.number.checked_sub(after.number + 1);
            gap = Some(missed.map_or(Gap::UNKNOWN, Gap::of));
        }
        let whole = events.iter().enumerate().position(|(at, event)| {
            let cut = at > 0 && (lost(before, event.place()) || !before.is_followed_by(event.place()));
            before = event.place();
            cut
        });
        events.truncate(whole.unwrap_or(events.len()));
        let after = match first.filter(|_| gap.is_some()) {
            // The place after the loss, so that a tail that begins here has no place before it.
            Some(first) if crossed => Place::new(self.loss, first.number.saturating_sub(1)),
            // The place before the events: not the requested place, whose number may be
            // given again.
            Some(first) => Place::new(after.stamp.min(first.stamp), first.number.saturating_sub(1)),
            None => after,
        };
        Page { gap, after, events }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Stored;

    /// A topic whose counting began at stamp 10, that keeps the events 5 to 9, and whose stamps are
    /// 10 times the numbers.
    fn found() -> Found {
        let place = |number| Place::new(10 * number, number);
        Found { newest: place(9), base: 10, oldest: Some(place(5)), previous: 40, ..Found::default() }
    }

    #[test]
    fn the_size_of_a_gap_is_exact_where_events_were_trimmed() {
        let resume = |place: Place| found().resume(place);
        let start = Place::new(40, 4);
        assert_eq!(resume(Place::new(90, 9)), Resume { gap: None, after: Place::new(90, 9) });
        assert_eq!(resume(Place::new(40, 4)), Resume { gap: None, after: Place::new(40, 4) });
        assert_eq!(resume(Place::new(20, 2)), Resume { gap: Some(Gap::of(2)), after: start });
        assert_eq!(resume(Place::new(7, 0)), Resume { gap: Some(Gap::of(4)), after: start });
        let resume = |number| found().resume_number(number, Place::new(90, 9));
        assert_eq!(resume(3), Resume { gap: Some(Gap::of(1)), after: start });
        assert_eq!(resume(4), Resume { gap: None, after: start });
        let expired = Found { oldest: None, ..found() };
        assert_eq!(
            expired.resume(Place::new(70, 7)),
            Resume { gap: Some(Gap::of(2)), after: Place::new(90, 9) }
        );
    }

    #[test]
    fn a_place_from_another_numbering_is_a_gap_of_unknown_size() {
        let floor = Some(Place::new(60, 6));
        let found = Found { floor, ..found() };
        for place in [Place::new(65, 6), Place::new(5, 3), Place::new(95, 12), Place::new(12, 0)] {
            let Resume { gap, after } = found.resume(place);
            assert_eq!((gap, Some(after)), (Some(Gap::UNKNOWN), floor), "{place}");
        }
        let emptied = Found { now: 99, ..Found::default() };
        assert_eq!(
            emptied.resume(Place::new(50, 5)),
            Resume { gap: Some(Gap::UNKNOWN), after: Place::new(99, 0) }
        );
        assert_eq!(emptied.resume(Place::new(50, 0)), Resume { gap: None, after: Place::new(50, 0) });
    }

    #[test]
    fn a_page_ends_where_the_server_lost_events_and_the_next_one_begins_with_a_gap() {
        let event = |stamp, number| Stored::new(Place::new(stamp, number), None, b"data\n");
        let entries = |events| Entries { after: None, loss: 30, events };
        let after = Place::new(10, 1);
        let page = entries(vec![event(20, 2), event(30, 3)]).page(Resume { gap: None, after });
        assert_eq!(page, Page { gap: None, after, events: vec![event(20, 2)] });
        let after = Place::new(20, 2);
        let page = entries(vec![event(30, 3)]).page(Resume { gap: None, after });
        let border = Place::new(30, 2);
        assert_eq!(page, Page { gap: Some(Gap::UNKNOWN), after: border, events: vec![event(30, 3)] });
        let page = entries(vec![event(30, 3)]).page(Resume { gap: None, after: border });
        assert_eq!(page, Page { gap: None, after: border, events: vec![event(30, 3)] });
    }

    #[test]
    fn a_place_from_before_an_earlier_loss_is_a_gap_of_unknown_size_whatever_its_number() {
        let found = Found { former_loss: 50, loss: 80, ..found() };
        assert_eq!(found.start(), Place::new(50, 4));
        for place in [Place::new(40, 4), Place::new(40, 2), Place::new(7, 0)] {
            assert_eq!(found.resume(place), Resume { gap: Some(Gap::UNKNOWN), after: found.start() });
        }
        assert_eq!(found.resume(found.start()).gap, None);
    }

    #[test]
    fn a_reader_that_knows_a_number_alone_goes_on_in_the_count_that_it_read() {
        let lost = Place::new(75, 9);
        let found = Found { loss: 76, floor: Some(Place::new(70, 7)), ..found() };
        let border = Resume { gap: Some(Gap::UNKNOWN), after: Place::new(70, 7) };
        assert_eq!(found.resume_number(8, lost), border, "8 was also lost, and is another event now");
        assert_eq!(found.resume_number(2, lost).gap, Some(Gap::of(2)), "that was trimmed from either count");
        let emptied = Found { oldest: Some(Place::new(80, 1)), floor: None, ..found };
        assert_eq!(emptied.resume_number(3, lost).gap, Some(Gap::UNKNOWN));
    }

    #[test]
    fn a_place_from_before_the_first_event_is_a_gap_where_events_were_lost_since() {
        let found = Found { loss: 9, base: 10, oldest: Some(Place::new(10, 1)), ..found() };
        assert_eq!(found.resume(Place::new(7, 0)).gap, Some(Gap::UNKNOWN));
        assert_eq!(found.resume(Place::new(9, 0)).gap, None);
    }
}
