//! A POST becomes events.

use std::time::Instant;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{self, HeaderMap};
use serde::Deserialize;
use sse_tokio::server::{EncodeError, EventBuilder};

use super::routes::{App, Refusal};

/// One event as JSON gives it.
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
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    app.access.may_publish(&headers)?;
    let envelopes = envelopes(&headers, &body)?;
    let events: Vec<_> = envelopes.iter().map(Envelope::event).collect::<Result<_, _>>()?;
    if let Some(rate) = &app.rate {
        let mut rate = rate.lock().expect("nothing panics while it holds the lock");
        rate.take(events.len(), Instant::now()).map_err(Refusal::rate)?;
    }
    let Ok(ids) = app.topic(&topic)?.publish_all(&events).await;
    let answer = serde_json::json!({ "ids": ids });
    Ok(([(header::CONTENT_TYPE, "application/json")], format!("{answer}\n")).into_response())
}

fn envelopes(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Envelope>, Refusal> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        let explain = |error| {
            let wanted = r#"{"data": "..", "event": "..", "id": ".."} or an array of them"#;
            let hint = "to publish JSON itself, send it as text/plain";
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

fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let value = str::from_utf8(value.as_bytes())
        .map_err(|error| Refusal::bad_request(format!("the header {name} is not UTF-8: {error}")))?;
    Ok(Some(value.to_owned()))
}

impl Envelope {
    fn event(&self) -> Result<EventBuilder<'_>, EncodeError> {
        let mut event = EventBuilder::new().data(&self.data);
        if let Some(name) = &self.event {
            event = event.event(name)?;
        }
        if let Some(id) = &self.id {
            event = event.id(id)?;
        }
        Ok(event)
    }
}

impl From<EncodeError> for Refusal {
    fn from(error: EncodeError) -> Self {
        Self::bad_request(error.to_string())
    }
}
