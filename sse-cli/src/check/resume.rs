//! Whether a client that comes back gets what it missed.

use std::collections::HashMap;

use super::body::{Block, Body, quote};
use super::finding::Finding;
use super::probe::Observation;

const RESUME: &str = "WHATWG HTML 9.2.3";
const QUOTED: usize = 40;

/// An event as far as resumption needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) id: Vec<u8>,
    /// Its bytes, to tell a repetition from an event that only has the same ID.
    bytes: Vec<u8>,
    /// Whether it tells a gap in one of the usual words.
    gap: bool,
}

/// The events of a body that set an ID.
pub(super) fn events(body: &Body) -> Vec<Seen> {
    let blocks = body.blocks();
    blocks.iter().filter(|block| block.complete).filter_map(|block| Seen::of(body, block)).collect()
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

/// The ID to come back with: an early one of those seen, so that most events after it are known.
pub(super) fn point(events: &[Seen]) -> Option<&Seen> {
    let events: Vec<_> = events.iter().filter(|event| !event.id.is_empty()).collect();
    match events.len() {
        0 => None,
        length => Some(events[(length - 1) / 4]),
    }
}

/// Findings about the main connection alone: whether there are IDs, and whether events come twice.
pub(super) fn ids(body: &Body) -> Vec<Finding> {
    let seen = events(body);
    let dispatched = body.blocks().iter().filter(|block| block.is_event()).count();
    let mut findings = Vec::new();
    if dispatched > 0 && seen.is_empty() {
        findings.push(
            Finding::advice(
                "no-ids",
                "events have no IDs: what a client misses while it reconnects is lost without a word",
            )
            .seen(format!("{dispatched} events, no `id`"))
            .by(RESUME)
            .fix("give every event an ID, and replay what comes after `Last-Event-ID`"),
        );
    }
    let mut counts: HashMap<&[u8], usize> = HashMap::new();
    for event in &seen {
        *counts.entry(&event.bytes).or_default() += 1;
    }
    if let Some(event) = seen.iter().find(|event| !event.id.is_empty() && counts[&event.bytes[..]] > 1) {
        findings.push(
            Finding::advice("repeated", "an event is sent twice on one connection, with the same ID")
                .seen(format!("id: {}", quote(&event.id, QUOTED)))
                .by(RESUME)
                .fix("send every event once; clients cannot tell a repetition from a new event"),
        );
    }
    findings
}

/// Findings about a connection that came back with the ID of `point`, after `first` had been seen.
pub(super) fn resumption(first: &[Seen], point: &Seen, again: &Observation) -> Vec<Finding> {
    let Some(head) = &again.head else {
        return vec![Finding::advice("resume", "the second connection had no response in time")];
    };
    let sent = format!("last-event-id: {} (as sent)", quote(&point.id, QUOTED));
    if head.status.as_u16() == 204 {
        return vec![
            Finding::pass("resume", "a client that comes back gets 204: the stream has ended for good")
                .seen(sent),
        ];
    }
    if head.status.as_u16() != 200 {
        return vec![
            Finding::fault(
                "resume",
                format!(
                    "a client that comes back with an ID is answered {}: it closes for good",
                    head.status.as_u16()
                ),
            )
            .seen(sent)
            .by(RESUME)
            .fix("answer 200 whatever the ID is, and tell a gap as an event"),
        ];
    }
    let second = events(&again.body);
    let position = first.iter().position(|event| event.id == point.id).unwrap_or_default();
    let missed: Vec<&Seen> = first[position + 1..].iter().filter(|event| !event.id.is_empty()).collect();
    if second.iter().any(|event| event.gap) {
        return vec![Finding::pass("resume", "a gap is told as an event").seen(sent)];
    }
    let came = |event: &Seen| second.iter().any(|other| other.id == event.id);
    let repeated = first[..=position].iter().find(|event| !event.id.is_empty() && came(event));
    let replayed = missed.iter().filter(|event| came(event)).count();
    if let Some(event) = repeated {
        return vec![
            Finding::advice(
                "resume",
                "`Last-Event-ID` is ignored, or events come again that the client already has",
            )
            .seen(sent)
            .seen(format!("came again: id {}", quote(&event.id, QUOTED)))
            .by(RESUME)
            .fix("begin after the event that `Last-Event-ID` names"),
        ];
    }
    if second.is_empty() {
        if missed.is_empty() {
            return Vec::new();
        }
        return vec![
            Finding::advice(
                "resume",
                "`Last-Event-ID` is ignored: nothing of what came after it is sent again",
            )
            .seen(sent)
            .seen(format!("{} events came after it", missed.len()))
            .by(RESUME)
            .fix("replay what comes after `Last-Event-ID`, or tell a gap as an event"),
        ];
    }
    // Servers that send the current state first begin with the newest event, whatever the ID is.
    let newest_alone = replayed == 1 && missed.len() > 1 && missed.last().is_some_and(|event| came(event));
    if newest_alone || (replayed == 0 && !missed.is_empty()) {
        return vec![
            Finding::advice("resume", "`Last-Event-ID` is ignored: the stream goes on with new events only")
                .seen(sent)
                .seen(format!("goes on with id {}", quote(&second[0].id, QUOTED)))
                .by(RESUME)
                .fix("replay what comes after `Last-Event-ID`, or tell a gap as an event"),
        ];
    }
    // The replay ends with what the second connection had time for: only holes within it count.
    let last = missed.iter().rposition(|event| came(event));
    let lost = last.and_then(|last| missed[..last].iter().find(|event| !came(event)));
    if let Some(event) = lost {
        return vec![lost_event(&sent, &event.id)];
    }
    vec![
        Finding::pass(
            "resume",
            format!("a client that comes back gets the {replayed} events that it missed"),
        )
        .seen(sent)
        .by(RESUME),
    ]
}

fn lost_event(sent: &str, id: &[u8]) -> Finding {
    Finding::fault("lost-after-resume", "an event is lost after a resumption: the replay does not begin right after `Last-Event-ID`")
        .seen(sent)
        .seen(format!("never came: id {}", quote(id, QUOTED)))
        .by(RESUME)
        .fix("begin with the event after the one that `Last-Event-ID` names; if it is gone, tell a gap as an event")
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
        let finding = &resumption(&first, point, &again)[0];
        (finding.code, finding.level)
    }

    #[test]
    fn what_comes_back_is_classified() {
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
    }

    #[test]
    fn events_without_ids_and_repeated_events_are_advice() {
        let body = observation(&[(0, "data: a\n\ndata: b\n\n".to_owned())], End::Stopped).body;
        assert_eq!(ids(&body)[0].code, "no-ids");
        let body = observation(&[(0, stream(&[1, 1]))], End::Stopped).body;
        assert_eq!(ids(&body)[0].code, "repeated");
    }
}
