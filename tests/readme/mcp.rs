use futures_util::TryStreamExt;
use serde_json::Value;
use adapter::{CloseReason, EventSource, MessagesError, http::Method};

async fn call(url: &str, request: &Value) -> Result<Value, Box<dyn std::error::Error>> {
    let source = EventSource::builder(url).method(Method::POST).json(request);
    let source = source.header("accept", "application/json, text/event-stream").build()?;
    let mut messages = source.messages().json::<Value>();
    loop {
        match messages.try_next().await {
            Ok(Some(message)) if message["id"] == request["id"] && message["method"].is_null() => return Ok(message),
            Ok(Some(_)) => {} // a notification, or a request of the server
            Ok(None) => return Err("the stream ended without the response".into()),
            // The server answered with JSON instead of a stream.
            Err(MessagesError::Source(mut error)) if error.reason() == Some(CloseReason::ContentType) => {
                return Ok(error.json(1 << 20).await?);
            }
            Err(error) => return Err(error.into()),
        }
    }
}
