//! Rules about event IDs (9.2.6): whether there are any, whether every client can send them back,
//! and whether events repeat.

use std::collections::HashMap;

use proto::field::Field;

use super::body::{Body, quote};
use super::fields::{at, one_place};
use super::finding::Finding;
use super::resume;

const FIELDS: &str = "WHATWG HTML 9.2.6";
const RESUME: &str = "WHATWG HTML 9.2.3";
const QUOTED: usize = 40;
/// The length from which an ID is reported, in bytes: servers commonly refuse requests whose
/// headers exceed 8 KiB.
const LONG: usize = 4096;

/// All findings about the IDs of `body`.
pub(super) fn check(body: &Body) -> Vec<Finding> {
    let mut findings = values(body);
    findings.extend(missing(body));
    findings.extend(repeated(body));
    findings
}

/// Reports IDs that clients ignore, or cannot send in a header.
fn values(body: &Body) -> Vec<Finding> {
    let blocks = body.blocks();
    let mut findings = Vec::new();
    let nul = |field: Field<'_>| matches!(field, Field::Id(value) if value.contains(&0));
    if let Some(line) = one_place(&blocks, nul) {
        let message = "an ID contains NUL, so clients ignore it and resume from an earlier event";
        findings
            .push(Finding::fault("id-nul", message).seen(at(&line)).by(FIELDS).fix("leave NUL out of IDs"));
    }
    let control = |field: Field<'_>| matches!(field, Field::Id(value) if !value.contains(&0) && value.iter().any(u8::is_ascii_control));
    if let Some(line) = one_place(&blocks, control) {
        let message =
            "an ID contains a control character, which no header can carry: several clients stop for good";
        findings.push(
            Finding::fault("id-control", message)
                .seen(at(&line))
                .by("RFC 9110 5.5")
                .fix("use printable ASCII in IDs"),
        );
    }
    let odd = |field: Field<'_>| match field {
        Field::Id(value) => !value.is_ascii() || value.trim_ascii().len() < value.len() || value.len() > LONG,
        _ => false,
    };
    if let Some(line) = one_place(&blocks, odd) {
        let message = "an ID is not ASCII, begins or ends with a blank, or is longer than 4 KiB: several clients send it back \
                       changed, or not at all";
        findings.push(
            Finding::advice("id-shape", message)
                .seen(at(&line))
                .by("RFC 9110 5.5")
                .fix("use short IDs of printable ASCII"),
        );
    }
    findings
}

fn missing(body: &Body) -> Option<Finding> {
    (body.dispatched() > 0 && resume::events(body).is_empty()).then(|| {
        Finding::advice(
            "no-ids",
            "events have no IDs: what a client misses while it reconnects is lost without a word",
        )
        .seen(format!("{} events, no `id`", body.dispatched()))
        .by(RESUME)
        .fix("give every event an ID, and replay the events after `Last-Event-ID`")
    })
}

/// Reports repeated events: events with one ID, or events each followed by a copy.
fn repeated(body: &Body) -> Option<Finding> {
    let seen = resume::events(body);
    let mut counts: HashMap<&[u8], usize> = HashMap::new();
    for event in &seen {
        *counts.entry(&event.bytes).or_default() += 1;
    }
    let fix = "send every event once; clients cannot tell a repetition from a new event";
    if let Some(event) = seen.iter().find(|event| !event.id.is_empty() && counts[&event.bytes[..]] > 1) {
        return Some(
            Finding::advice(
                "repeated",
                "events are doubled: one is sent twice on one connection, with the same ID",
            )
            .seen(format!("id: {}", quote(&event.id, QUOTED)))
            .by(RESUME)
            .fix(fix),
        );
    }
    let blocks = body.blocks();
    let events: Vec<&[u8]> = blocks
        .iter()
        .filter(|block| block.is_event())
        .map(|block| &body.bytes[block.range.clone()])
        .collect();
    let pairs: Vec<_> = events.chunks_exact(2).collect();
    let differ = pairs.windows(2).all(|two| two[0][0] != two[1][0]);
    (pairs.len() >= 3 && differ && pairs.iter().all(|pair| pair[0] == pair[1])).then(|| {
        Finding::advice("repeated", "events are doubled: each one is sent twice")
            .seen(format!("{} events, {} of them copies", events.len(), pairs.len()))
            .fix(fix)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn codes(bytes: &str) -> Vec<&'static str> {
        let mut body = Body::default();
        body.push(Duration::ZERO, bytes.as_bytes());
        check(&body).iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn ids_that_cannot_be_sent_back_are_named() {
        assert_eq!(codes("id: a\0b\ndata: x\n\nid: 1\ndata: x\n\n"), ["id-nul"]);
        assert_eq!(codes("id: a\u{1}b\ndata: x\n\n"), ["id-control"]);
        assert_eq!(codes("id: é\ndata: x\n\n"), ["id-shape"]);
        assert_eq!(codes("id:  1\ndata: x\n\n"), ["id-shape"]);
        assert_eq!(codes("id: 7f-3.a/b=\ndata: x\n\nid\ndata: y\n\n"), [""; 0]);
    }

    #[test]
    fn events_without_ids_and_doubled_events_are_advice() {
        assert_eq!(codes("data: a\n\ndata: b\n\n"), ["no-ids"]);
        assert_eq!(codes("id: 1\ndata: 1\n\nid: 1\ndata: 1\n\n"), ["repeated"]);
        assert_eq!(codes(&["data: a\n\n"; 6].concat()), ["no-ids"], "a tick is not a copy");
        let doubled: String = (0..3).map(|n| format!("data: {n}\n\n").repeat(2)).collect();
        assert_eq!(codes(&doubled), ["no-ids", "repeated"]);
    }
}
