//! Parse cases as scenarios: sent whole, byte by byte, and cut at random.

use serde::Deserialize;

use super::scenario::{Event, Reply, Scenario, Text, Then};

/// A parse case of the project's own tests.
#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    source: String,
    chunks: Vec<Text>,
    expect: Vec<Event>,
    initial_last_event_id: Option<String>,
}

/// Every case that a server alone can present to a client, in three cuts each.
pub(super) fn all() -> Vec<Scenario> {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../../data/parse.json"))
        .expect("the cases are valid: a test reads them all");
    let servable = cases.into_iter().filter(|case| case.initial_last_event_id.is_none());
    servable.flat_map(variants).collect()
}

fn variants(case: Case) -> [Scenario; 3] {
    let bytes: Vec<u8> = case.chunks.iter().flat_map(Text::bytes).collect();
    let scenario = |cut: &str, sizes: &dyn Fn(usize) -> usize| {
        let mut body = Vec::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(sizes(body.len()).clamp(1, rest.len()));
            body.push(text(chunk));
            rest = tail;
        }
        Scenario {
            name: format!("{} ({cut})", case.name),
            section: section(&case.source).to_owned(),
            rule: format!("parse case of {}", case.source),
            replies: vec![Reply { body, ..Reply::default() }],
            requests: vec![None],
            events: Some(case.expect.clone()),
            then: Then::Any,
        }
    };
    // Sizes of an irregular cut, equal in every run.
    let irregular = |n: usize| [3, 1, 7, 2, 16, 5, 1, 40][n % 8];
    [scenario("whole", &|_| usize::MAX), scenario("byte by byte", &|_| 1), scenario("cut", &irregular)]
}

fn text(bytes: &[u8]) -> Text {
    use base64::Engine as _;
    match std::str::from_utf8(bytes) {
        Ok(text) => Text::Plain(text.to_owned()),
        Err(_) => Text::Encoded { b64: base64::engine::general_purpose::STANDARD.encode(bytes) },
    }
}

/// The section of the specification that the case's source names; otherwise 9.2.6, which interprets
/// streams.
fn section(source: &str) -> &str {
    source.strip_prefix("whatwg:").unwrap_or("9.2.6")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_has_the_same_bytes() {
        let all = all();
        assert!(all.len() > 300, "{}", all.len());
        let bytes = |scenario: &Scenario| -> Vec<u8> {
            scenario.replies[0].body.iter().flat_map(Text::bytes).collect()
        };
        for cuts in all.chunks(3) {
            assert!(cuts.iter().all(|cut| bytes(cut) == bytes(&cuts[0])), "{}", cuts[0].name);
        }
    }
}
