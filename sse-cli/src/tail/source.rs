//! Event source of one URL.

use std::sync::Arc;

use sse_tokio::reqwest::header::{CONTENT_TYPE, USER_AGENT};
use sse_tokio::reqwest::{Method, Url};
use sse_tokio::{Builder, EventSource};

use super::Arguments;
use crate::cookies::Jar;
use crate::failure::Failure;

/// Creates the source that the arguments describe, without its hooks.
pub(super) fn builder(arguments: &Arguments, url: &Url, jar: Option<&Jar>) -> Result<Builder, Failure> {
    let request = &arguments.request;
    let mut builder = EventSource::builder(request.with_credentials(url)).config(arguments.config());
    let mut client = request.client_builder()?;
    if let Some(jar) = jar {
        let with_cookies = client.unwrap_or_else(sse_tokio::client_builder);
        client = Some(with_cookies.cookie_provider(Arc::new(jar.clone())));
    }
    if let Some(client) = client {
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
        match request.user_agent() {
            Some(name) => builder = builder.header(USER_AGENT, name),
            None => removed.push(USER_AGENT),
        }
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
