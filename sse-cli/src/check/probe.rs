//! One request, and what came of it.

use std::time::Duration;

use sse_tokio::reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sse_tokio::reqwest::{Client, Method, StatusCode, Url, Version};
use tokio::time::{Instant, timeout_at};

use super::body::{Body, Tail};
use crate::failure::chain;

/// No more bytes of a body are read.
const BODY: usize = 16 << 20;
/// No more events are looked at: a flood has no more to tell.
const EVENTS: usize = 20_000;
/// A pause that is long enough to say that nothing came.
const SILENCE: Duration = Duration::from_secs(1);

/// The request that a user described.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
}

/// How one connection differs from the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Variant {
    pub(super) method: Option<Method>,
    pub(super) version: Option<Version>,
    pub(super) headers: Vec<(&'static str, String)>,
}

/// What came of a request.
#[derive(Debug)]
pub(super) struct Observation {
    pub(super) head: Option<Head>,
    pub(super) body: Body,
    pub(super) end: End,
    /// From the request to the end.
    pub(super) lasted: Duration,
}

/// The head of a response.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) url: Url,
    /// From the request to the head.
    pub(super) after: Duration,
}

/// How an observation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// We hung up: enough was seen, or the time was over.
    Stopped,
    /// The server ended the body.
    Eof,
    /// The connection broke inside of the body, or before the head.
    Broken(String),
    /// The connect failed.
    Unreachable(String),
    /// The answer is not HTTP.
    NotHttp(String),
    /// Redirects led nowhere.
    Redirects(String),
}

impl End {
    /// The end of a request without a head.
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
    /// The value of a header as text: all of them, separated by commas.
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
    /// What came after the last byte.
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

    /// The headers that name a server or a proxy, which may be the cause.
    pub(super) fn suspects(&self) -> Vec<String> {
        let Some(head) = &self.head else { return Vec::new() };
        let names = ["server", "via", "x-cache", "content-encoding", "x-powered-by"];
        names.iter().filter_map(|name| Some(format!("{name}: {}", head.text(name)?))).collect()
    }
}

/// Sends the request of `target` as `variant` says, and observes the response until `deadline`,
/// until the server ends it, or until `enough` accepts the body.
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

    /// A response of a good head and these chunks, each at its millisecond.
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
