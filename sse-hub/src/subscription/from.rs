//! Beginning of a subscription.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use proto::Cursor;
use sse_http::server::LastEventId;

use crate::backoff::Backoff;
use crate::log::{Amount, Located};
use crate::topic::{Phase, TopicState};
use crate::{Gap, Place};

/// The ID that stands for the place before the oldest kept event.
pub(crate) const EARLIEST: &str = "earliest";

/// The place at which a subscription begins.
///
/// A [`LastEventId`] converts to this type: `earliest` to [`From::Earliest`], another ID to
/// [`From::After`], no ID or an empty one to [`From::Now`]. So an application must not use
/// `earliest` as an event's ID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From<'a> {
    /// The subscription begins with events published from now on.
    #[default]
    Now,
    /// The subscription begins with the oldest kept event.
    Earliest,
    /// The subscription begins after the event with this ID.
    After(&'a str),
}

impl<'a> std::convert::From<Option<&'a str>> for From<'a> {
    fn from(last_event_id: Option<&'a str>) -> Self {
        match last_event_id {
            None | Some("") => Self::Now,
            Some(EARLIEST) => Self::Earliest,
            Some(id) => Self::After(id),
        }
    }
}

impl<'a> std::convert::From<&'a LastEventId> for From<'a> {
    fn from(id: &'a LastEventId) -> Self {
        id.as_deref().into()
    }
}

/// A [`From`] whose topic is not open yet.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// Begin with events published after this time, in microseconds since 1970, if the topic opens
    /// later; `None` if it is open.
    Now(Option<u64>),
    Earliest,
    After(Box<str>),
}

/// The place at which a subscription begins, and how it was found.
#[derive(Debug)]
pub(crate) struct Begin {
    pub(crate) at: At,
    pub(crate) start: Start,
}

#[derive(Debug)]
pub(crate) enum At {
    /// The tail has every event after this cursor.
    Tail(Cursor),
    /// The log has every event after this place.
    Log(Place),
}

/// How the response begins, with the ID of the place. The ID is taken together with the place: when
/// the response begins, the events after the place may be gone, and no event with its ID is left.
#[derive(Debug)]
pub(crate) enum Start {
    /// The response begins with an event that has only the ID of the place.
    Live(Option<String>),
    /// The client knows its place.
    Resumed,
    /// The response begins with a gap event, which has the ID of the place.
    Gap(Gap, Option<String>),
}

/// Finds the place at which a subscription begins, after waiting for the topic and the log; `None`
/// if the topic was ended.
pub(crate) async fn begin(topic: Arc<TopicState>, wanted: Wanted) -> Option<Begin> {
    if !is_open(&topic).await {
        return None;
    }
    Some(match wanted {
        Wanted::Now(since) => {
            // If it waited for long, the subscriber gets the events that were published meanwhile.
            let since = since.filter(|_| topic.late.load(Ordering::Relaxed));
            let tail = topic.tail();
            let cursor = since.map_or_else(|| tail.end(), |since| tail.after_stamp(since));
            Begin { at: At::Tail(cursor), start: Start::Live(tail.id_before(cursor)) }
        }
        Wanted::Earliest => earliest(&topic).await,
        Wanted::After(id) => {
            let found = topic.fresh_tail().after(&id);
            match found {
                Some(cursor) => Begin { at: At::Tail(cursor), start: Start::Resumed },
                None => locate(&topic, &id).await,
            }
        }
    })
}

/// Waits until the topic is open, and returns true, or until the log says that it was ended.
async fn is_open(topic: &Arc<TopicState>) -> bool {
    let mut phases = topic.phase.subscribe();
    let mut backoff = Backoff::default();
    loop {
        let phase = phases.wait_for(|phase| *phase != Phase::Opening).await.map(|phase| *phase);
        match phase {
            Ok(Phase::Open) => return true,
            Ok(Phase::Ended) | Err(_) => return false,
            // The opening was dropped, with its runtime for example.
            Ok(Phase::Closed | Phase::Opening) => {
                backoff.wait().await;
                topic.open();
            }
        }
    }
}

async fn earliest(topic: &TopicState) -> Begin {
    let mut backoff = Backoff::default();
    let start = loop {
        match topic.hub.log.open(&topic.name, Amount::NONE).await {
            Ok(extent) => break extent.start,
            Err(_) => backoff.wait().await,
        }
    };
    let tail = topic.fresh_tail();
    let (at, id) = match start.number < tail.floor().number {
        true => (At::Log(start), Some(start.to_string())),
        false => (At::Tail(tail.oldest()), tail.id_before(tail.oldest())),
    };
    Begin { at, start: Start::Live(id) }
}

async fn locate(topic: &TopicState, id: &str) -> Begin {
    let mut backoff = Backoff::default();
    let (place, gap) = loop {
        match topic.hub.log.locate(&topic.name, id).await {
            Ok(Located::After(place)) => break (place, None),
            Ok(Located::Gone { missed, resume }) => {
                break (resume, Some(missed.map_or(Gap::UNKNOWN, Gap::of)));
            }
            Err(_) => backoff.wait().await,
        }
    };
    let tail = topic.tail();
    let cursor = tail.after_confirmed(place);
    let id = || cursor.map_or_else(|| Some(place.to_string()), |cursor| tail.id_before(cursor));
    let start = gap.map_or(Start::Resumed, |gap| Start::Gap(gap, id()));
    Begin { at: cursor.map_or(At::Log(place), At::Tail), start }
}
