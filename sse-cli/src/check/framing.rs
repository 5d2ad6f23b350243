//! Faults in the format of a stream (9.2.5, 9.2.6): what parsers ignore without a word, or disagree about.

use std::time::Duration;

use proto::field::{self, Field};

use super::body::{Block, Body, Ending, Line, quote};
use super::finding::Finding;

const FORMAT: &str = "WHATWG HTML 9.2.5";
const FIELDS: &str = "WHATWG HTML 9.2.6";
/// An event whose lines come further apart than this was not written as one.
const APART: Duration = Duration::from_millis(300);
/// How many characters of the stream are quoted.
const QUOTED: usize = 60;
/// How many places of one kind are named.
const PLACES: usize = 3;

/// All findings about the format of `body`; `ended` if the server ended it, and not we.
pub(super) fn check(body: &Body, ended: bool) -> Vec<Finding> {
    let blocks = body.blocks();
    let mut findings = Vec::new();
    byte_order_mark(body, &mut findings);
    line_endings(body, &mut findings);
    encoding(body, &mut findings);
    for rule in [names, json_lines, nul_in_ids, retries, nothing_to_dispatch, comments_inside] {
        findings.extend(rule(&blocks));
    }
    findings.extend(blank_lines(body, &blocks, ended));
    if findings.is_empty() && !blocks.is_empty() {
        let message = format!("the format of {} blocks is right", blocks.len());
        findings.push(Finding::pass("format", message).by(FORMAT));
    }
    findings
}

fn byte_order_mark(body: &Body, findings: &mut Vec<Finding>) {
    if body.has_bom() {
        findings.push(
            Finding::fault(
                "bom",
                "the stream starts with a byte order mark (BOM), which several clients take for text",
            )
            .seen("the first bytes are EF BB BF")
            .by(FORMAT)
            .fix("write UTF-8 without a byte order mark"),
        );
    }
    let inside = body.lines().find(|line| line.text.starts_with(b"\xef\xbb\xbf"));
    if let Some(line) = inside {
        findings.push(
            Finding::fault(
                "bom",
                "a line starts with a byte order mark (BOM), which makes its field an unknown one",
            )
            .seen(at(&line))
            .by(FORMAT)
            .fix("write UTF-8 without byte order marks"),
        );
    }
}

fn line_endings(body: &Body, findings: &mut Vec<Finding>) {
    let mut lone = body.lines().filter(|line| line.ending == Ending::Cr);
    // A body that was cut between CR and LF ends with what looks like a lone CR.
    let first = lone.next().filter(|line| line.start + line.text.len() + 1 < body.bytes.len());
    if let Some(line) = first {
        findings.push(
            Finding::fault(
                "cr",
                "lines end with a lone CR: legal, but several clients wait for an LF or read it as data",
            )
            .seen(at(&line))
            .by(FORMAT)
            .fix("end lines with LF; split data at CR, LF and CRLF into several data lines"),
        );
    }
}

fn encoding(body: &Body, findings: &mut Vec<Finding>) {
    let Err(error) = std::str::from_utf8(&body.bytes) else { return };
    if error.error_len().is_none() {
        return; // cut inside of a character, by whoever ended the body
    }
    let offset = error.valid_up_to();
    let bytes: Vec<String> = body.bytes[offset..].iter().take(4).map(|byte| format!("{byte:02X}")).collect();
    findings.push(
        Finding::fault("utf-8", "the stream is not valid UTF-8, so clients show U+FFFD, stop or stall")
            .seen(format!("byte {offset}: {}", bytes.join(" ")))
            .by(FORMAT)
            .fix("encode events as UTF-8, whatever the charset of the source"),
    );
}

/// Names that are not those of 9.2.6: compared literally, so a blank or another case makes them unknown.
fn names(blocks: &[Block<'_>]) -> Vec<Finding> {
    let mut misspelled = Finding::fault("field-name", "a field is misspelled, so clients ignore its line")
        .by(FIELDS)
        .fix("the names are data, event, id and retry: lower case, no blanks before the name or the colon");
    let mut unknown = Finding::advice("unknown-field", "a field is unknown, so clients ignore its line")
        .by(FIELDS)
        .fix("the names are data, event, id and retry; put anything else into the data");
    for line in blocks.iter().flat_map(|block| &block.lines) {
        let Field::Unknown { name, .. } = Field::parse(line.text) else { continue };
        if line.ending == Ending::Missing || looks_like_json(line.text) || name.starts_with(b"\xef\xbb\xbf") {
            continue;
        }
        let finding = if is_almost_a_field(name) { &mut misspelled } else { &mut unknown };
        if finding.evidence.len() < PLACES {
            finding.evidence.push(at(line));
        }
    }
    [misspelled, unknown].into_iter().filter(|finding| !finding.evidence.is_empty()).collect()
}

fn is_almost_a_field(name: &[u8]) -> bool {
    let text = String::from_utf8_lossy(name);
    let folded = text.trim().to_ascii_lowercase();
    ["data", "event", "id", "retry"].iter().any(|field| {
        let near = if field.len() > 3 { 1 } else { 0 };
        folded == *field
            || (folded.len() <= 8 && distance(&folded, field) <= near)
            || ["datas", "dat", "events", "eventid", "event-id", "lasteventid", "type", "event_type", "ids"]
                .contains(&&*folded)
    })
}

/// The number of insertions, deletions, replacements and swaps of neighbours between two short words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    rows[a.len()][b.len()]
}

fn json_lines(blocks: &[Block<'_>]) -> Vec<Finding> {
    let lines = blocks.iter().flat_map(|block| &block.lines);
    let bare = lines.filter(|line| looks_like_json(line.text));
    let evidence: Vec<String> = bare.take(PLACES).map(at).collect();
    if evidence.is_empty() {
        return Vec::new();
    }
    let mut finding =
        Finding::fault("field-json", "a line is JSON where a field should be, so clients ignore it")
            .by(FIELDS)
            .fix("write `data: ` before the JSON; an error inside a stream is an event as well");
    finding.evidence = evidence;
    vec![finding]
}

fn looks_like_json(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start(), [b'{', b'"' | b'}' | b' ', ..] | [b'[', b'{' | b'"' | b'[', ..])
        || line.trim_ascii() == b"{"
}

fn nul_in_ids(blocks: &[Block<'_>]) -> Vec<Finding> {
    one_place(blocks, |field| matches!(field, Field::Id(value) if value.contains(&0))).map_or_else(
        Vec::new,
        |line| {
            vec![
                Finding::fault(
                    "id-nul",
                    "an ID contains NUL, so clients ignore it and resume from an earlier event",
                )
                .seen(at(&line))
                .by(FIELDS)
                .fix("leave NUL out of IDs"),
            ]
        },
    )
}

fn retries(blocks: &[Block<'_>]) -> Vec<Finding> {
    let wrong = |field: Field<'_>| matches!(field, Field::Retry(value) if field::retry(value).is_none());
    one_place(blocks, wrong).map_or_else(Vec::new, |line| {
        vec![
            Finding::fault("retry", "the field `retry` is not a number, so clients ignore it")
                .seen(at(&line))
                .by(FIELDS)
                .fix("write milliseconds in ASCII digits alone: `retry: 3000`"),
        ]
    })
}

/// Blocks that announce an event and have no data: never dispatched.
fn nothing_to_dispatch(blocks: &[Block<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let complete = || blocks.iter().filter(|block| block.complete);
    let typed = |block: &&Block<'_>| {
        block.fields().any(|field| matches!(field, Field::Event(_))) && !block.is_event()
    };
    if let Some(block) = complete().find(typed) {
        findings.push(
            Finding::fault(
                "empty-data",
                "an event has a type but no `data` field, so clients never dispatch it",
            )
            .seen(block_at(block))
            .by(FIELDS)
            .fix("add a line `data:`, which is enough"),
        );
    }
    let empty = |block: &&Block<'_>| {
        let data_alone = block.fields().all(|field| matches!(field, Field::Data(_) | Field::Comment(_)));
        data_alone && block.is_event() && block.fields().all(|field| !matches!(field, Field::Data([_, ..])))
    };
    if let Some(block) = complete().find(empty) {
        findings.push(
            Finding::fault(
                "empty-data",
                "an event has nothing but empty data, which clients dispatch as an empty message",
            )
            .seen(block_at(block))
            .by(FIELDS)
            .fix("to keep the connection open send a comment, `:`, which no client takes for a message"),
        );
    }
    findings
}

fn comments_inside(blocks: &[Block<'_>]) -> Vec<Finding> {
    let inside = |block: &&Block<'_>| {
        let comment = block.fields().any(|field| matches!(field, Field::Comment(_)));
        comment
            && block.is_event()
            && matches!(block.fields().last(), Some(Field::Comment(_)) | Some(Field::Data(_)))
            && block
                .fields()
                .skip_while(|field| matches!(field, Field::Comment(_)))
                .any(|field| matches!(field, Field::Comment(_)))
    };
    blocks.iter().find(inside).map_or_else(Vec::new, |block| {
        vec![
            Finding::advice(
                "comment-inside",
                "a comment stands inside of an event: legal, but a keep-alive should not cut one",
            )
            .seen(block_at(block))
            .by("WHATWG HTML 9.2.7")
            .fix("write keep-alive comments between events"),
        ]
    })
}

/// Events that never end: their blank line is missing.
fn blank_lines(body: &Body, blocks: &[Block<'_>], ended: bool) -> Vec<Finding> {
    let Some(last) = blocks.last() else { return Vec::new() };
    let mut findings = Vec::new();
    // Data lines that came one by one, so each was meant to be an event.
    let spread = |block: &&Block<'_>| {
        let times: Vec<Duration> = block
            .lines
            .iter()
            .filter(|line| matches!(Field::parse(line.text), Field::Data(_)))
            .map(|line| body.time_of(line.start))
            .collect();
        times.windows(2).any(|pair| pair[1].saturating_sub(pair[0]) >= APART)
    };
    let glued = |block: &&Block<'_>| {
        let events = block.fields().filter(|field| matches!(field, Field::Event(_))).count();
        let ids = block.fields().filter(|field| matches!(field, Field::Id(_))).count();
        events > 1 || ids > 1
    };
    if let Some(block) = blocks.iter().find(|block| spread(block) || glued(block)) {
        findings.push(
            Finding::fault(
                "no-blank-line",
                "events are not separated by a blank line, so clients join them into one or wait for ever",
            )
            .seen(block_at(block))
            .by(FORMAT)
            .fix("end every event with a blank line: \\n\\n"),
        );
    } else if !last.complete && !last.is_comment() && ended {
        findings.push(
            Finding::fault(
                "unterminated",
                "the stream ended in the middle of an event: unterminated, so clients discard it",
            )
            .seen(block_at(last))
            .by(FORMAT)
            .fix("end every event with a blank line before the response ends"),
        );
    } else if !last.complete
        && !last.is_comment()
        && last.lines.iter().all(|line| line.ending != Ending::Missing)
        && blocks.iter().all(|block| !block.complete || block.is_comment())
        && last.fields().any(|field| matches!(field, Field::Data(_)))
    {
        findings.push(
            Finding::fault("no-blank-line", "an event has no blank line after it, so clients wait for ever")
                .seen(block_at(last))
                .by(FORMAT)
                .fix("end every event with a blank line: \\n\\n"),
        );
    }
    findings
}

/// The first line whose field is as `wrong` says.
fn one_place<'a>(blocks: &[Block<'a>], wrong: impl Fn(Field<'_>) -> bool) -> Option<Line<'a>> {
    let lines = blocks.iter().flat_map(|block| &block.lines);
    lines.filter(|line| line.ending != Ending::Missing).find(|line| wrong(Field::parse(line.text))).copied()
}

fn at(line: &Line<'_>) -> String {
    format!("byte {}: {}", line.start, quote(line.text, QUOTED))
}

fn block_at(block: &Block<'_>) -> String {
    format!("byte {}: {}", block.range.start, block.excerpt(QUOTED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(body: &[u8], ended: bool) -> Vec<&'static str> {
        let mut stream = Body::default();
        stream.push(Duration::ZERO, body);
        check(&stream, ended).iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn each_fault_of_the_format_is_named() {
        let cases: &[(&[u8], &str)] = &[
            (b"\xef\xbb\xbfdata: x\n\n", "bom"),
            (b"data: x\n\n\xef\xbb\xbfdata: y\n\n", "bom"),
            (b"data: x\r\rdata: y\r\r", "cr"),
            (b"data: \xff\n\n", "utf-8"),
            (b"Data: x\n\n", "field-name"),
            (b"data : x\n\n", "field-name"),
            (b" data: x\n\n", "field-name"),
            (b"date: x\n\n", "field-name"),
            (b"evnet: x\ndata: y\n\n", "field-name"),
            (b"{\"error\": 1}\n\n", "field-json"),
            (b"id: a\0b\ndata: x\n\n", "id-nul"),
            (b"retry: soon\n\ndata: x\n\n", "retry"),
            (b"retry: 5.5\n\n", "retry"),
            (b"event: ping\n\n", "empty-data"),
            (b"data:\n\n", "empty-data"),
            (b"data: x\n\ndata: cut", "unterminated"),
            (b"data: x\n\ndata: cut\n", "unterminated"),
            (b"id: 1\ndata: x\nid: 2\ndata: y\n\n", "no-blank-line"),
        ];
        for (body, code) in cases {
            assert_eq!(codes(body, true), [*code], "{}", body.escape_ascii());
        }
    }

    #[test]
    fn legal_streams_have_no_fault() {
        let cases: &[&[u8]] = &[
            b"data: x\n\n",
            b"data: x\r\n\r\ndata: y\r\n\r\n",
            b": hi\n\n:\n\ndata: x\n\nid: 5\n\nretry: 10\n\n",
            b"id: prime\nretry: 100\ndata:\n\n",
            b"event: ping\ndata:\n\n",
            b"data: {\"a\": 1}\ndata: {\"b\": 2}\n\n",
            "data: \u{feff}é\n\n".as_bytes(),
            b"id\ndata: x\n\n",
        ];
        for body in cases {
            assert_eq!(codes(body, true), ["format"], "{}", body.escape_ascii());
        }
    }

    #[test]
    fn what_we_cut_is_no_fault_of_the_server() {
        assert_eq!(codes(b"data: x\n\ndata: cu", false), ["format"]);
        assert_eq!(codes(b"data: x\n\ndata: \xe6\xbc", false), ["format"]);
    }

    #[test]
    fn data_lines_that_come_one_by_one_lack_their_blank_lines() {
        let mut body = Body::default();
        for n in 0..3 {
            body.push(Duration::from_secs(n), format!("data: {n}\n").as_bytes());
        }
        assert_eq!(check(&body, false)[0].code, "no-blank-line");
    }
}
