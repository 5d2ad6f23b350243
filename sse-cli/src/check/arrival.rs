//! Rules about the arrival times of bytes: detects a proxy or a server that buffers.

use std::time::Duration;

use super::body::{Block, Body, Ending, TOGETHER, Tail};
use super::finding::Finding;
use super::probe::{End, Observation};

const LIVE: &str = "WHATWG HTML 9.2.7";
/// A pause of this length inside an event is the effect of a buffer on the way.
const HELD: Duration = Duration::from_millis(400);
/// After this many groups of events that arrived together, each after a pause, the events count as
/// buffered.
const BURST: usize = 3;
/// The shortest pause before such a group.
const PAUSE: Duration = Duration::from_millis(400);
/// A pause before such a group that people notice. Servers themselves group events over shorter
/// times: ticks, tokens of a model.
const NOTICED: Duration = Duration::from_millis(900);
/// A connection that ends after a silence of this length probably met an idle timeout.
const IDLE: Duration = Duration::from_secs(2);
/// A response head that takes longer than this is late.
const LATE: Duration = Duration::from_secs(1);
/// The length of silence after which proxies close connections; 9.2.7 advises a comment every 15 s.
const SILENCE: Duration = Duration::from_secs(20);
/// Keep-alives at shorter intervals than this waste batteries.
const HASTE: Duration = Duration::from_secs(1);

const UNBUFFER: &str = "turn off buffering and compression on the way: `proxy_buffering off` or the response header \
                        `X-Accel-Buffering: no` for nginx, `Cache-Control: no-transform` for compressing middleware, and flush \
                        after every event";

/// All findings about the times of `seen`.
pub(super) fn check(seen: &Observation) -> Vec<Finding> {
    let blocks = seen.body.blocks();
    let mut findings = vec![times(seen, &blocks)];
    let held = held_inside(&seen.body, &blocks)
        .or_else(|| held_at_the_end(seen, &blocks))
        .or_else(|| all_at_the_end(seen, &blocks))
        .or_else(|| bursts(seen, &blocks))
        .or_else(|| block_sizes(&seen.body, &blocks));
    let complete = blocks.iter().filter(|block| block.complete).count();
    match held {
        Some(finding) => findings.push(finding.seen_all(seen.suspects())),
        None if complete > 1 => {
            findings.push(
                Finding::pass("arrival", "events arrive one by one, nothing on the way collects them")
                    .by(LIVE),
            );
        }
        None => {}
    }
    findings.extend(late_head(seen));
    findings.extend(keep_alives(seen, &blocks));
    findings.extend(no_events(seen));
    findings.extend(idle_timeout(seen));
    findings
}

/// Reports that no event arrived, because most rules then had nothing to check.
fn no_events(seen: &Observation) -> Option<Finding> {
    if seen.body.dispatched() > 0 {
        return None;
    }
    let finding = match seen.end {
        End::Eof => Finding::advice(
            "no-events",
            "the response ended without an event: clients reconnect, again and again",
        )
        .by("WHATWG HTML 9.2.3")
        .fix("keep the response open until there are events; answer 204 to clients that must not reconnect"),
        _ => Finding::advice(
            "no-events",
            "no event arrived, so the events and their times could not be checked",
        )
        .fix("let the server send events during the check, or wait longer with --patience"),
    };
    Some(finding.seen(format!("waited for {}", show(seen.lasted))))
}

/// Reports a connection that ends after a silence, because a proxy or a server closes idle
/// connections.
fn idle_timeout(seen: &Observation) -> Option<Finding> {
    let last = seen.body.arrivals().last()?.at;
    let silence = seen.lasted.saturating_sub(last);
    (seen.end != End::Stopped && silence >= IDLE).then(|| {
        Finding::advice(
            "idle-timeout",
            format!(
                "the connection ended after {} of silence: the server or a proxy closes idle ones",
                show(silence)
            ),
        )
        .by(LIVE)
        .fix("send a comment more often than that, or raise the limit (`proxy_read_timeout` in nginx)")
    })
}

/// Reports the beginning of an event at the end of the body, whose rest did not arrive.
fn held_at_the_end(seen: &Observation, blocks: &[Block<'_>]) -> Option<Finding> {
    let Tail::Silence(silence) = seen.tail() else { return None };
    let last = blocks.last().filter(|block| !block.complete)?;
    // A complete line without its blank line is a fault of the format, which `framing` reports.
    let cut = last.lines.last().is_some_and(|line| line.ending == Ending::Missing);
    (cut && blocks.iter().any(Block::is_event)).then(|| {
        Finding::fault(
            "held-back",
            "bytes are held back on the way: the beginning of an event came, and its rest did not",
        )
        .seen(format!("byte {}, then silence for {}", seen.body.bytes.len(), show(silence)))
        .by(LIVE)
        .fix(UNBUFFER)
    })
}

/// Reports the times of the head, the first byte and the first event.
fn times(seen: &Observation, blocks: &[Block<'_>]) -> Finding {
    let head = seen.head.as_ref().map_or_else(|| "none".to_owned(), |head| show(head.after));
    let byte = seen.body.arrivals().first().map_or_else(|| "none".to_owned(), |arrival| show(arrival.at));
    let event = blocks.iter().find(|block| block.is_event());
    let event = event.map_or_else(|| "none".to_owned(), |block| show(seen.body.completed(block)));
    let blocks = blocks.iter().filter(|block| block.complete);
    let events = blocks.filter(|block| block.is_event()).count();
    Finding::pass("times", format!("head after {head}, first byte after {byte}, first event after {event}"))
        .seen(format!("{events} events, {} bytes in {}", seen.body.bytes.len(), show(seen.lasted)))
}

/// Reports a part of an event, then silence, then the rest: a buffer that is flushed when full.
fn held_inside(body: &Body, blocks: &[Block<'_>]) -> Option<Finding> {
    // Offsets at which a pause occurred; few, because each pause takes time.
    let pauses = body.arrivals().windows(2).filter(|pair| pair[1].at.saturating_sub(pair[0].at) >= HELD);
    let pauses: Vec<usize> = pauses.map(|pair| pair[0].end).collect();
    let held = |block: &&Block<'_>| {
        // Between lines a slow writer may pause; inside a line only a buffer pauses.
        block.lines.iter().any(|line| {
            let end = line.start + line.text.len() + usize::from(line.ending != Ending::Missing);
            pauses.iter().any(|pause| line.start < *pause && *pause < end)
        })
    };
    let block = blocks.iter().filter(|block| block.complete).find(held)?;
    let (first, last) = (body.time_of(block.range.start), body.completed(block));
    Some(
        Finding::fault(
            "held-back",
            "bytes are held back on the way: half of an event came, and its rest much later",
        )
        .seen(format!(
            "event at byte {}: begun after {}, complete after {}",
            block.range.start,
            show(first),
            show(last)
        ))
        .by(LIVE)
        .fix(UNBUFFER),
    )
}

/// Reports that everything arrived at once with the end of the response, after a wait.
fn all_at_the_end(seen: &Observation, blocks: &[Block<'_>]) -> Option<Finding> {
    let events = blocks.iter().filter(|block| block.is_event()).count();
    let first = seen.body.arrivals().first()?.at;
    let whole = seen.lasted.saturating_sub(first) <= 3 * TOGETHER;
    if !(events >= BURST && whole && first >= LATE && matches!(seen.end, End::Eof)) {
        return None;
    }
    Some(
        Finding::fault(
            "held-back",
            "all events came at once with the end of the response: they are held back on the way (buffered)",
        )
        .seen(format!(
            "nothing for {}, then {events} events and the end within {}",
            show(first),
            show(seen.lasted.saturating_sub(first))
        ))
        .by(LIVE)
        .fix(UNBUFFER),
    )
}

/// Reports events that repeatedly arrive in groups, with pauses between.
fn bursts(seen: &Observation, blocks: &[Block<'_>]) -> Option<Finding> {
    let body = &seen.body;
    let times: Vec<Duration> =
        blocks.iter().filter(|block| block.complete).map(|block| body.completed(block)).collect();
    let head = seen.head.as_ref()?.after;
    // Events at the start are a replay, unless they come late.
    let live = times.iter().position(|time| time.saturating_sub(head) > PAUSE)?;
    let live = &times[live..];
    let mut bunches: Vec<(Duration, usize)> = Vec::new();
    for &time in live {
        match bunches.last_mut() {
            Some((start, count)) if time.saturating_sub(*start) <= TOGETHER => *count += 1,
            _ => bunches.push((time, 1)),
        }
    }
    let large: Vec<_> = bunches.iter().filter(|(_, count)| *count >= BURST).collect();
    let in_bunches: usize = large.iter().map(|(_, count)| count).sum();
    let apart = large.windows(2).all(|pair| pair[1].0.saturating_sub(pair[0].0) >= PAUSE);
    if large.len() < 2 || !apart || in_bunches * 10 < live.len() * 9 {
        return None;
    }
    let noticed = large.windows(2).all(|pair| pair[1].0.saturating_sub(pair[0].0) >= NOTICED);
    let message = "events arrive in bunches with pauses between: something on the way collects them, unless the server \
                   sends them so";
    let finding =
        if noticed { Finding::fault("bunched", message) } else { Finding::advice("bunched", message) };
    let mut finding = finding.by(LIVE).fix(UNBUFFER);
    for (time, count) in large.iter().take(4) {
        finding = finding.seen(format!("after {}: {count} events at once", show(*time)));
    }
    Some(finding)
}

/// Reports reads that end at a power of two, in the middle of an event: a buffer of that size.
fn block_sizes(body: &Body, blocks: &[Block<'_>]) -> Option<Finding> {
    blocks.iter().find(|block| block.is_event())?;
    let size = [1024, 2048, 4096, 8192, 16_384, 32_768].into_iter().rev().find(|size| {
        let (mut cuts, mut total) = (0, 0);
        for pair in body.arrivals().windows(2) {
            if pair[1].at.saturating_sub(pair[0].at) >= TOGETHER {
                total += 1;
                cuts += usize::from(pair[0].end % size == 0);
            }
        }
        total >= 2 && cuts == total
    })?;
    Some(
        Finding::fault(
            "held-back",
            format!("bytes arrive in blocks of {size}: they are held back until a buffer is full"),
        )
        .by(LIVE)
        .fix(UNBUFFER),
    )
}

fn late_head(seen: &Observation) -> Option<Finding> {
    let head = seen.head.as_ref()?;
    let first = seen.body.arrivals().first()?.at;
    (head.after >= LATE && first.saturating_sub(head.after) <= TOGETHER).then(|| {
        Finding::advice(
            "late-head",
            "the head of the response comes with the first event only, so `open` fires late",
        )
        .seen(format!("head after {}, first byte after {}", show(head.after), show(first)))
        .by("WHATWG HTML 9.2.3")
        .fix("flush the head at once; a first comment, `:`, does so behind most frameworks")
    })
}

/// Reports the longest silence, and the interval of comments.
fn keep_alives(seen: &Observation, blocks: &[Block<'_>]) -> Option<Finding> {
    let head = seen.head.as_ref()?.after;
    let mut times: Vec<Duration> = vec![head];
    times.extend(seen.body.arrivals().iter().map(|arrival| arrival.at));
    times.push(seen.lasted);
    let silence = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or_default();
    let comments: Vec<Duration> =
        blocks.iter().filter(|block| block.is_comment()).map(|block| seen.body.completed(block)).collect();
    let steps = comments.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
    let cadence = steps.filter(|step| *step > TOGETHER).min();
    if silence >= SILENCE {
        return Some(
            Finding::advice(
                "keep-alive",
                format!("the connection is silent for {}: proxies close it", show(silence)),
            )
            .by(LIVE)
            .fix("send a comment about every 15 s of silence"),
        );
    }
    match cadence {
        Some(cadence) if cadence < HASTE && comments.len() > BURST => Some(
            Finding::advice(
                "keep-alive",
                format!("keep-alive comments come every {}: too often", show(cadence)),
            )
            .by(LIVE)
            .fix("send a comment about every 15 s of silence"),
        ),
        Some(cadence) => {
            Some(Finding::pass("keep-alive", format!("keep-alive comments come every {}", show(cadence))))
        }
        None => None,
    }
}

/// Formats a time for people: in milliseconds below ten seconds.
pub(super) fn show(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::probe::tests::observation;

    fn codes(chunks: &[(u64, String)], end: End) -> Vec<&'static str> {
        let findings = check(&observation(chunks, end));
        findings.iter().map(|finding| finding.code).filter(|code| *code != "times").collect()
    }

    fn events(range: std::ops::Range<u64>) -> String {
        range.map(|n| format!("data: {n}\n\n")).collect()
    }

    #[test]
    fn events_that_come_one_by_one_are_right() {
        let chunks: Vec<_> = (0..20).map(|n| (n * 200, events(n..n + 1))).collect();
        assert_eq!(codes(&chunks, End::Stopped), ["arrival"]);
    }

    #[test]
    fn a_replay_at_the_start_is_right() {
        let mut chunks = vec![(5, events(0..50))];
        chunks.extend((0..5).map(|n| (1000 + n * 500, events(n..n + 1))));
        assert_eq!(codes(&chunks, End::Stopped), ["arrival"]);
    }

    #[test]
    fn bunches_with_pauses_between_are_a_fault() {
        let chunks: Vec<_> = (1..5).map(|n| (n * 2000, events(n * 10..n * 10 + 10))).collect();
        assert_eq!(codes(&chunks, End::Stopped), ["bunched"]);
    }

    #[test]
    fn all_at_the_end_is_a_fault() {
        assert_eq!(codes(&[(3000, events(0..10))], End::Eof), ["held-back"]);
    }

    #[test]
    fn half_an_event_and_a_pause_are_a_fault() {
        let chunks = [(0, "data: a\n\ndata: b".to_owned()), (1500, "cd\n\ndata: e\n\n".to_owned())];
        assert_eq!(codes(&chunks, End::Stopped), ["held-back"]);
    }

    #[test]
    fn a_long_silence_and_haste_are_advice() {
        assert_eq!(
            codes(&[(0, events(0..1)), (30_000, events(1..2))], End::Stopped),
            ["arrival", "keep-alive"]
        );
        let chunks: Vec<_> = (0..9).map(|n| (n * 100, ":\n\n".to_owned())).collect();
        let findings = check(&observation(&chunks, End::Stopped));
        assert!(findings.iter().any(|finding| finding.message.contains("too often")), "{findings:?}");
    }
}
