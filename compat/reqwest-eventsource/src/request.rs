//! The request that each attempt sends, and the check of its response.

use std::pin::Pin;

use proto::is_event_stream;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, Request, RequestBuilder, Response, StatusCode};

use crate::{CannotCloneRequestError, Error, EventSource};

#[cfg(not(target_arch = "wasm32"))]
pub(crate) type ResponseFuture = Pin<Box<dyn Future<Output = reqwest::Result<Response>> + Send>>;
#[cfg(target_arch = "wasm32")]
pub(crate) type ResponseFuture = Pin<Box<dyn Future<Output = reqwest::Result<Response>>>>;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Adds [`eventsource`](Self::eventsource) to a [`RequestBuilder`].
pub trait RequestBuilderExt {
    /// Follows the event stream that the server sends in response to this request.
    ///
    /// # Errors
    ///
    /// If the request cannot be cloned: its body is a stream, or it is not valid.
    fn eventsource(self) -> Result<EventSource, CannotCloneRequestError>;
}

impl RequestBuilderExt for RequestBuilder {
    fn eventsource(self) -> Result<EventSource, CannotCloneRequestError> {
        EventSource::new(self)
    }
}

/// The request that every attempt sends, without the last event ID.
pub(crate) struct Template {
    client: Client,
    request: Request,
}

impl Template {
    /// Splits the builder into the request and the last event ID of its header, which is sent until
    /// the stream sets another.
    pub(crate) fn new(builder: RequestBuilder) -> Result<(Self, String), CannotCloneRequestError> {
        let (client, request) = builder.build_split();
        let mut request = request.map_err(|_| CannotCloneRequestError)?;
        request.try_clone().ok_or(CannotCloneRequestError)?;
        let headers = request.headers_mut();
        headers.append(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let text = headers.get(LAST_EVENT_ID).and_then(|value| str::from_utf8(value.as_bytes()).ok());
        let id = text.map(str::to_owned);
        if id.is_some() {
            headers.remove(LAST_EVENT_ID);
        }
        Ok((Self { client, request }, id.unwrap_or_default()))
    }

    /// Sends the request. The ID is sent too, unless it is empty or no header can carry it (9.2.3).
    pub(crate) fn send(&self, last_event_id: &str) -> ResponseFuture {
        let mut request = self.request.try_clone().expect("it was cloned when the template was made");
        if let Some(value) = header(last_event_id) {
            request.headers_mut().insert(LAST_EVENT_ID, value);
        }
        Box::pin(self.client.execute(request))
    }
}

fn header(id: &str) -> Option<HeaderValue> {
    let value = HeaderValue::from_bytes(id.as_bytes()).ok()?;
    // reqwest fails a request of the browser's `fetch` if a value is not ASCII.
    let sendable = !cfg!(target_arch = "wasm32") || value.to_str().is_ok();
    (!id.is_empty() && sendable).then_some(value)
}

/// Accepts a 200 whose content type is that of an event stream (9.2.3).
#[expect(clippy::result_large_err, reason = "the variants of the error are those of old")]
pub(crate) fn check(response: Response) -> Result<Response, Error> {
    let status = response.status();
    if status != StatusCode::OK {
        return Err(Error::InvalidStatusCode(status, response));
    }
    // Of several headers the last counts (Fetch, "extract a MIME type"). A parameter does not, so
    // it may be any bytes.
    let value = response.headers().get_all(CONTENT_TYPE).iter().next_back();
    let text = value.and_then(|value| value.as_bytes().utf8_chunks().next());
    if text.is_some_and(|text| is_event_stream(text.valid())) {
        return Ok(response);
    }
    let value = value.cloned().unwrap_or_else(|| HeaderValue::from_static(""));
    Err(Error::InvalidContentType(value, response))
}
