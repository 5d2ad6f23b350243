//! The log line of one request.

use std::time::Instant;

use http::{Method, Request, Response};
use percent_encoding::percent_decode_str;

use super::Reason;
use crate::text::{Visible, excerpt};

/// How many topics of one request are in its log line, and how many characters of their names.
const TOPICS: usize = 32;
const TOPICS_BYTES: usize = 1000;

/// A request until its log line is written. A stream keeps it to its end, so it is small.
pub(in crate::serve) struct Logged {
    started: Instant,
    method: Method,
    path: Box<str>,
    rare: Option<Box<Rare>>,
    status: u16,
}

/// Parts of a log line that a stream of one topic lacks.
#[derive(Default)]
struct Rare {
    /// The topics that the query names, where the path does not.
    several: Option<String>,
    /// Why the request was refused.
    reason: Option<String>,
}

impl Logged {
    pub(in crate::serve) fn new<B>(request: &Request<B>) -> Self {
        let uri = request.uri();
        let several = (uri.path() == "/events").then(|| topics(uri.query().unwrap_or_default()));
        Self {
            started: Instant::now(),
            method: request.method().clone(),
            path: Visible(uri.path()).to_string().into(),
            rare: several.map(|topics| Box::new(Rare { several: Some(topics), reason: None })),
            status: 0,
        }
    }

    pub(in crate::serve) fn method(&self) -> &Method {
        &self.method
    }

    /// Whether the path is that of one topic.
    pub(in crate::serve) fn names_topic(&self) -> bool {
        self.segment().is_some()
    }

    /// The name of a topic in the path, as it was sent.
    fn segment(&self) -> Option<&str> {
        self.path.strip_prefix("/events/").filter(|name| !name.is_empty() && !name.contains('/'))
    }

    /// The topics of the request, with their percent-encoding decoded.
    fn topic(&self) -> String {
        let name = || Some(percent_decode_str(self.segment()?).decode_utf8_lossy());
        match self.rare.as_ref().and_then(|rare| rare.several.as_ref()) {
            Some(topics) => topics.clone(),
            None => name().map_or_else(String::new, |name| Visible(&name).to_string()),
        }
    }

    /// Notes the head of the response.
    pub(in crate::serve) fn answered<B>(mut self, response: &Response<B>) -> Self {
        self.status = response.status().as_u16();
        if let Some(reason) = response.extensions().get::<Reason>() {
            self.rare.get_or_insert_default().reason = Some(Visible(&reason.text).to_string());
        }
        self
    }

    /// Writes the line.
    pub(in crate::serve) fn write(&self, bytes: u64, end: &str) {
        let topic = self.topic();
        let Self { started, method, path, status, .. } = self;
        let reason = self.rare.as_ref().and_then(|rare| rare.reason.as_deref());
        let duration_ms = started.elapsed().as_millis() as u64;
        tracing::info!(%method, path, topic, status, bytes, duration_ms, end, reason, "request");
    }
}

/// The topics that a query names (`topic=a&topic=b`): nothing else of the query may be in a log.
fn topics(query: &str) -> String {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let names = pairs.filter(|(key, _)| key == "topic").take(TOPICS).map(|(_, name)| name);
    let names = names.collect::<Vec<_>>().join(",");
    Visible(&excerpt(&names, TOPICS_BYTES)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(uri: &str) -> Logged {
        Logged::new(&Request::get(uri).body(()).expect("a URI"))
    }

    #[test]
    fn the_topic_is_readable_and_nothing_else_of_the_query_is_logged() {
        for (uri, topic) in [
            ("/events/a%20b?access_token=hunter2", "a b"),
            ("/events/a%1bb", "a\\u{1b}b"),
            ("/events/", ""),
            ("/events/a/b", ""),
            ("/events?topic=a&access_token=hunter2&topic=b+c", "a,b c"),
            ("/events?access_token=hunter2", ""),
            ("/metrics", ""),
        ] {
            assert_eq!(logged(uri).topic(), topic, "{uri}");
            assert!(!logged(uri).path.contains("hunter2"));
        }
        let many = format!("/events?{}", "topic=abc&".repeat(1000));
        assert!(logged(&many).topic().len() < 200);
    }
}
