//! The hub's metrics for Prometheus.

use sse_hub::Metrics;

/// The text exposition format, version 0.0.4.
pub(super) fn render(metrics: &Metrics) -> String {
    let rows = [
        ("sse_topics", "gauge", "Topics that exist.", metrics.topics as u64),
        ("sse_subscribers", "gauge", "Subscribers connected.", metrics.subscribers as u64),
        ("sse_lag_events", "gauge", "Events by which the slowest subscriber is behind.", metrics.lag),
        ("sse_published_events_total", "counter", "Events published.", metrics.published),
        ("sse_sent_bytes_total", "counter", "Bytes of events handed to connections.", metrics.sent_bytes),
        ("sse_gaps_total", "counter", "Gaps that subscribers met.", metrics.gaps),
        ("sse_dropped_events_total", "counter", "Events missed in gaps, as far as known.", metrics.dropped),
    ];
    let row =
        |(name, kind, help, value)| format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    rows.map(row).concat()
}
