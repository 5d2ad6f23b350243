//! `/metrics`, read by a strict parser of Prometheus' text format 0.0.4.

use std::collections::{BTreeMap, BTreeSet};

use super::server::Server;

/// Samples by name and labels as they are written, such as `a_total{b="c"}`.
struct Metrics {
    samples: BTreeMap<String, f64>,
    kinds: BTreeMap<String, String>,
}

impl Metrics {
    /// Panics at whatever the format does not allow.
    fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line has its end");
        let mut metrics = Self { samples: BTreeMap::new(), kinds: BTreeMap::new() };
        let (mut helped, mut family) = (BTreeSet::new(), String::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a name and a text");
                assert!(helped.insert(name.to_owned()) && !help.is_empty(), "{line}: one HELP for each name");
                family = name.to_owned();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a name and a type");
                assert_eq!(name, family, "TYPE follows HELP");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}: counters are totals");
                assert!(metrics.kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}: twice");
            } else {
                metrics.sample(line, &family);
            }
        }
        for (name, _) in metrics.kinds.iter().filter(|(_, kind)| *kind == "histogram") {
            metrics.check_histogram(name);
        }
        metrics
    }

    fn sample(&mut self, line: &str, family: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a series and a value");
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}: not a number"));
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("a closing brace")),
            None => (series, ""),
        };
        check_name(name);
        check_labels(labels);
        let base = match self.kinds.get(family).map(String::as_str) {
            Some("histogram") => ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)),
            Some(_) => Some(name),
            None => None,
        };
        assert_eq!(base, Some(family), "{line}: samples follow the TYPE of their family");
        assert!(value >= 0.0, "{line}: counts and sizes");
        assert!(self.samples.insert(series.to_owned(), value).is_none(), "{line}: twice");
    }

    fn check_histogram(&self, name: &str) {
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for (series, count) in &self.samples {
            if let Some(bound) = series.strip_prefix(&format!("{name}_bucket{{le=\"")) {
                let bound = bound.strip_suffix("\"}").expect("no other label");
                buckets.push((bound.replace("+Inf", "inf").parse().expect("a bound"), *count));
            }
        }
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        assert!(buckets.is_sorted_by_key(|(_, count)| *count), "counts of buckets add up: {buckets:?}");
        assert_eq!(buckets.last(), Some(&(f64::INFINITY, self.get(&format!("{name}_count")))));
        assert!(self.samples.contains_key(&format!("{name}_sum")));
    }

    fn get(&self, series: &str) -> f64 {
        *self.samples.get(series).unwrap_or_else(|| panic!("no {series} in {:?}", self.samples))
    }
}

fn check_name(name: &str) {
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    assert!(
        name.chars().all(valid) && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty(),
        "{name}"
    );
}

/// `a="b",c="d"`, in which a backslash escapes itself, a quote, and the n of a line break.
fn check_labels(labels: &str) {
    let mut rest = labels;
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").expect("a name and a quote");
        check_name(name);
        let mut escaped = false;
        let end = value.char_indices().find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            assert!(!escaped || ['\\', '"', 'n'].contains(c), "{labels}: an escape");
            escaped = *c == '\\' && !escaped;
            ends
        });
        rest = &value[end.expect("a closing quote").0 + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn metrics(server: &Server) -> Metrics {
    let response = server.get("/metrics", &[]);
    assert!(response.head.contains("content-type: text/plain; version=0.0.4"), "{}", response.head);
    Metrics::parse(&response.text())
}

#[test]
fn every_request_is_counted_by_its_outcome() {
    let server = Server::start(&["--max-body", "10"]);
    let mut live = server.get("/events/a%22%5Cb", &[]);
    live.block();
    server.publish("/events/a%22%5Cb", "x");
    live.block();
    for (headers, body, status) in [
        (&["Origin: https://evil.example"][..], "x", 403),
        (&["Host: evil.example"], "x", 403),
        (&["Content-Type: application/vnd.sse+json"], "{", 400),
        (&[], "more than ten", 413),
    ] {
        assert_eq!(server.post("/events/t", headers, body).0, status);
    }
    assert_eq!(server.get("/nothing", &[]).status, 404);
    assert_eq!(server.request("PATCH", "/events/t", &[], "").status, 405);

    let metrics = metrics(&server);
    for (series, value) in [
        ("sse_topics", 1.0),
        ("sse_subscribers", 1.0),
        ("sse_published_events_total", 1.0),
        ("sse_lag_events", 0.0),
        ("sse_ready", 1.0),
        ("sse_topic_subscribers{topic=\"a\\\"\\\\b\"}", 1.0),
        ("sse_publishes_total{status=\"200\"}", 1.0),
        ("sse_publishes_total{status=\"400\"}", 1.0),
        ("sse_publishes_total{status=\"403\"}", 2.0),
        ("sse_publishes_total{status=\"413\"}", 1.0),
        ("sse_refusals_total{reason=\"origin\"}", 1.0),
        ("sse_refusals_total{reason=\"host\"}", 1.0),
        ("sse_refusals_total{reason=\"bad_request\"}", 1.0),
        ("sse_refusals_total{reason=\"too_large\"}", 1.0),
        ("sse_refusals_total{reason=\"not_found\"}", 1.0),
        ("sse_refusals_total{reason=\"method\"}", 1.0),
        ("sse_delivery_seconds_count", 1.0),
    ] {
        assert_eq!(metrics.get(series), value, "{series}");
    }
    let version = concat!("sse_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}");
    assert_eq!(metrics.get(version), 1.0);
    // The one that asks, and the subscriber's.
    assert!(metrics.get("sse_connections_open{listener=\"tcp\"}") >= 2.0);
    assert!(metrics.get("sse_connections_total{listener=\"tcp\"}") >= 9.0);
}

#[test]
fn names_in_a_request_do_not_become_labels() {
    let server = Server::start(&["--max-topics", "100"]);
    let series = || metrics(&server).samples.len();
    server.publish("/events/t0", "x");
    let before = series();
    for n in 0..50 {
        server.publish(&format!("/events/t{n}"), "x");
        server.request("POST", &format!("/made/up/{n}"), &[], "");
        server.request(&format!("MADE{n}"), "/events/t", &[], "");
    }
    // Twenty topics have rows of their own, and two more reasons were met.
    assert!(series() <= before + 21, "{before}, then {}", series());
}
