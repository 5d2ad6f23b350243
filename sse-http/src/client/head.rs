//! Head of a response.

use std::fmt;

use http::header::HeaderMap;
use http::{StatusCode, Version, response};
use proto::{ResponseHead, Verdict};
use url::Url;

use super::ResponseHook;

/// The head of a response, whichever HTTP client received it.
///
/// [`Debug`](fmt::Debug) prints the status, the version and the names of the headers. The URL and
/// the values of the headers are left out: they hold tokens and cookies, and errors are written to
/// logs.
#[derive(Clone)]
#[non_exhaustive]
pub struct Head {
    /// The status code.
    pub status: StatusCode,
    /// The HTTP version.
    pub version: Version,
    /// The header fields.
    pub headers: HeaderMap,
    /// The URL after all redirects; its origin is the origin of the events (9.2.6).
    pub url: Url,
    /// The decision about the response, before the application's hook changed it.
    pub(super) verdict: Option<Verdict>,
}

impl Head {
    /// Creates the head of the response to a request for `url`.
    pub fn new(parts: response::Parts, url: Url) -> Self {
        Self { status: parts.status, version: parts.version, headers: parts.headers, url, verdict: None }
    }

    /// The part of the head that decides whether the response is accepted (9.2.3).
    pub fn response_head(&self) -> ResponseHead<'_> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value));
        ResponseHead::new(self.status.as_u16(), headers)
    }

    /// Decides about the response. The hook for responses has the last word, after the hook for
    /// refused responses; without hooks `verdict` applies.
    pub(super) fn decision(&self, verdict: Verdict, hook: &mut Option<ResponseHook>) -> Verdict {
        let verdict = self.verdict.unwrap_or(verdict);
        hook.as_mut().map_or(verdict, |hook| hook(self, verdict))
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("status", &self.status)
            .field("version", &self.version)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
