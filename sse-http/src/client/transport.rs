//! Transport of an asynchronous source: applies the HTTP rules to a client that sends one request.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::{Request, Response};
use proto::{Config, ErrorKind, Instant, ResponseHead, Timer, Transport, Verdict};

use super::hooks::{ChunkHook, RefusedHook, RequestHook, ResponseHook};
use super::{Attempt, Body, Head, HeadClock, Hooks, Refused, Template, TransportError, trace};

/// HTTP client on a runtime, which an [`EventSource`](super::EventSource) sends its requests
/// through.
///
/// It sends one request and does not follow redirects, decode contents, or apply timeouts other
/// than [`Config::connect_timeout`](proto::Config::connect_timeout): this crate does that.
pub trait Client: Send + Sync + 'static {
    /// The clock of the runtime.
    type Clock: Timer<Sleep: Send> + Clone + Send + Sync + 'static;
    /// The body of a response.
    type Body: Stream<Item = Result<Bytes, TransportError>> + Send + Unpin + 'static;

    /// The clock of the runtime.
    fn clock(&self) -> &Self::Clock;

    /// Whether a request waits for its connection now, so that the [limit for the
    /// head](proto::Config::head_timeout) does not run. Read when the future of
    /// [`send`](Self::send) is pending.
    ///
    /// A client that cannot know this keeps the default, false: the limit for the head then covers
    /// connecting too.
    fn is_connecting(&self) -> bool {
        false
    }

    /// Sends a request, whose URI is absolute, and resolves when the head of its response has
    /// arrived.
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Self::Body>, TransportError>> + Send;
}

/// The [`Transport`] of an [`EventSource`](super::EventSource).
pub struct Http<C> {
    template: Template,
    shared: Arc<Shared<C>>,
    on_response: Option<ResponseHook>,
    on_chunk: Option<ChunkHook>,
}

impl<C> fmt::Debug for Http<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("template", &self.template).finish_non_exhaustive()
    }
}

/// State that all attempts share.
struct Shared<C> {
    client: C,
    config: Config,
    on_request: Option<RequestHook>,
    on_refused: Option<RefusedHook>,
}

impl<C> Http<C> {
    pub(super) fn new(template: Template, config: Config, hooks: Hooks, client: C) -> Self {
        let Hooks { on_request, on_refused, on_response, on_chunk } = hooks;
        let shared = Shared { client, config, on_request, on_refused };
        Self { template, shared: Arc::new(shared), on_response, on_chunk }
    }
}

impl<C: Client> Timer for Http<C> {
    type Sleep = <C::Clock as Timer>::Sleep;

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        self.shared.client.clock().sleep_until(deadline)
    }

    fn now(&self) -> Instant {
        self.shared.client.clock().now()
    }
}

impl<C: Client> Transport for Http<C> {
    type Head = Head;
    type Body = Body<C::Body>;
    type Chunk = Bytes;
    type Error = TransportError;
    type Connect = Pin<Box<dyn Future<Output = Result<(Head, Body<C::Body>), TransportError>> + Send>>;

    fn connect(&mut self, asked: proto::Request<'_>) -> Self::Connect {
        trace::connecting(asked.attempt);
        let (attempt, failures) = (self.template.attempt(&asked), asked.attempt);
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { shared.connect(attempt?, failures).await })
    }

    fn head(head: &Head) -> ResponseHead<'_> {
        head.response_head()
    }

    fn on_response(&mut self, head: &Head, verdict: Verdict) -> Verdict {
        head.decision(verdict, &mut self.on_response)
    }

    fn on_chunk(&mut self, chunk: &Bytes) {
        if let Some(hook) = &mut self.on_chunk {
            hook(chunk);
        }
    }

    fn error_kind(error: &TransportError) -> ErrorKind {
        error.kind()
    }

    fn clock(&self) -> Arc<dyn Fn() -> Instant + Send + Sync> {
        let clock = self.shared.client.clock().clone();
        Arc::new(move || clock.now())
    }
}

impl<C: Client> Shared<C> {
    async fn connect(
        &self,
        mut attempt: Attempt,
        failures: u32,
    ) -> Result<(Head, Body<C::Body>), TransportError> {
        if let Some(hook) = &self.on_request {
            let request = hook(attempt.request()?, failures).await.map_err(TransportError::Hook)?;
            attempt.replace(request)?;
        }
        // The time limit does not cover the hook, because fetching a token may take long.
        let response = self.exchange(&mut attempt);
        let (head, body) = match self.config.head_timeout() {
            Some(limit) => self.head_within(limit, response).await.ok_or(TransportError::HeadTimeout)??,
            None => response.await?,
        };
        self.decide(head, Body::new(body)).await
    }

    /// Sends the request, and the requests that follow its redirects.
    async fn exchange(&self, attempt: &mut Attempt) -> Result<(Head, C::Body), TransportError> {
        loop {
            let (parts, body) = self.client.send(attempt.request()?).await?.into_parts();
            if let Some(head) = attempt.answer(parts)? {
                return Ok((head, body));
            }
        }
    }

    /// Reads the beginning of a refused response, and lets the application's hook decide about it.
    async fn decide(
        &self,
        mut head: Head,
        mut body: Body<C::Body>,
    ) -> Result<(Head, Body<C::Body>), TransportError> {
        let verdict = self.config.verdict(&head.response_head());
        if verdict != Verdict::Open {
            // If the body breaks off, its beginning is used: the decision about the response
            // stands.
            let _ = self.within(self.config.refused_body_timeout(), body.fill(Refused::BODY)).await;
            head.verdict = Some(match &self.on_refused {
                Some(hook) => {
                    let start = Bytes::copy_from_slice(body.start());
                    hook(Refused::new(head.clone(), start, verdict)).await
                }
                None => verdict,
            });
        }
        Ok((head, body))
    }

    /// The output of an exchange, or `None` if it takes longer than `limit`, without the time in
    /// which the client connects.
    async fn head_within<T>(&self, limit: Duration, exchange: impl Future<Output = T>) -> Option<T> {
        let clock = self.client.clock();
        let mut exchange = pin!(exchange);
        let mut sleep = pin!(None);
        let mut head_clock = HeadClock::new(Some(limit));
        poll_fn(|cx| {
            if let Poll::Ready(value) = exchange.as_mut().poll(cx) {
                return Poll::Ready(Some(value));
            }
            match (self.client.is_connecting(), head_clock.is_running()) {
                (true, true) => {
                    head_clock.stop(clock.now());
                    sleep.set(None);
                }
                (false, false) => {
                    let now = clock.now();
                    head_clock.run(now);
                    sleep.set(head_clock.left(now).map(|left| clock.sleep_until(now + left)));
                }
                _ => {}
            }
            let Some(sleep) = sleep.as_mut().as_pin_mut() else { return Poll::Pending };
            sleep.poll(cx).map(|()| None)
        })
        .await
    }

    /// The output of a future, or `None` if it takes longer than `limit`.
    async fn within<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        let clock = self.client.clock();
        let mut sleep = pin!(clock.sleep_until(clock.now() + limit));
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
        })
        .await
    }
}
