//! What an application may decide while a source connects and reads.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use http::Request;
use proto::Verdict;

use super::{BoxError, Head};

/// A future of a hook.
pub type HookFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Changes a request before it is sent, given the number of failed attempts before it.
pub type RequestHook =
    Box<dyn Fn(Request<Bytes>, u32) -> HookFuture<Result<Request<Bytes>, BoxError>> + Send + Sync>;

/// Decides about a refused response, whose body begins with what the hook is given.
pub type RefusedHook = Box<dyn Fn(Refused) -> HookFuture<Verdict> + Send + Sync>;

/// Decides about a response by its head.
pub type ResponseHook = Box<dyn FnMut(&Head, Verdict) -> Verdict + Send + Sync>;

/// Sees the pieces of the body of an open response.
pub type ChunkHook = Box<dyn FnMut(&[u8]) + Send + Sync>;

/// A response that is not to be opened: its head, the beginning of its body, and what will be done
/// unless a hook says otherwise.
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
    /// The head.
    pub head: Head,
    /// The beginning of the body: 64 KiB, or as much as came within
    /// [`Config::refused_body_timeout`](proto::Config::refused_body_timeout), 1 s by default.
    pub body: Bytes,
    /// What will be done: retry or close.
    pub verdict: Verdict,
}

impl Refused {
    /// How much of a body is read in advance.
    pub const BODY: usize = 64 << 10;

    /// A response that is to be refused.
    pub fn new(head: Head, body: Bytes, verdict: Verdict) -> Self {
        Self { head, body, verdict }
    }

    /// The beginning of the body as text; what is not UTF-8 becomes U+FFFD.
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
