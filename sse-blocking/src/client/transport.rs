//! HTTP transport over ureq, with the HTTP rules of `sse-http`.

use std::fmt;

use proto::{ErrorKind, ResponseHead, Verdict};
use sse_http::client::{Blocking, BlockingHttp, Body as HttpBody, Head, TransportError};

use super::Body;
use super::ureq_client::UreqClient;
use crate::{Attempt, Transport};

/// The [`Transport`] over ureq, made by a [`Builder`](super::Builder).
pub struct Http {
    pub(super) http: BlockingHttp,
    pub(super) client: UreqClient,
}

impl Transport for Http {
    type Head = Head;
    type Body = HttpBody<Blocking<Body>>;
    type Error = TransportError;

    fn connect(&mut self, attempt: Attempt<'_>) -> Result<(Head, Self::Body), TransportError> {
        let Self { http, client } = self;
        http.connect(&attempt.request, |request, clock| client.send(request, clock, attempt))
    }

    fn head(head: &Head) -> ResponseHead<'_> {
        head.response_head()
    }

    fn on_response(&mut self, head: &Head, verdict: Verdict) -> Verdict {
        self.http.on_response(head, verdict)
    }

    fn on_chunk(&mut self, chunk: &[u8]) {
        self.http.on_chunk(chunk);
    }

    fn error_kind(error: &TransportError) -> ErrorKind {
        error.kind()
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("http", &self.http).finish_non_exhaustive()
    }
}
