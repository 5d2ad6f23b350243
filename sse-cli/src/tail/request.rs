//! The request, in the notation of curl.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::str::FromStr;

use sse_tokio::reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use sse_tokio::reqwest::{Certificate, Client, ClientBuilder, Method};
use sse_tokio::{Builder, EventSource};

use super::Arguments;
use crate::failure::{FAILED, Failure};

/// What one `-H` says: a header, or a file of them.
#[derive(Clone, Debug)]
pub(super) struct Headers(Vec<(HeaderName, Option<HeaderValue>)>);

/// What `-d` says.
#[derive(Clone, Debug)]
pub(super) struct Data(Vec<u8>);

impl FromStr for Headers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(path) = text.strip_prefix('@') else { return Ok(Self(vec![header(text)?])) };
        let lines = String::from_utf8(read(path)?).map_err(|error| format!("{path}: {error}"))?;
        lines.lines().filter(|line| !line.trim().is_empty()).map(header).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Data {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix('@') {
            Some(path) => read(path).map(Self),
            None if text == "-" => read(text).map(Self),
            None => Ok(Self(text.into())),
        }
    }
}

/// A header, or `None` as the value of one that is not to be sent.
fn header(text: &str) -> Result<(HeaderName, Option<HeaderValue>), String> {
    let (name, value) = match (text.split_once(':'), text.strip_suffix(';')) {
        (Some((name, value)), _) => (name, Some(value.trim()).filter(|value| !value.is_empty())),
        (None, Some(name)) => (name, Some("")),
        (None, None) => return Err("a header is written `Name: value`".into()),
    };
    let value = value.map(HeaderValue::from_str).transpose().map_err(|error| error.to_string())?;
    Ok((name.trim().parse().map_err(|_| format!("`{name}` is no name of a header"))?, value))
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    let read = if path == "-" {
        let mut data = Vec::new();
        io::stdin().read_to_end(&mut data).map(|_| data)
    } else {
        fs::read(path)
    };
    read.map_err(|error| format!("{path}: {error}"))
}

/// The source that the arguments describe, without its hooks.
pub(super) fn builder(arguments: &Arguments) -> Result<Builder, Failure> {
    let mut url = arguments.url.clone();
    if let Some((user, password)) = &arguments.user {
        // A URL leaves `%` as it is. They fail for URLs without a host, of which the builder says more.
        let _ = url.set_username(&user.replace('%', "%25"));
        let _ = url.set_password(Some(&password.replace('%', "%25")));
    }
    let mut builder = EventSource::builder(url).config(arguments.config());
    if let Some(client) = client(arguments)? {
        builder = builder.client_builder(client);
    }
    let mut removed = Vec::new();
    let mut given = Vec::new();
    for (name, value) in arguments.headers.iter().flat_map(|headers| &headers.0) {
        given.push(name);
        match value {
            Some(value) => builder = builder.header(name, value),
            None => removed.push(name.clone()),
        }
    }
    if !given.contains(&&USER_AGENT) {
        builder = builder.header(USER_AGENT, concat!("sse/", env!("CARGO_PKG_VERSION")));
    }
    if let Some(Data(data)) = &arguments.data {
        if !given.contains(&&CONTENT_TYPE) {
            builder = builder.header(CONTENT_TYPE, content_type(data));
        }
        builder = builder.method(Method::POST).body(data.clone());
    }
    if let Some(method) = &arguments.method {
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

/// The API of a language model takes JSON, and curl's own default is a form. A form is no JSON.
fn content_type(data: &[u8]) -> &'static str {
    match serde_json::from_slice::<serde::de::IgnoredAny>(data) {
        Ok(_) => "application/json",
        Err(_) => "application/x-www-form-urlencoded",
    }
}

/// The settings of a client that is not the usual one.
fn client(arguments: &Arguments) -> Result<Option<ClientBuilder>, Failure> {
    if !arguments.insecure && arguments.cacert.is_none() {
        return Ok(None);
    }
    let mut client = Client::builder().tls_danger_accept_invalid_certs(arguments.insecure);
    if let Some(path) = &arguments.cacert {
        client = client.tls_certs_only(certificates(path)?);
    }
    Ok(Some(client))
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let name = path.display().to_string();
    let pem = fs::read(path).map_err(|error| Failure::new(FAILED, &name, &error))?;
    let certificates =
        Certificate::from_pem_bundle(&pem).map_err(|error| Failure::new(FAILED, &name, &error))?;
    if certificates.is_empty() {
        let message = format!("{name}: there is no certificate in it (PEM)");
        return Err(Failure::Other { message, code: FAILED });
    }
    Ok(certificates)
}
