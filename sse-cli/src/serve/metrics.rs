//! Metrics of `sse serve` in the text format of Prometheus, version 0.0.4.
//!
//! The number of series is bounded: every label has few values, and only the largest topics have
//! rows of their own.

use http::{Method, Response};
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};
use sse_hub::{Health, Hub, Latency};

use super::log::{Logged, Reason};
use super::refusal;

/// How many topics have rows of their own: those with the most subscribers.
const TOPICS: usize = 20;

/// What the server counts besides the hub; cheap to clone.
#[derive(Clone)]
pub(super) struct Counters {
    registry: Registry,
    refusals: IntCounterVec,
    publishes: IntCounterVec,
    ended: IntCounterVec,
    open: IntGaugeVec,
    accepted: IntCounterVec,
}

/// The counts of the connections of one kind of listener.
#[derive(Clone)]
pub(super) struct Connections {
    accepted: IntCounter,
    open: IntGauge,
}

/// An open connection, until it is dropped.
pub(super) struct Open(IntGauge);

impl Counters {
    pub(super) fn new() -> Self {
        let valid = "the names are valid and each is registered once";
        let registry = Registry::new();
        let counter = |name: &str, help: &str, label: &str| {
            let counter = IntCounterVec::new(Opts::new(name, help), &[label]).expect(valid);
            registry.register(Box::new(counter.clone())).expect(valid);
            counter
        };
        let refusals = counter("sse_refusals_total", "Requests that were refused, by reason.", "reason");
        let publishes =
            counter("sse_publishes_total", "Requests to publish, by the status of the response.", "status");
        let ended = counter("sse_streams_ended_total", "Streams that ended, by reason.", "reason");
        let accepted =
            counter("sse_connections_total", "Connections accepted, by kind of listener.", "listener");
        let open = Opts::new("sse_connections_open", "Connections that are open, by kind of listener.");
        let open = IntGaugeVec::new(open, &["listener"]).expect(valid);
        registry.register(Box::new(open.clone())).expect(valid);
        // A series that begins with its first count loses it in `rate()`.
        publishes.with_label_values(&["200"]);
        Self { registry, refusals, publishes, ended, open, accepted }
    }

    /// The counts for listeners of a kind: `tcp`, `tls` or `unix`.
    pub(super) fn listener(&self, kind: &str) -> Connections {
        Connections {
            accepted: self.accepted.with_label_values(&[kind]),
            open: self.open.with_label_values(&[kind]),
        }
    }

    /// Counts a response, once its head is known.
    pub(super) fn answered<B>(&self, request: &Logged, response: &Response<B>) {
        let status = response.status();
        let reason = response.extensions().get::<Reason>().map(|reason| reason.label);
        if reason.is_some() || status.is_client_error() || status.is_server_error() {
            let label = reason.unwrap_or_else(|| refusal::label(status));
            self.refusals.with_label_values(&[label]).inc();
        }
        if request.method() == Method::POST && request.names_topic() {
            self.publishes.with_label_values(&[status.as_str()]).inc();
        }
    }

    /// Counts a stream that ended, by the reason in its log line.
    pub(super) fn ended(&self, end: &str) {
        self.ended.with_label_values(&[end.replace(' ', "_")]).inc();
    }

    /// All metrics, in the text format; only with `named` those that name topics.
    pub(super) fn render(&self, hub: &Hub, named: bool) -> String {
        let mut families = self.registry.gather();
        families.extend(of_hub(hub));
        families.extend(named.then(|| largest(hub)).flatten());
        families.sort_by(|a, b| a.name().cmp(b.name()));
        let mut text = String::new();
        TextEncoder::new().encode_utf8(&families, &mut text).expect("every family has a name and a metric");
        text
    }
}

impl Connections {
    /// Counts a connection that was accepted.
    pub(super) fn accept(&self) -> Open {
        self.accepted.inc();
        self.open.inc();
        Open(self.open.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn of_hub(hub: &Hub) -> Vec<MetricFamily> {
    let metrics = hub.metrics();
    let ready = u64::from(matches!(hub.health(), Health::Ready | Health::AtRisk(_)));
    vec![
        gauge("sse_topics", "Topics that are loaded.", [(vec![], metrics.topics as u64)]),
        gauge("sse_subscribers", "Subscribers connected.", [(vec![], metrics.subscribers as u64)]),
        gauge("sse_lag_events", "Events by which the slowest subscriber is behind.", [(vec![], metrics.lag)]),
        gauge("sse_ready", "Whether the event log works.", [(vec![], ready)]),
        gauge("sse_build_info", "The version of the server.", [(version(), 1)]),
        counter("sse_published_events_total", "Events published.", metrics.published),
        counter("sse_sent_bytes_total", "Bytes of events handed to connections.", metrics.sent_bytes),
        counter("sse_gaps_total", "Gaps that subscribers met.", metrics.gaps),
        counter("sse_dropped_events_total", "Events missed in gaps, as far as known.", metrics.dropped),
        latency(&metrics.latency),
    ]
}

/// The subscribers of the largest topics; a family without a metric is not one.
fn largest(hub: &Hub) -> Option<MetricFamily> {
    let largest = hub.largest_topics(TOPICS);
    let help = format!("Subscribers of the {TOPICS} topics that have most of them.");
    let rows = largest.into_iter().map(|topic| (vec![label("topic", topic.name)], topic.subscribers as u64));
    Some(gauge("sse_topic_subscribers", &help, rows)).filter(|family| !family.get_metric().is_empty())
}

fn version() -> Vec<LabelPair> {
    vec![label("version", env!("CARGO_PKG_VERSION").to_owned())]
}

fn label(name: &str, value: String) -> LabelPair {
    let mut label = LabelPair::default();
    label.set_name(name.to_owned());
    label.set_value(value);
    label
}

fn family(name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn gauge(name: &str, help: &str, rows: impl IntoIterator<Item = (Vec<LabelPair>, u64)>) -> MetricFamily {
    let metric = |(labels, value): (Vec<LabelPair>, u64)| {
        let mut gauge = Gauge::default();
        gauge.set_value(value as f64);
        let mut metric = Metric::from_gauge(gauge);
        metric.set_label(labels);
        metric
    };
    family(name, help, MetricType::GAUGE, rows.into_iter().map(metric).collect())
}

fn counter(name: &str, help: &str, value: u64) -> MetricFamily {
    let mut counter = Counter::default();
    counter.set_value(value as f64);
    let mut metric = Metric::default();
    metric.set_counter(counter);
    family(name, help, MetricType::COUNTER, vec![metric])
}

fn latency(latency: &Latency) -> MetricFamily {
    let mut count = 0;
    let mut cumulative = Vec::new();
    for (bound, observations) in Latency::BOUNDS.iter().zip(latency.buckets) {
        count += observations;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(bound.as_secs_f64());
        bucket.set_cumulative_count(count);
        cumulative.push(bucket);
    }
    let mut histogram = Histogram::default();
    histogram.set_bucket(cumulative);
    histogram.set_sample_count(latency.buckets.iter().sum());
    histogram.set_sample_sum(latency.sum.as_secs_f64());
    let mut metric = Metric::default();
    metric.set_histogram(histogram);
    let help = "Seconds from the publication of an event to the connections of subscribers that were up to date; a sample where a \
                topic has more than 128 subscribers.";
    family("sse_delivery_seconds", help, MetricType::HISTOGRAM, vec![metric])
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
        let text = Counters::new().render(&hub, true);
        assert!(text.contains("sse_topic_subscribers{topic=\"a\\\"b\\\\7\"} 2\n"), "{text}");
        assert_eq!(text.matches("sse_topic_subscribers{").count(), TOPICS);
        assert!(text.contains("sse_ready 1\n"));
    }

    #[test]
    fn buckets_add_up_and_the_last_one_is_the_count() {
        let mut observed = Latency::default();
        observed.buckets[0] = 2;
        observed.buckets[Latency::BOUNDS.len()] = 1;
        let text = TextEncoder::new().encode_to_string(&[latency(&observed)]).unwrap();
        for row in ["{le=\"0.0001\"} 2\n", "{le=\"10\"} 2\n", "{le=\"+Inf\"} 3\n"] {
            assert!(text.contains(&format!("sse_delivery_seconds_bucket{row}")), "{text}");
        }
    }

    #[test]
    fn a_connection_is_open_until_it_is_dropped() {
        let counters = Counters::new();
        let unix = counters.listener("unix");
        let (first, _second) = (unix.accept(), unix.accept());
        drop(first);
        assert_eq!((unix.accepted.get(), unix.open.get()), (2, 1));
        assert_eq!(counters.listener("tcp").open.get(), 0);
    }
}
