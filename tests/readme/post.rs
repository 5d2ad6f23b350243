use adapter::{Config, Error, EventSource, Repeat, http::Method};
use std::time::Duration;

fn chat(key: &str) -> Result<EventSource, Error> {
    EventSource::builder("https://api.example.com/v1/chat/completions")
        .method(Method::POST)
        .bearer_auth(key)
        .header("content-type", "application/json")
        .body(r#"{"model": "m", "stream": true}"#)
        .config(
            Config::default()
                .with_idle_timeout(Duration::from_secs(60))
                .with_retry_status(Config::TRANSIENT_STATUS) // 429, 503 and the like, after `Retry-After`
                .with_repeat(Repeat::IfRefused), // but not after half an answer
        )
        .build()
}
