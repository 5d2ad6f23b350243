use futures_util::TryStreamExt;
use serde::Deserialize;
use adapter::{EventSource, http::Method};

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part {
    ContentBlockDelta { delta: Delta },
    Error { error: serde_json::Value }, // arrives inside a 200
    #[serde(other)]
    Other, // `ping`, and types that come later
}

#[derive(Deserialize)]
struct Delta {
    text: Option<String>,
}

async fn ask(url: &str, key: &str, body: &serde_json::Value) -> Result<String, Box<dyn std::error::Error>> {
    let request = EventSource::builder(url).method(Method::POST).json(body);
    let source = request.header("x-api-key", key).header("anthropic-version", "2023-06-01").build()?;
    let mut parts = source.messages().json::<Part>().until_event("message_stop");
    let mut text = String::new();
    while let Some(part) = parts.try_next().await? {
        match part {
            Part::ContentBlockDelta { delta } => text += delta.text.as_deref().unwrap_or_default(),
            Part::Error { error } => return Err(error.to_string().into()),
            Part::Other => {}
        }
    }
    Ok(text)
}
