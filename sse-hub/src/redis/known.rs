//! Places of a topic's events that the server had, so that their loss is noticed.

use std::fmt::Write as _;

use crate::Place;

/// How many places of one topic may wait for a comparison, beside the newest ones.
const DOUBTS: usize = 8;

/// Events of a topic that this node had from the server, and may not find there any more.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The newest place that was received, in the order of the server.
    pub(super) newest: Place,
    /// The newest place that this node published, until its message was received.
    pub(super) published: Place,
    /// Places that the server may have lost: the newest ones at the time of each new connection,
    /// and those that are not the predecessor of the next event that was received.
    pub(super) doubts: Vec<Place>,
    /// The connection that `newest` was received on, while the topic is not followed.
    pub(super) connection: Option<u64>,
}

/// What a script gets of a topic's places.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// The argument of the script.
    pub(super) text: String,
    /// The places for which the script looks.
    pub(super) doubts: Vec<Place>,
    /// The number of the connection at that time.
    pub(super) connection: u64,
}

impl Known {
    pub(super) fn places(&self) -> Vec<Place> {
        let newest = [self.newest, self.published].into_iter().filter(|place| place.number > 0);
        let mut places: Vec<_> = self.doubts.iter().copied().chain(newest).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The places as an argument of the scripts, which look into the stream for those that are in
    /// doubt; `connection` is the current one.
    pub(super) fn claims(&self, all_in_doubt: bool, connection: u64) -> Claims {
        let mut text = String::with_capacity(64);
        let mut claim = |place: Place, in_doubt: bool| {
            let blank = if text.is_empty() { "" } else { " " };
            let mark = if in_doubt { "?" } else { "" };
            write!(text, "{blank}{place}{mark}").expect("a string takes everything");
        };
        if self.doubts.is_empty() && self.published.number == 0 {
            // With most commands, there is one place or none.
            if self.newest.number > 0 {
                claim(self.newest, all_in_doubt);
            }
        } else {
            for place in self.places() {
                claim(place, all_in_doubt || self.doubts.contains(&place));
            }
        }
        Claims { text, doubts: self.doubts.clone(), connection }
    }

    pub(super) fn doubt(&mut self, place: Place) {
        if place.number > 0 && !self.doubts.contains(&place) {
            self.doubts.truncate(DOUBTS - 1);
            self.doubts.push(place);
        }
    }

    pub(super) fn doubt_newest(&mut self) {
        for place in [self.newest, self.published] {
            self.doubt(place);
        }
    }

    /// Records an event; `previous` is the stamp of the server's newest event before it. Returns
    /// whether the server had lost a known event, which is then in doubt.
    pub(super) fn receive(&mut self, place: Place, previous: u64) -> bool {
        let mut lost = false;
        for known in [self.newest, self.published] {
            if known.number > 0 && previous < known.stamp && known.stamp < place.stamp {
                self.doubt(known);
                lost = true;
            }
        }
        self.advance(place);
        lost
    }

    /// As [`receive`](Self::receive), and if the event does not directly follow the newest one, the
    /// newest one is in doubt.
    pub(super) fn hear(&mut self, place: Place, previous: u64) -> bool {
        if self.newest < place && self.newest.stamp != previous {
            self.doubt(self.newest);
        }
        self.receive(place, previous)
    }

    pub(super) fn advance(&mut self, place: Place) {
        self.newest = self.newest.max(place);
        if self.published <= self.newest {
            self.published = Place::default();
        }
    }
}
