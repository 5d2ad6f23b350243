//! Rules about the fields of a stream (9.2.6): reports lines that clients silently ignore.

use proto::field::{self, Field};

use super::body::{Block, Ending, Line, quote};
use super::finding::Finding;

const FIELDS: &str = "WHATWG HTML 9.2.6";
/// How many characters of the stream are quoted.
const QUOTED: usize = 60;
/// How many places are named for one kind of fault.
const PLACES: usize = 3;
/// A shorter reconnection time than this, in milliseconds, was probably meant as seconds.
const HASTY: u64 = 100;
/// A longer reconnection time than this, in milliseconds, exceeds people's patience.
const SLOW: u64 = 3_600_000;

/// All findings about the fields of `blocks`.
pub(super) fn check(blocks: &[Block<'_>]) -> Vec<Finding> {
    let mut findings = names(blocks);
    for rule in [json_lines, retries, nothing_to_dispatch, encoded_twice, comments_inside] {
        findings.extend(rule(blocks));
    }
    findings
}

/// Reports field names other than those of 9.2.6: names are compared literally, so a blank or
/// another case makes them unknown.
fn names(blocks: &[Block<'_>]) -> Vec<Finding> {
    let fix = "the names are data, event, id and retry: lower case, then a colon, no blanks before the name or the colon";
    let mut misspelled =
        Finding::fault("field-name", "a field is misspelled, so clients ignore its line").by(FIELDS).fix(fix);
    let mut text =
        Finding::fault("field-name", "a line is text where a field should be, so clients ignore it")
            .by(FIELDS)
            .fix("write `data: ` before each line of the data; an error inside a stream is an event as well");
    let mut blank = Finding::fault(
        "no-blank-line",
        "a line of blanks stands where a blank line should be, and ends no event",
    )
    .by("WHATWG HTML 9.2.5")
    .fix("end every event with a blank line, which has no blanks: \\n\\n");
    let mut unknown = Finding::advice("unknown-field", "a field is unknown, so clients ignore its line")
        .by(FIELDS)
        .fix("the names are data, event, id and retry; put anything else into the data");
    for line in blocks.iter().flat_map(|block| &block.lines) {
        let Field::Unknown { name, .. } = Field::parse(line.text) else { continue };
        if line.ending == Ending::Missing || looks_like_json(line.text) || name.starts_with(b"\xef\xbb\xbf") {
            continue;
        }
        let finding = if line.text.trim_ascii().is_empty() {
            &mut blank
        } else if is_almost_a_field(name) {
            &mut misspelled
        } else if name.len() == line.text.len() || !name.iter().all(is_of_a_name) {
            &mut text
        } else {
            &mut unknown
        };
        if finding.evidence.len() < PLACES {
            finding.evidence.push(at(line));
        }
    }
    [blank, misspelled, text, unknown].into_iter().filter(|finding| !finding.evidence.is_empty()).collect()
}

/// Whether this byte may occur in the name of a custom field.
fn is_of_a_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(byte)
}

fn is_almost_a_field(name: &[u8]) -> bool {
    let text = String::from_utf8_lossy(name);
    let folded = text.trim().to_ascii_lowercase();
    // A name that another character than the colon ends: `data=x`, `data x`.
    let word = folded
        .split(|char: char| !char.is_ascii_alphanumeric() && !"-_.".contains(char))
        .next()
        .unwrap_or_default();
    let aliases =
        ["datas", "dat", "events", "eventid", "event-id", "lasteventid", "type", "event_type", "ids"];
    ["data", "event", "id", "retry"].iter().any(|field| {
        let near = usize::from(field.len() > 3);
        word == *field
            || (folded.len() <= 8 && distance(&folded, field) <= near)
            || aliases.contains(&&*folded)
    })
}

/// The number of insertions, deletions, replacements and swaps of neighbouring letters between two
/// short words.
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
    let bare = lines.filter(|line| line.ending != Ending::Missing && looks_like_json(line.text));
    let evidence: Vec<String> = bare.take(PLACES).map(at).collect();
    if evidence.is_empty() {
        return Vec::new();
    }
    let mut finding =
        Finding::fault("field-json", "a line is JSON where a field should be, so clients ignore it")
            .by(FIELDS)
            .fix("write `data: ` before each line of the JSON; an error inside a stream is an event as well");
    finding.evidence = evidence;
    vec![finding]
}

/// Whether a line is JSON, or one line of JSON that was written over several lines.
fn looks_like_json(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    match line {
        [b'{' | b'[' | b'}' | b']'] | [b'}' | b']', b','] => true,
        [b'{', b'"' | b' ', ..] => true,
        [b'{' | b'[', ..] => serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok(),
        [b'"', ..] => line.windows(2).any(|pair| pair == b"\":"),
        _ => false,
    }
}

/// Reports reconnection times that clients ignore, or that were probably not meant in milliseconds.
fn retries(blocks: &[Block<'_>]) -> Vec<Finding> {
    let wrong = |field: Field<'_>| matches!(field, Field::Retry(value) if field::retry(value).is_none());
    let odd = |field: Field<'_>| match field {
        Field::Retry(value) => field::retry(value).is_some_and(|time| !(HASTY..=SLOW).contains(&time)),
        _ => false,
    };
    let mut findings = Vec::new();
    if let Some(line) = one_place(blocks, wrong) {
        findings.push(
            Finding::fault("retry", "the field `retry` is not a number, so clients ignore it")
                .seen(at(&line))
                .by(FIELDS)
                .fix("write milliseconds in ASCII digits alone: `retry: 3000`"),
        );
    }
    if let Some(line) = one_place(blocks, odd) {
        findings.push(
            Finding::advice(
                "retry",
                "the reconnection time is below 100 ms or above an hour: `retry` is in milliseconds",
            )
            .seen(at(&line))
            .by(FIELDS)
            .fix("write some seconds, in milliseconds: `retry: 3000`"),
        );
    }
    findings
}

/// Reports blocks with an event type or ID but without data, which are never dispatched.
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

/// Reports data that is itself an encoded event: the framework adds `data: ` a second time.
fn encoded_twice(blocks: &[Block<'_>]) -> Vec<Finding> {
    let framed = |field: Field<'_>| match field {
        Field::Data(value) => {
            ["data:", "event:", "id:", "retry:"].iter().any(|name| value.starts_with(name.as_bytes()))
        }
        _ => false,
    };
    let events: Vec<_> = blocks.iter().filter(|block| block.is_event()).collect();
    match events.first() {
        Some(first) if events.iter().all(|block| block.fields().any(framed)) => vec![
            Finding::advice(
                "encoded-twice",
                "the data of every event begins like a field: it was probably framed twice",
            )
            .seen(block_at(first))
            .by(FIELDS)
            .fix("give the framework the data alone: it writes `data: ` and the blank line itself"),
        ],
        _ => Vec::new(),
    }
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
                "a comment is inside an event: legal, but a keep-alive should not interrupt an event",
            )
            .seen(block_at(block))
            .by("WHATWG HTML 9.2.7")
            .fix("write keep-alive comments between events"),
        ]
    })
}

/// The first complete line whose field satisfies `wrong`.
pub(super) fn one_place<'a>(blocks: &[Block<'a>], wrong: impl Fn(Field<'_>) -> bool) -> Option<Line<'a>> {
    let lines = blocks.iter().flat_map(|block| &block.lines);
    lines.filter(|line| line.ending != Ending::Missing).find(|line| wrong(Field::parse(line.text))).copied()
}

/// Formats a line as evidence.
pub(super) fn at(line: &Line<'_>) -> String {
    format!("byte {}: {}", line.start, quote(line.text, QUOTED))
}

/// Formats a block as evidence.
pub(super) fn block_at(block: &Block<'_>) -> String {
    format!("byte {}: {}", block.range.start, block.excerpt(QUOTED))
}
