//! Publishing: converts the body of a POST to events.

use std::time::{Duration, Instant};

use axum::extract::{FromRequest as _, Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use serde::Deserialize;
use sse_hub::{EncodeError, EventBuilder};
use sse_tokio::Limits;
use tokio::time::timeout;

use super::access::Caller;
use super::refusal::Refusal;
use super::routes::App;
use crate::text::excerpt;

/// How many bodies are read at a time; other publishers wait, and take little memory meanwhile.
pub(super) const BODIES: usize = 64;

/// How long a body waits for its turn. Short, because its first bytes take up buffer space of the
/// connection that bodies being read may need.
const TURN: Duration = Duration::from_secs(2);

/// How long reading a body may take.
const PATIENCE: Duration = Duration::from_secs(30);

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// One event in JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    data: String,
    event: Option<String>,
    id: Option<String>,
}

pub(super) async fn publish(
    State(app): State<App>,
    Path(topic): Path<String>,
    caller: Caller,
    request: Request,
) -> Result<Response, Refusal> {
    // First of all, so that nothing is read of a client that may not publish.
    app.access.publishing(&caller)?.require([&*topic])?;
    let headers = request.headers().clone();
    let turn = timeout(TURN, app.bodies.acquire()).await.map_err(|_| Refusal::busy())?;
    let turn = turn.expect("the semaphore is never closed");
    let read = timeout(PATIENCE, Bytes::from_request(request, &())).await;
    drop(turn);
    let body = match read {
        Ok(Ok(body)) => body,
        Ok(Err(rejection)) => return Ok(rejection.into_response()),
        Err(_) => return Err(Refusal::timeout()),
    };
    let key = idempotency_key(&headers)?;
    let envelopes = envelopes(&headers, &body)?;
    let events: Vec<_> = envelopes.iter().map(Envelope::event).collect::<Result<_, Refusal>>()?;
    if let Some(rate) = &app.rate {
        let mut rate = rate.lock().expect("nothing panics while it holds the lock");
        rate.take(events.len(), Instant::now()).map_err(Refusal::rate)?;
    }
    let topic = app.topic(&topic)?;
    let ids = match key {
        Some(key) => topic.publish_once(key, &events).await?,
        None => topic.publish_all(&events).await?,
    };
    let answer = serde_json::json!({ "ids": ids });
    Ok(([(header::CONTENT_TYPE, "application/json")], format!("{answer}\n")).into_response())
}

fn envelopes(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Envelope>, Refusal> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/vnd.sse+json") {
        let explain = |error: serde_json::Error| {
            let wanted = r#"{"data": "..", "event": "..", "id": ".."} or an array of them"#;
            let hint = "to publish JSON itself, send it as application/json";
            // It quotes what it does not like, whatever its size.
            let error = excerpt(&error.to_string(), 200);
            Refusal::bad_request(format!("{error}: send {wanted}; {hint}"))
        };
        let several = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        return if several {
            serde_json::from_slice(body).map_err(explain)
        } else {
            serde_json::from_slice(body).map(|envelope| vec![envelope]).map_err(explain)
        };
    }
    let data = str::from_utf8(body)
        .map_err(|error| Refusal::bad_request(format!("the body is not UTF-8: {error}")))?;
    Ok(vec![Envelope {
        data: data.to_owned(),
        event: text(headers, "sse-event")?,
        id: text(headers, "sse-id")?,
    }])
}

/// The idempotency key as it was sent: quotes included, any bytes.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&[u8]>, Refusal> {
    Ok(single(headers, IDEMPOTENCY_KEY)?.map(HeaderValue::as_bytes))
}

/// The value of a header that is sent at most once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a HeaderValue>, Refusal> {
    if headers.get_all(name).iter().nth(1).is_some() {
        return Err(Refusal::bad_request(format!("there is more than one {name}: send one")));
    }
    Ok(headers.get(name))
}

fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refusal> {
    let Some(value) = single(headers, name)? else { return Ok(None) };
    let value = str::from_utf8(value.as_bytes())
        .map_err(|error| Refusal::bad_request(format!("the header {name} is not UTF-8: {error}")))?;
    Ok(Some(value.to_owned()))
}

impl Envelope {
    fn event(&self) -> Result<EventBuilder<'_>, Refusal> {
        let mut event = EventBuilder::new().data(&self.data);
        if let Some(name) = &self.event {
            event = event.event(name)?;
        }
        if let Some(id) = &self.id {
            event = event.id(id)?;
            // The ID comes back in a header, which bounds its length and can carry neither these
            // characters nor outer blanks.
            let limit = Limits::default().id();
            if id.len() > limit || id.contains(char::is_control) || id.trim_matches(' ') != id {
                return Err(Refusal::bad_request(format!(
                    "an ID has at most {limit} bytes, no control characters, and no blank at its ends"
                )));
            }
        }
        Ok(event)
    }
}

impl From<EncodeError> for Refusal {
    fn from(error: EncodeError) -> Self {
        Self::bad_request(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Poll;

    use axum::Router;
    use axum::body::Body;
    use futures_util::{future, stream};
    use http::StatusCode;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;
    use sse_hub::{Hub, HubConfig};

    use super::super::access::Access;
    use super::super::arguments::tests::parse;
    use super::super::metrics::Counters;
    use super::super::routes::router;
    use super::*;

    fn app(arguments: &[&str]) -> TowerToHyperService<Router> {
        let arguments = parse(arguments);
        let access = Access::new(&arguments.access, false).unwrap();
        let hub = Hub::new(HubConfig::default());
        TowerToHyperService::new(router(&arguments, hub, access, Counters::new()))
    }

    /// Publishes a body that never arrives; `asked` counts the bodies that were waited for.
    async fn publish_nothing(app: &TowerToHyperService<Router>, asked: &Arc<AtomicUsize>) -> StatusCode {
        let asked = Arc::clone(asked);
        let mut first = true;
        let body = stream::poll_fn(move |_| {
            asked.fetch_add(usize::from(std::mem::take(&mut first)), Ordering::Relaxed);
            Poll::<Option<Result<Bytes, std::io::Error>>>::Pending
        });
        let request = Request::post("/events/t").header("host", "localhost").body(Body::from_stream(body));
        app.call(request.unwrap()).await.unwrap().status()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up_and_few_are_read_at_a_time() {
        let (app, asked) = (app(&[]), Arc::default());
        let publishers = future::join_all((0..2 * BODIES).map(|_| publish_nothing(&app, &asked)));
        let mut publishers = std::pin::pin!(publishers);
        assert!(poll_fn(|cx| Poll::Ready(publishers.as_mut().poll(cx).is_pending())).await);
        assert_eq!(asked.load(Ordering::Relaxed), BODIES);
        let (read, waited) = (StatusCode::REQUEST_TIMEOUT, StatusCode::SERVICE_UNAVAILABLE);
        let expected: Vec<_> = [[read; BODIES], [waited; BODIES]].concat();
        assert_eq!(publishers.await, expected);
    }

    #[tokio::test]
    async fn the_body_of_a_request_without_the_right_to_publish_is_not_read() {
        let asked = Arc::default();
        assert_eq!(
            publish_nothing(&app(&["--publish-token", "secret"]), &asked).await,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    }
}
