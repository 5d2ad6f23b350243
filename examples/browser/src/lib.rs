//! The client in a browser, over the stream of `fetch`: any method and header, and detailed errors.
//!
//! There are no threads here, nothing is `Send`, and `std::time::Instant::now` would panic: `Epoch`
//! reads `performance.now()`. `index.html` shows how it is built and called.

use std::collections::HashMap;

use sse_proto::{ClientEvent, Config, Driver, EventSource};
use wasm_bindgen::prelude::*;

mod fetch;

/// Follows `url` until the source ends, and returns why it ended.
///
/// Calls `seen(kind, text)` for each response that opens the stream, and for each message, comment
/// and disconnection; for a message, `kind` is its event type.
///
/// # Errors
///
/// If there is no window, as in a worker, or if `seen` throws.
#[wasm_bindgen]
pub async fn follow(url: String, headers: js_sys::Map, seen: js_sys::Function) -> Result<String, JsValue> {
    let mut map = HashMap::new();
    headers.for_each(&mut |value, name| {
        if let (Some(name), Some(value)) = (name.as_string(), value.as_string()) {
            map.insert(name, value);
        }
    });
    let transport = fetch::Fetch::new(url, map)?;
    let seed = (js_sys::Math::random() * 2f64.powi(53)) as u64;
    let mut driver = Driver::new(EventSource::new(Config::default(), seed), transport);
    let told = |kind: &str, text: &str| seen.call2(&JsValue::NULL, &kind.into(), &text.into()).map(drop);
    while let Some(event) = driver.next().await {
        match event {
            Ok(ClientEvent::Open(head)) => told("open", &head.status.to_string())?,
            Ok(ClientEvent::Message(event)) => told(event.event, event.data)?,
            Ok(ClientEvent::Comment(comment)) => told("comment", comment)?,
            Ok(ClientEvent::Disconnected { cause, delay, .. }) => {
                told("disconnected", &format!("{}, again in {delay:?}", cause.cause()))?;
            }
            Ok(_) => {}
            Err(closed) => return Ok(closed.reason.to_string()),
        }
    }
    Ok(String::new())
}
