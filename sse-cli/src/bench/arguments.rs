//! Options of `sse bench`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue};
use sse_tokio::reqwest::Url;

use super::load::{HttpPublisher, MARKER_LEN, Pace, Plan, Target, Template};
use super::parse::ParseArguments;
use super::target::{addresses, head, host};
use crate::failure::{Failure, USAGE};
use crate::request::{self, Headers};

const EXAMPLES: &str = "\
Examples:
  sse serve:
    sse bench localhost:8080/events/news --publish localhost:8080/events/news --hub sse \\
      -n 10000 --burst 64 --pid $(pgrep -x sse)
  nchan, one publishing location and one for subscribers:
    sse bench localhost/subscribe --publish localhost/publish
  Mercure:
    sse bench 'localhost:3000/.well-known/mercure?topic=news' --hub mercure --topic news \\
      --publish localhost:3000/.well-known/mercure --token JWT
  Pushpin:
    sse bench localhost:7999/stream --hub pushpin --topic news --publish localhost:5561/publish/
  Any other hub:
    sse bench localhost:9000/feed --publish localhost:9000/push \\
      --content-type application/json --template '{\"text\": \"{data}\"}'
  Subscribers alone, while something else publishes:
    sse bench localhost:8080/events/news -n 1000 --seconds 60
  How fast a captured stream is parsed on this machine:
    sse tail --record stream.jsonl https://example.com/events
    sse bench --parse stream.jsonl --chunks 16k,1400,64

How it measures:
  The data of an event begins with a number and a time, which are found wherever the hub puts the data.
  One event is published and not counted before the measurement begins. Latency runs from publishing to
  the end of the read that brought the event. An event that has not arrived when nothing arrived for
  --patience seconds is lost. A connection that ends is not made again.";

/// Measure how fast a hub delivers, and whether everything arrives
///
/// Holds many subscribers on one thread, publishes events, and reports deliveries per second,
/// latency, and which events were lost, repeated or out of order. Speaks HTTP/1.1 without TLS, and
/// with loopback addresses only unless --remote is given. Ctrl-C ends the measurement with its
/// report.
///
/// Exit codes: 0 if every event reached every subscriber exactly once and in order; 1 if events
/// were lost, repeated or out of order, if a subscriber was cut off, or if the measurement failed;
/// 2 for invalid arguments, or an address that is not loopback; 3 if the server answered, but not
/// with an event stream.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// URL that the subscribers follow
    #[arg(value_parser = request::url, required_unless_present = "parse")]
    url: Option<Url>,

    /// Number of subscribers
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    subscribers: u32,

    /// How long to measure, in seconds; with --parse for all measurements together
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = request::seconds)]
    pub(super) seconds: Duration,

    /// Seconds without an arrival after which connecting fails, and missing events count as lost
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = request::seconds)]
    patience: Duration,

    /// Process of the server, whose CPU and memory are reported; several with commas (Linux)
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    pub(super) pid: Vec<u32>,

    /// Allow addresses other than loopback; use it only for your own servers
    #[arg(long)]
    remote: bool,

    /// Print the report as a JSON object
    #[arg(long)]
    pub(super) json: bool,

    /// Header of all requests, in curl's notation; repeatable
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    headers: Vec<Headers>,

    #[command(flatten)]
    publishing: PublishArguments,

    // Last, because the heading of its options applies to all options after them.
    #[command(flatten)]
    pub(super) parse: ParseArguments,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Publishing")]
struct PublishArguments {
    /// URL to POST events to; without it, the events that others publish are counted
    #[arg(long, value_name = "URL", value_parser = request::url)]
    publish: Option<Url>,

    /// Number of events that are published at once
    #[arg(long, value_name = "N", default_value_t = 1, requires = "publish", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    burst: u32,

    /// Number of events to publish per second; without it, a burst is published as soon as the
    /// burst before it has reached all subscribers
    #[arg(long, value_name = "N", requires = "publish", value_parser = rate)]
    rate: Option<f64>,

    /// Bytes of data per event
    #[arg(long, value_name = "BYTES", default_value_t = 200, value_parser = size)]
    size: usize,

    /// Format in which the hub accepts events
    #[arg(long, value_enum, default_value_t = Hub::Plain, requires = "publish")]
    hub: Hub,

    /// Topic or channel, which replaces `{topic}` in a template
    #[arg(long, default_value = "bench", requires = "publish")]
    topic: String,

    /// Body of a publish request, in which `{data}` is replaced by an event's data
    #[arg(long, value_name = "TEXT", requires = "publish")]
    template: Option<String>,

    /// Body of a publish request for a whole burst, in which `{events}` is replaced by the events,
    /// each formatted by --template and joined by commas
    #[arg(long, value_name = "TEXT", requires = "publish")]
    burst_template: Option<String>,

    /// Content type of published bodies
    #[arg(long, value_name = "TYPE", requires = "publish")]
    content_type: Option<HeaderValue>,

    /// Bearer token of published requests
    #[arg(long, value_name = "TOKEN", requires = "publish")]
    token: Option<String>,

    /// Header of published requests; repeatable
    #[arg(long, value_name = "HEADER", requires = "publish")]
    publish_header: Vec<Headers>,
}

/// Format in which a hub accepts events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Hub {
    /// The body is the event's data: nchan, sse serve
    Plain,
    /// sse serve's JSON format, with one request for a burst
    Sse,
    /// Mercure's form, with the topic and the data
    Mercure,
    /// Pushpin's items (http-stream), with one request for a burst
    Pushpin,
}

impl Hub {
    /// Content type of the hub's publish requests, and its templates for an event and for a burst.
    fn preset(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Self::Plain => ("text/plain", "{data}", None),
            Self::Sse => ("application/vnd.sse+json", r#"{"data":"{data}"}"#, Some("[{events}]")),
            Self::Mercure => ("application/x-www-form-urlencoded", "topic={topic}&data={data}", None),
            Self::Pushpin => (
                "application/json",
                r#"{"channel":"{topic}","formats":{"http-stream":{"content":"data: {data}\n\n"}}}"#,
                Some(r#"{"items":[{events}]}"#),
            ),
        }
    }
}

/// Options of the command, checked and converted.
pub(super) struct Setup {
    /// The URL as the report shows it, without secrets.
    pub(super) url: String,
    pub(super) target: Target,
    pub(super) subscribers: usize,
    pub(super) plan: Plan,
    pub(super) publish: Option<PublishSetup>,
}

/// Options for publishing: addresses, request and templates.
pub(super) struct PublishSetup {
    addresses: Vec<std::net::SocketAddr>,
    head: Vec<u8>,
    template: Template,
}

impl Setup {
    pub(super) fn publisher(&self) -> Option<HttpPublisher> {
        let publish = self.publish.as_ref()?;
        let (addresses, head) = (publish.addresses.clone(), publish.head.clone());
        Some(HttpPublisher::new(addresses, head, publish.template.clone(), self.plan.patience))
    }
}

impl Arguments {
    /// Checks the addresses, and prepares the requests.
    pub(super) fn setup(&self) -> Result<Setup, Failure> {
        let url = self.url.as_ref().expect("the URL is required without --parse");
        let headers = [
            (ACCEPT, HeaderValue::from_static("text/event-stream")),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ];
        let mut request = head("GET", url, &self.with_headers(url, headers)?);
        request.extend_from_slice(b"\r\n");
        let publishing = &self.publishing;
        Ok(Setup {
            url: request::shown(url).to_string(),
            target: Target { addresses: addresses(url, self.remote)?, request },
            subscribers: self.subscribers as usize,
            plan: Plan {
                pace: publishing.rate.map_or(Pace::Closed { in_flight: 1 }, Pace::Rate),
                burst: publishing.burst,
                size: publishing.size,
                time: self.seconds,
                bursts: u64::MAX,
                patience: self.patience,
            },
            publish: publishing.publish.as_ref().map(|url| self.publish_setup(url)).transpose()?,
        })
    }

    fn publish_setup(&self, url: &Url) -> Result<PublishSetup, Failure> {
        let publishing = &self.publishing;
        let (content_type, event, burst) = publishing.hub.preset();
        let content_type =
            publishing.content_type.clone().unwrap_or_else(|| HeaderValue::from_static(content_type));
        let mut headers = self.with_headers(url, [(CONTENT_TYPE, content_type)])?;
        if let Some(token) = &publishing.token {
            let value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| usage("--token: not a value for a header"))?;
            headers.push((AUTHORIZATION, value));
        }
        headers.extend(given(&publishing.publish_header));
        let topic = match publishing.hub {
            Hub::Mercure => form_urlencoded::byte_serialize(publishing.topic.as_bytes()).collect(),
            Hub::Plain | Hub::Sse | Hub::Pushpin => publishing.topic.clone(),
        };
        // A template of the user replaces both.
        let burst = publishing.burst_template.as_deref().or(burst.filter(|_| publishing.template.is_none()));
        let event = publishing.template.as_deref().unwrap_or(event);
        if !event.contains("{data}") {
            return Err(usage("--template: `{data}` is missing"));
        }
        if burst.is_some_and(|burst| !burst.contains("{events}")) {
            return Err(usage("--burst-template: `{events}` is missing"));
        }
        let template = Template {
            event: event.replace("{topic}", &topic),
            burst: burst.map(|burst| burst.replace("{topic}", &topic)),
        };
        let addresses = addresses(url, self.remote)?;
        Ok(PublishSetup { addresses, head: head("POST", url, &headers), template })
    }

    fn with_headers<const N: usize>(
        &self,
        url: &Url,
        own: [(HeaderName, HeaderValue); N],
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(usage("credentials in a URL are not sent: pass -H 'Authorization: ..'"));
        }
        let agent = HeaderValue::from_static(concat!("sse-bench/", env!("CARGO_PKG_VERSION")));
        let mut headers = vec![
            (HOST, host(url)),
            (USER_AGENT, agent),
            // A coding would hide the markers.
            (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        ];
        headers.extend(own);
        headers.extend(given(&self.headers));
        Ok(headers)
    }
}

fn usage(message: &str) -> Failure {
    Failure::Other { message: message.to_owned(), code: USAGE }
}

fn given(headers: &[Headers]) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    headers.iter().flat_map(Headers::iter).filter_map(|(name, value)| Some((name.clone(), value?.clone())))
}

fn rate(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(rate) if (0.001..=1e7).contains(&rate) => Ok(rate),
        _ => Err("not a number of events per second, from 0.001 to 10000000"),
    }
}

fn size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if (MARKER_LEN..=16 << 20).contains(&size) => Ok(size),
        _ => Err(format!("not a number of bytes, from {MARKER_LEN} to {}", 16 << 20)),
    }
}
