//! Test suite that every [`Log`] has to pass, as functions that panic on a failure (feature
//! `conformance`).
//!
//! ```no_run
//! # async fn example(log: std::sync::Arc<dyn sse_hub::Log>) {
//! sse_hub::conformance::check(log, "an unused prefix of topics").await;
//! # }
//! ```
//!
//! [`check`] takes a log that keeps at least a thousand small events of each topic, and a prefix
//! with which no topic of the log begins. [`survives`](survives()) is for logs that outlive the
//! process.

#![allow(clippy::unwrap_used, reason = "a test that others run")]

mod ends;
mod follows;
mod keys;
mod places;
mod reads;
mod survives;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::{After, Amount, Batch, EventBuilder, Feed, Following, Log, Place, Stored, Update};

pub use survives::survives;

/// Runs the whole suite on one log.
pub async fn check(log: Arc<dyn Log>, prefix: &str) {
    let case = |name| Case { log: Arc::clone(&log), prefix: format!("{prefix}{name}") };
    assert_eq!(log.health(), crate::Health::Ready);
    places::numbers_count_from_one_and_stamps_rise(case("places")).await;
    places::a_topic_that_never_had_an_event_has_a_place(case("empty")).await;
    places::an_extent_says_where_a_topic_begins_and_ends(case("extent")).await;
    places::names_may_be_anything(case("names")).await;
    reads::what_was_appended_is_read_byte_for_byte(case("bytes")).await;
    reads::pages_follow_each_other_without_holes(case("pages")).await;
    reads::a_place_that_the_log_does_not_have_is_a_gap(case("gaps")).await;
    reads::events_are_found_by_their_ids(case("ids")).await;
    follows::a_batch_comes_as_one(case("batch")).await;
    follows::nobody_is_told_after_the_end(case("dropped")).await;
    follows::publishers_at_once_are_in_one_order(case("order")).await;
    keys::a_key_appends_once(case("keys")).await;
    keys::two_at_once_append_once(case("two")).await;
    ends::a_topic_that_ended_is_refused_for_a_while(case("ends")).await;
}

/// One test: a log, and topic names that no other test uses.
struct Case {
    log: Arc<dyn Log>,
    prefix: String,
}

/// A limit for reads that no test reaches.
const ALL: Amount = Amount { events: 1_000_000, bytes: 1 << 30 };

impl Case {
    /// A topic name of this test.
    fn topic(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    /// Appends events with this data, and returns the place of the first.
    async fn append(&self, topic: &str, data: &[&str]) -> Place {
        self.log.append(topic, batch(data)).await.unwrap().first
    }

    /// All events after a place; fails if there is a gap.
    async fn read(&self, topic: &str, after: impl Into<After>) -> Vec<Stored> {
        let after = after.into();
        let page = self.log.read(topic, after, ALL).await.unwrap();
        assert_eq!((page.gap, page.after.number), (None, after.number()), "{topic}");
        page.events
    }

    async fn follow(&self, topic: &str) -> (Followed, Following) {
        let (sender, updates) = mpsc::unbounded_channel();
        let feed = Feed::new(move |update| drop(sender.send(update)));
        let following = self.log.follow(topic, feed).await.unwrap();
        (Followed { updates }, following)
    }
}

/// Recorder of the updates that a feed gets.
struct Followed {
    updates: mpsc::UnboundedReceiver<Update>,
}

impl Followed {
    /// The next update other than a comparison; fails after ten seconds.
    async fn next(&mut self) -> Update {
        loop {
            let update = tokio::time::timeout(Duration::from_secs(10), self.updates.recv());
            let update = update
                .await
                .expect("the feed gets an update within ten seconds")
                .expect("the log holds the feed");
            if !matches!(update, Update::Latest(_)) {
                return update;
            }
        }
    }

    async fn events(&mut self) -> Vec<Stored> {
        match self.next().await {
            Update::Appended(events) => events,
            other => panic!("expected events: {other:?}"),
        }
    }
}

fn batch(data: &[&str]) -> Batch {
    let events: Vec<_> = data.iter().map(|data| EventBuilder::new().data(data)).collect();
    Batch::new(&events)
}

fn data(events: &[Stored]) -> Vec<String> {
    let line = |event: &Stored| {
        let text = std::str::from_utf8(event.bytes()).unwrap();
        text.strip_prefix("data: ").unwrap().trim_end_matches('\n').to_owned()
    };
    events.iter().map(line).collect()
}
