//! Hooks by which an application takes part while a source connects and reads.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use http::Request;
use proto::Verdict;

use super::{BoxError, Head};

/// The future that an asynchronous hook returns.
pub type HookFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Hook that changes a request before it is sent; its second argument is the number of failed
/// attempts before.
pub type RequestHook =
    Box<dyn Fn(Request<Bytes>, u32) -> HookFuture<Result<Request<Bytes>, BoxError>> + Send + Sync>;

/// Hook that decides about a refused response, given its head and the beginning of its body.
pub type RefusedHook = Box<dyn Fn(Refused) -> HookFuture<Verdict> + Send + Sync>;

/// Hook that decides about a response, given its head.
pub type ResponseHook = Box<dyn FnMut(&Head, Verdict) -> Verdict + Send + Sync>;

/// Hook that sees each chunk of the body of an open response.
pub type ChunkHook = Box<dyn FnMut(&[u8]) + Send + Sync>;

/// A refused response: its head, the beginning of its body, and the verdict that applies unless a
/// hook returns another.
///
/// ```
/// use sse_http::client::Refused;
/// use sse_http::proto::{CloseReason, Verdict};
///
/// /// Throttling passes, an exhausted quota does not.
/// fn decide(refused: &Refused) -> Verdict {
///     match refused.head.status.as_u16() {
///         429 if refused.text().contains("insufficient_quota") => Verdict::Close(CloseReason::Status(429)),
///         _ => refused.verdict,
///     }
/// }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Refused {
    /// The head of the refused response.
    pub head: Head,
    /// The beginning of the body: 64 KiB, or as much as arrived within
    /// [`Config::refused_body_timeout`](proto::Config::refused_body_timeout), 1 s by default.
    pub body: Bytes,
    /// The decision so far: retry or close.
    pub verdict: Verdict,
}

impl Refused {
    /// How much of a refused body is read ahead, in bytes.
    pub const BODY: usize = 64 << 10;

    /// Creates a refused response.
    pub fn new(head: Head, body: Bytes, verdict: Verdict) -> Self {
        Self { head, body, verdict }
    }

    /// The beginning of the body as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("head", &self.head)
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}

/// The hooks of an asynchronous source.
#[derive(Default)]
#[non_exhaustive]
pub struct Hooks {
    pub(super) on_request: Option<RequestHook>,
    pub(super) on_refused: Option<RefusedHook>,
    pub(super) on_response: Option<ResponseHook>,
    pub(super) on_chunk: Option<ChunkHook>,
}

impl Hooks {
    /// Sets the hook for requests.
    pub fn on_request<F>(&mut self, hook: impl Fn(Request<Bytes>, u32) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<Request<Bytes>, BoxError>> + Send + 'static,
    {
        self.on_request = Some(Box::new(move |request, attempt| Box::pin(hook(request, attempt))));
    }

    /// Sets the hook for refused responses.
    pub fn on_refused<F>(&mut self, hook: impl Fn(Refused) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        self.on_refused = Some(Box::new(move |refused| Box::pin(hook(refused))));
    }

    /// Sets the hook for responses.
    pub fn on_response(&mut self, hook: impl FnMut(&Head, Verdict) -> Verdict + Send + Sync + 'static) {
        self.on_response = Some(Box::new(hook));
    }

    /// Sets the hook for the pieces of a body.
    pub fn on_chunk(&mut self, hook: impl FnMut(&[u8]) + Send + Sync + 'static) {
        self.on_chunk = Some(Box::new(hook));
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}
