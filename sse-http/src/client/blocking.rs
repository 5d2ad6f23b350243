//! Transport of a blocking source: applies the HTTP rules to a function that sends one request.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use proto::{Config, Verdict};

use super::hooks::{ChunkHook, ResponseHook};
use super::{Blocking, Body, BoxError, Head, HeadClock, Refused, Template, TransportError};

type RequestHook = Box<dyn FnMut(Request<Bytes>, u32) -> Result<Request<Bytes>, BoxError> + Send>;
type RefusedHook = Box<dyn FnMut(Refused) -> Verdict + Send>;

/// The HTTP rules of a blocking source: what [`Http`](super::Http) is for an asynchronous one.
///
/// An adapter implements the transport of its driver (`sse_blocking::Transport`) with these
/// methods, and brings a function that sends one request.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use sse_http::client::{BlockingBody, BlockingHooks, BlockingHttp, Draft};
/// use sse_http::http::Response;
/// use sse_http::proto::{Config, EventSource, Instant, Output};
///
/// struct Text(&'static [u8]);
/// # impl std::io::Read for Text {
/// #     fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
/// #         self.0.read(buffer)
/// #     }
/// # }
///
/// impl BlockingBody for Text {
///     fn limit_time(&mut self, _: Option<Duration>) {} // nothing is waited for
/// }
///
/// let mut config = Config::default();
/// let template = Draft::get("http://localhost/events").finish(&mut config)?;
/// let mut http = BlockingHttp::new(template, config.clone(), BlockingHooks::default());
///
/// let mut source = EventSource::new(config, 42);
/// let Output::Connect { request, .. } = source.poll(Instant::ZERO, &mut &[][..]) else { unreachable!() };
/// let (head, _body) = http.connect(&request, |request, _clock| {
///     assert_eq!(request.headers()["accept"], "text/event-stream");
///     Ok(Response::builder().status(204).body(Text(b""))?)
/// })?;
/// assert_eq!(head.status, 204);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BlockingHttp {
    template: Template,
    config: Config,
    hooks: BlockingHooks,
    expects: bool,
}

/// The body of a response, whose reads can be limited in time.
pub trait BlockingBody: Read {
    /// Limits the time that all reads may take together from now on; `None` for no limit. A read
    /// that is late fails, and loses nothing.
    fn limit_time(&mut self, time: Option<Duration>);
}

/// The hooks of a blocking source.
#[derive(Default)]
#[non_exhaustive]
pub struct BlockingHooks {
    on_request: Option<RequestHook>,
    on_refused: Option<RefusedHook>,
    on_response: Option<ResponseHook>,
    on_chunk: Option<ChunkHook>,
}

impl BlockingHooks {
    /// Sets the hook that changes a request before it is sent; its second argument is the number of
    /// failed attempts before.
    pub fn on_request(
        &mut self,
        hook: impl FnMut(Request<Bytes>, u32) -> Result<Request<Bytes>, BoxError> + Send + 'static,
    ) {
        self.on_request = Some(Box::new(hook));
    }

    /// Sets the hook that decides about a refused response, given its head and the beginning of its
    /// body.
    pub fn on_refused(&mut self, hook: impl FnMut(Refused) -> Verdict + Send + 'static) {
        self.on_refused = Some(Box::new(hook));
    }

    /// Sets the hook that decides about a response, given its head.
    pub fn on_response(&mut self, hook: impl FnMut(&Head, Verdict) -> Verdict + Send + Sync + 'static) {
        self.on_response = Some(Box::new(hook));
    }

    /// Sets the hook that sees each chunk of the body of an open response.
    pub fn on_chunk(&mut self, hook: impl FnMut(&[u8]) + Send + Sync + 'static) {
        self.on_chunk = Some(Box::new(hook));
    }
}

impl BlockingHttp {
    /// Joins the request of a source, its settings and its hooks. The driver of the source gets
    /// these settings [without a limit for the head](Config::with_head_timeout), which is kept
    /// here.
    pub fn new(template: Template, config: Config, hooks: BlockingHooks) -> Self {
        Self { template, config, hooks, expects: false }
    }

    /// Lets large bodies wait for the server's `100 Continue`, for an HTTP client that does so (see
    /// [`Attempt::expect_continue`](super::Attempt::expect_continue)).
    pub fn expect_continue(mut self) -> Self {
        self.expects = true;
        self
    }

    /// Sends the request of an attempt, and the requests that follow its redirects, by `send`;
    /// reads the beginning of a refused response and lets its hook decide.
    ///
    /// `send` sends one request, whose URI is absolute, and returns when the head of the response
    /// has arrived. It [runs](HeadClock::run) the clock when the first byte of the request is sent,
    /// [stops](HeadClock::stop) it when the head has arrived, and fails with
    /// [`HeadTimeout`](TransportError::HeadTimeout) when no time is left. Like a
    /// [`Client`](super::Client), it does not follow redirects or decode contents.
    ///
    /// # Errors
    ///
    /// If `send` or the hook for requests fails, or a redirect cannot be followed.
    pub fn connect<R: BlockingBody>(
        &mut self,
        asked: &proto::Request<'_>,
        mut send: impl FnMut(Request<Bytes>, &mut HeadClock) -> Result<Response<R>, TransportError>,
    ) -> Result<(Head, Body<Blocking<R>>), TransportError> {
        let mut attempt = self.template.attempt(asked)?;
        if let Some(hook) = &mut self.hooks.on_request {
            attempt.replace(hook(attempt.request()?, asked.attempt).map_err(TransportError::Hook)?)?;
        }
        if self.expects {
            attempt.expect_continue();
        }
        let mut clock = HeadClock::new(self.config.head_timeout());
        loop {
            let (parts, body) = send(attempt.request()?, &mut clock)?.into_parts();
            if let Some(head) = attempt.answer(parts)? {
                return Ok(self.decide(head, body));
            }
        }
    }

    /// Reads the beginning of a refused response, and lets the application's hook decide about it.
    fn decide<R: BlockingBody>(&mut self, mut head: Head, mut body: R) -> (Head, Body<Blocking<R>>) {
        let verdict = self.config.verdict(&head.response_head());
        if verdict == Verdict::Open {
            return (head, Body::new(Blocking(body)));
        }
        body.limit_time(Some(self.config.refused_body_timeout()));
        let mut body = Body::new(Blocking(body));
        // If the body breaks off, its beginning is used: the decision about the response stands.
        let _ = body.fill_blocking(Refused::BODY);
        if let Some(Blocking(rest)) = body.get_mut() {
            rest.limit_time(None);
        }
        head.verdict = Some(match &mut self.hooks.on_refused {
            Some(hook) => hook(Refused::new(head.clone(), Bytes::copy_from_slice(body.start()), verdict)),
            None => verdict,
        });
        (head, body)
    }

    /// The decision about a response, which the hook for responses may change.
    pub fn on_response(&mut self, head: &Head, verdict: Verdict) -> Verdict {
        head.decision(verdict, &mut self.hooks.on_response)
    }

    /// Shows a chunk of the body to its hook.
    pub fn on_chunk(&mut self, chunk: &[u8]) {
        if let Some(hook) = &mut self.hooks.on_chunk {
            hook(chunk);
        }
    }
}

impl fmt::Debug for BlockingHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingHttp").field("template", &self.template).finish_non_exhaustive()
    }
}

impl fmt::Debug for BlockingHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingHooks").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use proto::{CloseReason, EventSource, Instant, Output};

    use super::*;
    use crate::client::Draft;

    /// A body that counts its limits, and never ends after its bytes.
    struct Stalled(&'static [u8], Vec<Option<Duration>>);

    impl Read for Stalled {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::ErrorKind::TimedOut.into()),
                length => Ok(length),
            }
        }
    }

    impl BlockingBody for Stalled {
        fn limit_time(&mut self, time: Option<Duration>) {
            self.1.push(time);
        }
    }

    fn response(status: u16, body: &'static [u8]) -> Result<Response<Stalled>, TransportError> {
        let response = Response::builder().status(status).header("location", "/next");
        Ok(response.header("content-type", "text/event-stream").body(Stalled(body, Vec::new()))?)
    }

    type Answered = Result<(Head, Body<Blocking<Stalled>>), TransportError>;

    /// The answer to a `POST` with a large body, to which these statuses are the responses; and
    /// what was sent for it.
    fn answered(hooks: BlockingHooks, statuses: &[u16]) -> (Answered, BlockingHttp, Vec<String>) {
        let mut config = Config::default();
        let draft = Draft::get("http://x/first").method(http::Method::POST).body(vec![b'x'; 100_000]);
        let template = draft.finish(&mut config).unwrap();
        let mut http = BlockingHttp::new(template, config.clone(), hooks).expect_continue();
        let mut source = EventSource::new(config, 0);
        let Output::Connect { request, .. } = source.poll(Instant::ZERO, &mut &[][..]) else { panic!() };
        let mut sent = Vec::new();
        let mut statuses = statuses.iter();
        let answer = http.connect(&request, |request, clock| {
            let expects = request.headers().contains_key("expect");
            sent.push(format!("{} {} {expects}", request.uri(), request.body().len()));
            clock.run(Instant::ZERO);
            response(*statuses.next().unwrap(), b"why")
        });
        (answer, http, sent)
    }

    #[test]
    fn redirects_and_a_failed_expectation_lead_to_another_request() {
        let (answer, _, sent) = answered(BlockingHooks::default(), &[307, 417, 303, 200]);
        assert_eq!(answer.unwrap().0.status, 200);
        let first = "http://x/first 100000 true";
        assert_eq!(
            sent,
            [first, "http://x/next 100000 true", "http://x/next 100000 false", "http://x/next 0 false"]
        );
    }

    #[test]
    fn the_request_hook_sees_no_expectation_and_its_error_is_final_for_the_attempt() {
        let mut hooks = BlockingHooks::default();
        hooks.on_request(|request, attempt| {
            assert!(!request.headers().contains_key("expect"));
            Err(format!("attempt {attempt}").into())
        });
        let (answer, _, sent) = answered(hooks, &[]);
        let Err(TransportError::Hook(error)) = answer else { panic!() };
        assert_eq!((error.to_string().as_str(), sent.len()), ("attempt 0", 0));
    }

    #[test]
    fn the_hooks_decide_about_a_refused_response_one_after_the_other() {
        let retry = Verdict::Retry { status: 429, after: None };
        let mut hooks = BlockingHooks::default();
        hooks.on_refused(move |refused| {
            assert_eq!(
                (refused.text().as_str(), refused.verdict),
                ("why", Verdict::Close(CloseReason::Status(429)))
            );
            retry
        });
        let seen = Arc::new(Mutex::new(None));
        let told = Arc::clone(&seen);
        hooks.on_response(move |_, verdict| {
            *told.lock().unwrap() = Some(verdict);
            Verdict::Open
        });
        let (answer, mut http, _) = answered(hooks, &[429]);
        let (head, mut body) = answer.unwrap();
        assert_eq!(body.start(), b"why");
        assert!(body.get_mut().is_none(), "the rest is late");
        assert_eq!(http.on_response(&head, Verdict::Close(CloseReason::NoContent)), Verdict::Open);
        assert_eq!(*seen.lock().unwrap(), Some(retry));
    }

    #[test]
    fn only_a_refused_body_is_read_in_advance_and_its_limit_is_lifted() {
        let (answer, ..) = answered(BlockingHooks::default(), &[200]);
        let (_, mut body) = answer.unwrap();
        assert_eq!(body.start(), b"");
        assert_eq!(body.get_mut().unwrap().0.1, [], "no limit");
        let mut config = Config::default();
        let template = Draft::get("http://x/").finish(&mut config).unwrap();
        let mut http = BlockingHttp::new(template, config.clone(), BlockingHooks::default());
        let long = Stalled(&[b'x'; Refused::BODY + 1], Vec::new());
        let parts = Response::builder().status(401).body(()).unwrap().into_parts().0;
        let head = Head::new(parts, "http://x/".parse().unwrap());
        let (_, mut body) = http.decide(head, long);
        assert_eq!(body.start().len(), Refused::BODY);
        let limits = &body.get_mut().unwrap().0.1;
        assert_eq!(limits[..], [Some(config.refused_body_timeout()), None]);
    }

    #[test]
    fn chunks_are_shown_to_their_hook() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&seen);
        let mut hooks = BlockingHooks::default();
        hooks.on_chunk(move |chunk| told.lock().unwrap().extend_from_slice(chunk));
        let (_, mut http, _) = answered(hooks, &[200]);
        http.on_chunk(b"da");
        http.on_chunk(b"ta");
        assert_eq!(seen.lock().unwrap()[..], *b"data");
    }
}
