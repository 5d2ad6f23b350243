//! The hub's metrics for Prometheus.

use std::fmt::Write as _;

use sse_hub::{Health, Hub};

/// How many topics have rows of their own, those with the most subscribers: labels cost the one who stores them.
const TOPICS: usize = 20;

/// The text exposition format, version 0.0.4.
pub(super) fn render(hub: &Hub) -> String {
    let metrics = hub.metrics();
    let ready = u64::from(hub.health() == Health::Ready);
    let rows = [
        ("sse_topics", "gauge", "Topics that are loaded.", metrics.topics as u64),
        ("sse_subscribers", "gauge", "Subscribers connected.", metrics.subscribers as u64),
        ("sse_lag_events", "gauge", "Events by which the slowest subscriber is behind.", metrics.lag),
        ("sse_published_events_total", "counter", "Events published.", metrics.published),
        ("sse_sent_bytes_total", "counter", "Bytes of events handed to connections.", metrics.sent_bytes),
        ("sse_gaps_total", "counter", "Gaps that subscribers met.", metrics.gaps),
        ("sse_dropped_events_total", "counter", "Events missed in gaps, as far as known.", metrics.dropped),
        ("sse_ready", "gauge", "Whether the event log works.", ready),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in rows {
        // A string takes everything.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    }
    let name = "sse_topic_subscribers";
    let _ = write!(
        text,
        "# HELP {name} Subscribers of the {TOPICS} topics that have most of them.\n# TYPE {name} gauge\n"
    );
    for topic in hub.largest_topics(TOPICS) {
        let _ = writeln!(text, "{name}{{topic=\"{}\"}} {}", escape(&topic.name), topic.subscribers);
    }
    text
}

/// A label's value: names of topics have no control characters, but quotes and backslashes.
fn escape(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use sse_hub::HubConfig;

    use super::*;

    #[tokio::test]
    async fn few_topics_have_rows_of_their_own() {
        let hub = Hub::new(HubConfig::default());
        let mut held = vec![];
        for number in 0..2 * TOPICS {
            let topic = hub.topic(&format!("a\"b\\{number}")).unwrap();
            if number == 7 {
                held.push(topic.subscribe(sse_hub::From::Now).await.unwrap());
            }
            held.push(topic.subscribe(sse_hub::From::Now).await.unwrap());
        }
        let text = render(&hub);
        assert!(text.contains("sse_topic_subscribers{topic=\"a\\\"b\\\\7\"} 2\n"), "{text}");
        assert_eq!(text.matches("sse_topic_subscribers{").count(), TOPICS);
        assert!(text.contains("sse_ready 1\n"));
    }
}
