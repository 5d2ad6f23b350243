//! Probe: one request, and the observation of its response.

use std::time::Duration;

use sse_tokio::reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sse_tokio::reqwest::{Client, Method, StatusCode, Url, Version};
use tokio::time::{Instant, timeout_at};

use super::body::{Body, Tail};
use crate::failure::chain;

/// How many bytes of a body are read at most.
const BODY: usize = 16 << 20;
/// How many events are examined at most.
const EVENTS: usize = 20_000;
/// The length of a pause after which a stream counts as silent.
const SILENCE: Duration = Duration::from_secs(1);

/// The request that the user described.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
}

/// Differences of one connection's request from the main one.
#[derive(Clone, Debug, Default)]
pub(super) struct Variant {
    pub(super) method: Option<Method>,
    pub(super) version: Option<Version>,
    pub(super) headers: Vec<(&'static str, String)>,
}

/// Everything observed about the response to one request.
#[derive(Debug)]
pub(super) struct Observation {
    pub(super) head: Option<Head>,
    pub(super) body: Body,
    pub(super) end: End,
    /// Time from the request to the end of the observation.
    pub(super) lasted: Duration,
}

/// The head of a response.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) url: Url,
    /// Time from the request to the head.
    pub(super) after: Duration,
}

/// How an observation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The check closed the connection: it had seen enough, or the time was up.
    Stopped,
    /// The server ended the body.
    Eof,
    /// The connection broke inside the body, or before the head.
    Broken(String),
    /// The connection could not be made.
    Unreachable(String),
    /// The response is not HTTP.
    NotHttp(String),
    /// The redirects did not lead to a response.
    Redirects(String),
}

impl End {
    /// Converts the error of a request that got no response head.
    fn of(error: sse_tokio::reqwest::Error) -> Self {
        let mut source = std::error::Error::source(&error);
        let mut parse = false;
        while let Some(inner) = source {
            parse |= inner.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse);
            source = inner.source();
        }
        let (connect, redirect) = (error.is_connect(), error.is_redirect());
        let message = chain(&error.without_url());
        match () {
            () if redirect => Self::Redirects(message),
            () if connect => Self::Unreachable(message),
            () if parse => Self::NotHttp(message),
            () => Self::Broken(message),
        }
    }
}

impl Head {
    /// The values of a header as text, joined by commas.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        (!values.is_empty()).then(|| {
            let texts: Vec<_> =
                values.iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            texts.join(", ")
        })
    }
}

impl Observation {
    /// What followed the last byte of the body.
    pub(super) fn tail(&self) -> Tail {
        let last = self.body.arrivals().last().map_or(Duration::ZERO, |arrival| arrival.at);
        let silence = self.lasted.saturating_sub(last);
        match &self.end {
            End::Stopped if self.body.bytes.len() >= BODY => Tail::Overlong,
            End::Stopped if silence >= SILENCE => Tail::Silence(silence),
            End::Eof => Tail::Ended,
            _ => Tail::Cut,
        }
    }

    /// The headers that name a server or a proxy, which may cause a fault.
    pub(super) fn suspects(&self) -> Vec<String> {
        let Some(head) = &self.head else { return Vec::new() };
        let names = ["server", "via", "x-cache", "content-encoding", "x-powered-by"];
        names.iter().filter_map(|name| Some(format!("{name}: {}", head.text(name)?))).collect()
    }
}

/// Sends the request of `target` with the differences of `variant`, and observes the response until
/// `deadline`, until the server ends it, or until `enough` returns true for the body.
pub(super) async fn observe(
    client: &Client,
    target: &Target,
    variant: &Variant,
    deadline: Instant,
    mut enough: impl FnMut(&Body, Duration) -> bool,
) -> Observation {
    let started = Instant::now();
    let mut seen =
        Observation { head: None, body: Body::default(), end: End::Stopped, lasted: Duration::ZERO };
    let method = variant.method.clone().unwrap_or_else(|| target.method.clone());
    let mut request = client.request(method, target.url.clone()).headers(target.headers.clone());
    for (name, value) in &variant.headers {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            request = request.header(HeaderName::from_static(name), value);
        }
    }
    if let Some(version) = variant.version {
        request = request.version(version);
    }
    if let Some(body) = target.body.clone().filter(|_| variant.method.is_none()) {
        request = request.body(body);
    }
    let mut response = match timeout_at(deadline, request.send()).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            seen.end = End::of(error);
            seen.lasted = started.elapsed();
            return seen;
        }
        Err(_) => {
            seen.lasted = started.elapsed();
            return seen;
        }
    };
    seen.head = Some(Head {
        status: response.status(),
        version: response.version(),
        headers: response.headers().clone(),
        url: response.url().clone(),
        after: started.elapsed(),
    });
    seen.end = loop {
        // A timeout alone would not end a body whose next bytes are always there.
        let full = seen.body.bytes.len() >= BODY || seen.body.dispatched() >= EVENTS;
        let over = full || Instant::now() >= deadline;
        if over || enough(&seen.body, started.elapsed()) {
            break End::Stopped;
        }
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = BODY - seen.body.bytes.len();
                seen.body.push(started.elapsed(), &chunk[..chunk.len().min(room)]);
            }
            Ok(Ok(None)) => break End::Eof,
            Ok(Err(error)) => break End::Broken(chain(&error.without_url())),
            Err(_) => break End::Stopped,
        }
    };
    seen.lasted = started.elapsed();
    seen
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Creates an observation with a correct head and these chunks, each with its time in
    /// milliseconds.
    pub(in crate::check) fn observation(chunks: &[(u64, String)], end: End) -> Observation {
        let mut body = Body::default();
        for (ms, chunk) in chunks {
            body.push(Duration::from_millis(*ms), chunk.as_bytes());
        }
        let lasted = chunks.last().map_or(Duration::ZERO, |(ms, _)| Duration::from_millis(*ms));
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("text/event-stream"));
        let head = Head {
            status: StatusCode::OK,
            version: Version::HTTP_11,
            headers,
            url: Url::parse("http://localhost/events").unwrap(),
            after: Duration::from_millis(chunks.first().map_or(0, |(ms, _)| *ms).min(1)),
        };
        Observation { head: Some(head), body, end, lasted }
    }
}
