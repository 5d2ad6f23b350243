//! The event source that `sse tail` follows.

use sse_tokio::reqwest::Method;
use sse_tokio::reqwest::header::{CONTENT_TYPE, USER_AGENT};
use sse_tokio::{Builder, EventSource};

use super::Arguments;
use crate::failure::Failure;

/// The source that the arguments describe, without its hooks.
pub(super) fn builder(arguments: &Arguments) -> Result<Builder, Failure> {
    let request = &arguments.request;
    let mut builder =
        EventSource::builder(request.with_credentials(&arguments.url)).config(arguments.config());
    if let Some(client) = request.client_builder()? {
        builder = builder.client_builder(client);
    }
    let mut removed = Vec::new();
    let mut given = Vec::new();
    for (name, value) in request.headers() {
        given.push(name);
        match value {
            Some(value) => builder = builder.header(name, value),
            None => removed.push(name.clone()),
        }
    }
    if !given.contains(&&USER_AGENT) {
        builder = builder.header(USER_AGENT, concat!("sse/", env!("CARGO_PKG_VERSION")));
    }
    if let Some(data) = request.data() {
        if !given.contains(&&CONTENT_TYPE) {
            builder = builder.header(CONTENT_TYPE, request.content_type());
        }
        builder = builder.method(Method::POST).body(data.to_vec());
    }
    if let Some(method) = &request.method {
        builder = builder.method(method.clone());
    }
    if !removed.is_empty() {
        builder = builder.on_request(move |mut request, _| {
            for name in &removed {
                request.headers_mut().remove(name);
            }
            async { Ok(request) }
        });
    }
    Ok(builder)
}
