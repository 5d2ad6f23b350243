//! Rules about the format of a stream (9.2.5): its encoding, its lines, its blank lines.

use std::time::Duration;

use proto::field::Field;

use super::body::{Block, Body, Ending, Tail};
use super::fields::{self, at, block_at};
use super::finding::Finding;

const FORMAT: &str = "WHATWG HTML 9.2.5";
/// If the lines of an event arrive further apart than this, the event was not written at once.
const APART: Duration = Duration::from_millis(300);

/// How many bytes of an event have to arrive without its end for it to count as endless.
const LONG: usize = 8 << 20;

/// All findings about the format of `body`.
pub(super) fn check(body: &Body, tail: Tail) -> Vec<Finding> {
    if let Some(finding) = no_text(body) {
        return vec![finding];
    }
    let blocks = body.blocks();
    let mut findings = Vec::new();
    byte_order_mark(body, &mut findings);
    line_endings(body, &mut findings);
    encoding(body, &mut findings);
    findings.extend(fields::check(&blocks));
    if !findings.iter().any(|finding| finding.code == "no-blank-line") {
        findings.extend(blank_lines(body, &blocks, tail));
    }
    if findings.is_empty() && !blocks.is_empty() {
        let message = format!("the format is right (blocks checked: {})", blocks.len());
        findings.push(Finding::pass("format", message).by(FORMAT));
    }
    findings
}

/// Reports a body that is compressed or otherwise not text, in which nothing else can be checked.
fn no_text(body: &Body) -> Option<Finding> {
    let bytes = &body.bytes[..];
    let begun = format!("the first bytes are {}", hex(bytes));
    if bytes.starts_with(b"\x1f\x8b") {
        return Some(
            Finding::fault(
                "content-coding",
                "the body is compressed by gzip, without a header for it: clients read no events",
            )
            .seen(begun)
            .by("RFC 9110 8.4")
            .fix("leave event streams out of compression"),
        );
    }
    let begin = &bytes[..bytes.len().min(64)];
    let nul = begin.iter().filter(|byte| **byte == 0).count();
    let wide = bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || (nul > 3 && nul * 3 >= begin.len());
    wide.then(|| {
        Finding::fault(
            "utf-8",
            "the stream is UTF-16, not UTF-8: NUL stands between its characters, and clients read no events",
        )
        .seen(begun)
        .by(FORMAT)
        .fix("encode events as UTF-8")
    })
}

fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().take(4).map(|byte| format!("{byte:02X}")).collect();
    bytes.join(" ")
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
        return; // cut inside a character, at the end of the body
    }
    let offset = error.valid_up_to();
    findings.push(
        Finding::fault("utf-8", "the stream is not valid UTF-8, so clients show U+FFFD, stop or stall")
            .seen(format!("byte {offset}: {}", hex(&body.bytes[offset..])))
            .by(FORMAT)
            .fix("encode events as UTF-8, whatever the charset of the source"),
    );
}

/// Reports events that never end, because their blank line is missing.
fn blank_lines(body: &Body, blocks: &[Block<'_>], tail: Tail) -> Option<Finding> {
    let last = blocks.last()?;
    // Data lines that came one by one, so each was meant to be an event.
    let spread = |block: &&Block<'_>| {
        let data = block.lines.iter().filter(|line| matches!(Field::parse(line.text), Field::Data(_)));
        let times: Vec<Duration> = data.map(|line| body.time_of(line.start)).collect();
        times.windows(2).any(|pair| pair[1].saturating_sub(pair[0]) >= APART)
    };
    let glued = |block: &&Block<'_>| {
        let events = block.fields().filter(|field| matches!(field, Field::Event(_))).count();
        let ids = block.fields().filter(|field| matches!(field, Field::Id(_))).count();
        events > 1 || ids > 1
    };
    let fault = |code, message: &str, block| Finding::fault(code, message).seen(block_at(block)).by(FORMAT);
    let end = "end every event with a blank line: \\n\\n";
    if let Some(block) = blocks
        .iter()
        .find(|block| block.fields().any(|field| matches!(field, Field::Data(value) if is_escaped(value))))
    {
        let message = "events are not separated by a blank line: `\\n` is written as two characters in place of a line end";
        return Some(
            fault("no-blank-line", message, block)
                .fix("write the byte 0A; many languages need double quotes for it"),
        );
    }
    if let Some(block) = blocks.iter().find(|block| spread(block) || glued(block)) {
        let message =
            "events are not separated by a blank line, so clients join them into one or wait for ever";
        return Some(fault("no-blank-line", message, block).fix(end));
    }
    if last.complete {
        return None;
    }
    let whole = last.lines.iter().all(|line| line.ending != Ending::Missing);
    let first = blocks.iter().all(|block| !block.complete || block.is_comment());
    match tail {
        Tail::Overlong if last.range.len() > LONG => Some(
            fault(
                "unterminated",
                "the end of an event did not come within 8 MiB: clients stop, or run out of memory",
                last,
            )
            .fix("send large data in several events, each with its blank line"),
        ),
        _ if last.is_comment() => None,
        Tail::Ended => Some(
            fault(
                "unterminated",
                "the stream ended in the middle of an event: unterminated, so clients discard it",
                last,
            )
            .fix("end every event with a blank line before the response ends"),
        ),
        // If a line was cut after whole events, the rest is held back, which `arrival` reports.
        Tail::Silence(_) if whole || first => Some(
            fault("no-blank-line", "an event has no blank line after it, so clients wait for ever", last)
                .fix(end),
        ),
        Tail::Cut if whole && first && last.fields().any(|field| matches!(field, Field::Data(_))) => Some(
            fault("no-blank-line", "an event has no blank line after it, so clients wait for ever", last)
                .fix(end),
        ),
        _ => None,
    }
}

/// Whether the data contains line ends written as two characters each, such as `\n`. Inside JSON
/// that is right.
fn is_escaped(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value);
    !text.contains('"') && (text.ends_with("\\n\\n") || text.contains("\\n\\ndata:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(body: &[u8], tail: Tail) -> Vec<&'static str> {
        let mut stream = Body::default();
        stream.push(Duration::ZERO, body);
        check(&stream, tail).iter().map(|finding| finding.code).collect()
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
            (b"data=x\n\n", "field-name"),
            (b"data x\n\n", "field-name"),
            (b"Internal Server Error\n\n", "field-name"),
            (b"<html></html>\n\n", "field-name"),
            (b"[1, 2]\n\n", "field-json"),
            (b"data: {\n  \"a\": 1\n}\n\n", "field-json"),
            (b"data: a\n \ndata: b\n\n", "no-blank-line"),
            (b"data: a\\n\\ndata: b\\n\\n\n\n", "no-blank-line"),
            (b"\x1f\x8b\x08\x00", "content-coding"),
            (b"\xff\xfed\0a\0t\0a\0", "utf-8"),
            (b"d\0a\0t\0a\0:\0 \0a\0\n\0\n\0", "utf-8"),
            (b"data: data: x\n\n", "encoded-twice"),
            (b"retry: 5\n\n", "retry"),
            (b"retry: 99999999999999999999\n\n", "retry"),
            (b"retry: soon\n\ndata: x\n\n", "retry"),
            (b"retry: 5.5\n\n", "retry"),
            (b"event: ping\n\n", "empty-data"),
            (b"data:\n\n", "empty-data"),
            (b"data: x\n\ndata: cut", "unterminated"),
            (b"data: x\n\ndata: cut\n", "unterminated"),
            (b"id: 1\ndata: x\nid: 2\ndata: y\n\n", "no-blank-line"),
        ];
        for (body, code) in cases {
            assert_eq!(codes(body, Tail::Ended), [*code], "{}", body.escape_ascii());
        }
    }

    #[test]
    fn legal_streams_have_no_fault() {
        let cases: &[&[u8]] = &[
            b"data: x\n\n",
            b"data: x\r\n\r\ndata: y\r\n\r\n",
            b": hi\n\n:\n\ndata: x\n\nid: 5\n\nretry: 3000\n\n",
            b"id: prime\nretry: 100\ndata:\n\n",
            b"event: ping\ndata:\n\n",
            b"data: {\"a\": 1}\ndata: {\"b\": 2}\n\n",
            "data: \u{feff}é\n\n".as_bytes(),
            b"id\ndata: x\n\n",
        ];
        for body in cases {
            assert_eq!(codes(body, Tail::Ended), ["format"], "{}", body.escape_ascii());
        }
    }

    #[test]
    fn an_end_made_by_the_check_is_not_a_fault() {
        assert_eq!(codes(b"data: x\n\ndata: cu", Tail::Cut), ["format"]);
        assert_eq!(codes(b"data: x\n\ndata: \xe6\xbc", Tail::Cut), ["format"]);
    }

    #[test]
    fn an_event_that_is_not_completed_has_no_blank_line_or_is_overlong() {
        let silence = Tail::Silence(Duration::from_secs(2));
        assert_eq!(codes(b"data: x", silence), ["no-blank-line"]);
        assert_eq!(codes(b"data: x\n\ndata: y\n", silence), ["no-blank-line"]);
        assert_eq!(codes(b"data: x\n\ndata: cu", silence), ["format"], "arrival names it");
        assert_eq!(codes(b": comment", silence), ["format"]);
        assert_eq!(codes(&[b'x'; LONG + 1], Tail::Overlong), ["unterminated"]);
        assert_eq!(codes(b"data: x\n\ndata: cu", Tail::Overlong), ["format"]);
    }

    #[test]
    fn data_lines_that_come_one_by_one_lack_their_blank_lines() {
        let mut body = Body::default();
        for n in 0..3 {
            body.push(Duration::from_secs(n), format!("data: {n}\n").as_bytes());
        }
        assert_eq!(check(&body, Tail::Cut)[0].code, "no-blank-line");
    }
}
