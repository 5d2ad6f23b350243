//! Transport over `fetch`: the reader of its body, `setTimeout`, and the clock of the feature
//! `web-time`.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use js_sys::{Promise, Uint8Array};
use sse_proto::{Epoch, ErrorKind, Instant, Request, ResponseHead, Timer, Transport};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, ReadableStreamReadResult, RequestInit, Response,
    Window,
};

pub struct Fetch {
    window: Window,
    clock: Epoch,
    url: String,
    headers: HashMap<String, String>,
}

/// The parts of a response's head that this client uses.
pub struct Head {
    pub status: u16,
    content_type: Option<String>,
    retry_after: Option<String>,
    date: Option<String>,
}

/// The body of a response, read one promise at a time. Dropping it ends the request.
pub struct Body {
    reader: Option<ReadableStreamDefaultReader>,
    reading: Option<JsFuture>,
    _request: Abort,
}

/// Aborts the request when dropped, both while it is sent and while its body is read.
pub struct Abort(AbortController);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Fetch {
    pub fn new(url: String, headers: HashMap<String, String>) -> Result<Self, JsValue> {
        let window = web_sys::window().ok_or("there is no window")?;
        Ok(Self { window, clock: Epoch::default(), url, headers })
    }

    fn request(&self, request: Request<'_>) -> Result<(Promise, Abort), JsValue> {
        let headers = Headers::new()?;
        headers.set("Accept", "text/event-stream")?;
        for (name, value) in &self.headers {
            headers.set(name, value)?;
        }
        if let Some(id) = request.last_event_id {
            // A header of fetch is a string of bytes, one a character (9.2.3 wants those of UTF-8).
            headers.set("Last-Event-ID", &id.bytes().map(char::from).collect::<String>())?;
        }
        let abort = Abort(AbortController::new()?);
        let init = RequestInit::new();
        init.set_headers(&headers);
        init.set_signal(Some(&abort.0.signal()));
        init.set_cache(web_sys::RequestCache::NoStore);
        Ok((self.window.fetch_with_str_and_init(&self.url, &init), abort))
    }
}

impl Timer for Fetch {
    type Sleep = Pin<Box<dyn Future<Output = ()>>>;

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        let delay = deadline.saturating_duration_since(self.now());
        let window = self.window.clone();
        Box::pin(async move {
            // Rounded up, because an early wake-up would be wrong. A longer delay wakes up too
            // early once and is set again.
            let millis = i32::try_from(delay.as_millis()).map_or(i32::MAX, |millis| millis.saturating_add(1));
            let promise = Promise::new(&mut |resolve, _| {
                // A page without a window has ended.
                let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, millis);
            });
            let _ = JsFuture::from(promise).await;
        })
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }
}

impl Transport for Fetch {
    type Head = Head;
    type Body = Body;
    type Chunk = Vec<u8>;
    type Error = JsValue;
    type Connect = Pin<Box<dyn Future<Output = Result<(Head, Body), JsValue>>>>;

    fn connect(&mut self, request: Request<'_>) -> Self::Connect {
        let sent = self.request(request);
        Box::pin(async move {
            let (promise, abort) = sent?;
            let response: Response = JsFuture::from(promise).await?.dyn_into()?;
            let text = |name| response.headers().get(name);
            let head = Head {
                status: response.status(),
                content_type: text("content-type")?,
                retry_after: text("retry-after")?,
                date: text("date")?,
            };
            let reader = response.body().map(|body| body.get_reader().dyn_into()).transpose()?;
            Ok((head, Body { reader, reading: None, _request: abort }))
        })
    }

    fn head(head: &Head) -> ResponseHead<'_> {
        let headers = [
            ("content-type", &head.content_type),
            ("retry-after", &head.retry_after),
            ("date", &head.date),
        ];
        ResponseHead::new(head.status, headers.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))))
    }

    fn error_kind(_: &JsValue) -> ErrorKind {
        // A browser does not tell a refused connection from one that CORS forbids.
        ErrorKind::Retryable
    }

    fn clock(&self) -> Arc<dyn Fn() -> Instant + Send + Sync> {
        let clock = self.clock;
        Arc::new(move || clock.now())
    }
}

impl Stream for Body {
    type Item = Result<Vec<u8>, JsValue>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(reader) = &this.reader else { return Poll::Ready(None) };
        let reading = this.reading.get_or_insert_with(|| JsFuture::from(reader.read()));
        let result = ready!(Pin::new(reading).poll(cx));
        this.reading = None;
        let result: ReadableStreamReadResult = match result {
            Ok(result) => result.unchecked_into(),
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        if result.get_done().unwrap_or(false) {
            this.reader = None;
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Uint8Array::new(&result.get_value()).to_vec())))
    }
}
