//! Rules about resumption: whether a reconnecting client gets the events that it missed.

use std::collections::HashMap;
use std::time::Duration;

use super::body::{Block, Body, quote};
use super::finding::{Finding, Level};
use super::head;
use super::probe::Observation;

const RESUME: &str = "WHATWG HTML 9.2.3";
const QUOTED: usize = 40;
/// How many events are compared at most.
const COMPARED: usize = 10_000;
/// If a server answered the first request within this time, and the second one not, it counts as
/// stuck.
const PROMPT: Duration = Duration::from_secs(1);
const STUCK: Duration = Duration::from_secs(4);

/// An event, reduced to what the check of resumption compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) id: Vec<u8>,
    /// The bytes of the event, to distinguish a repetition from another event with its ID.
    pub(super) bytes: Vec<u8>,
    /// Whether the event reports a gap in one of the usual words.
    gap: bool,
}

/// The events of a body that set an ID.
pub(super) fn events(body: &Body) -> Vec<Seen> {
    let blocks = body.blocks();
    blocks
        .iter()
        .filter(|block| block.complete)
        .filter_map(|block| Seen::of(body, block))
        .take(COMPARED)
        .collect()
}

/// The index of the last event with each ID.
fn places(events: &[Seen]) -> HashMap<&[u8], usize> {
    events.iter().enumerate().map(|(place, event)| (&event.id[..], place)).collect()
}

impl Seen {
    fn of(body: &Body, block: &Block<'_>) -> Option<Self> {
        use proto::field::Field;
        let named = |field: Field<'_>| match field {
            Field::Event(name) => ["gap", "reset", "stale", "lagged", "missed"].iter().any(|word| {
                name.to_ascii_lowercase().windows(word.len()).any(|window| window == word.as_bytes())
            }),
            _ => false,
        };
        let gap = block.fields().any(named);
        let id = block.id().filter(|id| !id.is_empty());
        (gap || id.is_some()).then(|| Self {
            id: id.unwrap_or_default().to_vec(),
            bytes: body.bytes[block.range.clone()].to_vec(),
            gap,
        })
    }
}

/// Chooses the event to resume after: an early one, so that this check has already received most of
/// the events that follow it, whose ID is a valid header value.
pub(super) fn point(events: &[Seen]) -> Option<&Seen> {
    let sendable =
        |id: &[u8]| !id.is_empty() && id.trim_ascii() == id && !id.iter().any(u8::is_ascii_control);
    let events: Vec<_> = events.iter().filter(|event| sendable(&event.id)).collect();
    match events.len() {
        0 => None,
        length => Some(events[(length - 1) / 4]),
    }
}

/// Checks a connection that resumed with the ID of `point`; `first` are the events of the first
/// connection, which was answered in the time `prompt`.
pub(super) fn resumption(
    first: &[Seen],
    point: &Seen,
    prompt: Duration,
    again: &Observation,
) -> Option<Finding> {
    let sent = format!("last-event-id: {} (as sent)", quote(&point.id, QUOTED));
    if let Some(finding) = refused(prompt, again) {
        return Some(finding.seen(sent));
    }
    let second = events(&again.body);
    // An ID may have been seen twice: the events before its last occurrence are known.
    let position = first.iter().rposition(|event| event.id == point.id).unwrap_or_default();
    let known = places(&first[..=position]);
    let missed: Vec<&Seen> = first[position + 1..]
        .iter()
        .filter(|event| !event.id.is_empty() && !known.contains_key(&event.id[..]))
        .collect();
    if second.iter().any(|event| event.gap) {
        return Some(Finding::pass("resume", "a gap is reported as an event").seen(sent));
    }
    let second_places = places(&second);
    let came = |event: &Seen| second_places.contains_key(&event.id[..]);
    if let Some(event) = first[..=position].iter().find(|event| !event.id.is_empty() && came(event)) {
        let message = "`Last-Event-ID` is ignored, or events come again that the client already has";
        return Some(ignored(message, &sent, format!("came again: id {}", quote(&event.id, QUOTED))));
    }
    if missed.is_empty() {
        return (!second.is_empty())
            .then(|| Finding::pass("resume", "a client that comes back gets no event again").seen(sent));
    }
    let Some(next) = second.first() else {
        let message = "`Last-Event-ID` is ignored: no event after that ID is sent again";
        return Some(ignored(message, &sent, format!("{} events came after it", missed.len())));
    };
    let replayed = missed.iter().filter(|event| came(event)).count();
    // Servers that send the current state first begin with the newest event, whatever the ID is.
    let newest_alone = replayed == 1 && missed.len() > 1 && missed.last().is_some_and(|event| came(event));
    if newest_alone || replayed == 0 {
        let message = "`Last-Event-ID` is ignored: the stream goes on with new events only";
        return Some(ignored(message, &sent, format!("goes on with id {}", quote(&next.id, QUOTED))));
    }
    // The second connection ended at some event; only holes before that event count.
    let last = missed.iter().rposition(|event| came(event));
    let lost = last.and_then(|last| missed[..last].iter().find(|event| !came(event)));
    if let Some(event) = lost {
        return Some(lost_event(&sent, &event.id));
    }
    if !in_order(&missed, &second_places) {
        return Some(
            Finding::advice("resume-order", "a replay has another order than the first connection: a client that leaves in between loses events")
                .seen(sent)
                .by(RESUME)
                .fix("replay events in the order in which they were sent"),
        );
    }
    let message = format!("a client that comes back gets what it missed ({replayed} events)");
    Some(Finding::pass("resume", message).seen(sent).by(RESUME))
}

/// Reports that the second connection was not answered with a stream.
fn refused(prompt: Duration, again: &Observation) -> Option<Finding> {
    let fix = "answer 200 and the stream whatever the ID is, and tell a gap as an event";
    let Some(head) = &again.head else {
        let message = "a client that comes back with an ID gets no response in time";
        let stuck = prompt < PROMPT && again.lasted >= STUCK;
        let finding =
            if stuck { Finding::fault("resume", message) } else { Finding::advice("resume", message) };
        return Some(finding.by(RESUME).fix(fix));
    };
    if head.status.as_u16() == 204 {
        return Some(Finding::pass(
            "resume",
            "a client that comes back gets 204: the stream has ended for good",
        ));
    }
    let wrong = head::check(again).into_iter().find(|finding| finding.level == Level::Fault)?;
    let message = format!("a client that comes back with an ID closes for good: {}", wrong.message);
    Some(Finding::fault("resume", message).seen_all(wrong.evidence).by(RESUME).fix(fix))
}

fn ignored(message: &str, sent: &str, evidence: String) -> Finding {
    Finding::advice("resume", message)
        .seen(sent)
        .seen(evidence)
        .by(RESUME)
        .fix("replay the events after the ID in `Last-Event-ID`, or report a gap as an event")
}

/// Whether the events that both connections received are in one order.
fn in_order(missed: &[&Seen], second: &HashMap<&[u8], usize>) -> bool {
    let places: Vec<_> = missed.iter().filter_map(|event| second.get(&event.id[..])).collect();
    places.windows(2).all(|pair| pair[0] <= pair[1])
}

fn lost_event(sent: &str, id: &[u8]) -> Finding {
    Finding::fault(
        "lost-after-resume",
        "an event is lost after a resumption: the replay does not begin right after `Last-Event-ID`",
    )
    .seen(sent)
    .seen(format!("never came: id {}", quote(id, QUOTED)))
    .by(RESUME)
    .fix("begin after the event that `Last-Event-ID` names; if that event is gone, report a gap as an event")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::probe::End;
    use crate::check::probe::tests::observation;

    fn stream(ids: &[u64]) -> String {
        ids.iter().map(|id| format!("id: {id}\ndata: {id}\n\n")).collect()
    }

    fn code(again: &str) -> (&'static str, super::super::finding::Level) {
        let first = events(&observation(&[(0, stream(&[1, 2, 3, 4, 5]))], End::Stopped).body);
        let point = point(&first).unwrap();
        assert_eq!(point.id, b"2");
        let again = observation(&[(0, again.to_owned())], End::Stopped);
        let finding = resumption(&first, point, Duration::ZERO, &again).unwrap();
        (finding.code, finding.level)
    }

    #[test]
    fn events_after_a_resume_are_classified() {
        use super::super::finding::Level::{Advice, Fault, Pass};
        assert_eq!(code(&stream(&[3, 4, 5, 6])), ("resume", Pass));
        assert_eq!(code(&stream(&[3, 4])), ("resume", Pass), "the check hung up before 5");
        assert_eq!(code(&stream(&[4, 5])), ("lost-after-resume", Fault));
        assert_eq!(code(&stream(&[3, 5])), ("lost-after-resume", Fault));
        assert_eq!(code(&stream(&[1, 2, 3])), ("resume", Advice), "from the start");
        assert_eq!(code(&stream(&[2, 3, 4])), ("resume", Advice), "the event itself comes again");
        assert_eq!(code(&stream(&[6, 7])), ("resume", Advice), "new events only");
        assert_eq!(code(&stream(&[5, 6])), ("resume", Advice), "the current state, then new events");
        assert_eq!(code("event: gap\ndata: {}\n\n"), ("resume", Pass));
        assert_eq!(code(""), ("resume", Advice));
        assert_eq!(code(&stream(&[4, 3, 5])), ("resume-order", Advice));
    }
}
