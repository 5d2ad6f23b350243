//! Options that describe a request, in the notation of curl.

mod connection;

use std::fs;
use std::io::{self, Read as _};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use sse_tokio::reqwest::header::{HeaderName, HeaderValue, USER_AGENT};
use sse_tokio::reqwest::{ClientBuilder, Method, Url};

use crate::failure::Failure;

use connection::ConnectionArguments;

/// Options for a request, of every command that sends one.
#[derive(Args, Debug)]
pub(crate) struct RequestArguments {
    /// Header in curl's notation: `Name: value`, `Name;` for an empty value, `Name:` to send none,
    /// @FILE for a file of headers
    #[arg(short = 'H', long = "header", value_name = "HEADER", help_heading = "Request")]
    pub(crate) headers: Vec<Headers>,

    /// Request method
    #[arg(short = 'X', long = "request", value_name = "METHOD", help_heading = "Request")]
    pub(crate) method: Option<Method>,

    /// Request body, sent with POST unless -X sets the method; @FILE reads a file, - standard
    /// input. The content type is application/json if the body is JSON, otherwise
    /// application/x-www-form-urlencoded; -H sets another
    #[arg(short, long, value_name = "DATA", help_heading = "Request")]
    pub(crate) data: Option<Data>,

    /// User name and password, for basic authentication
    #[arg(short, long, value_name = "USER:PASSWORD", value_parser = user, help_heading = "Request")]
    pub(crate) user: Option<(String, String)>,

    /// User-Agent header; empty for none [default: sse/VERSION]
    #[arg(short = 'A', long, value_name = "NAME", help_heading = "Request")]
    user_agent: Option<HeaderValue>,

    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
}

/// Value of one `-H` option: a header, or a file of headers.
#[derive(Clone, Debug)]
pub(crate) struct Headers(Vec<(HeaderName, Option<HeaderValue>)>);

/// Value of the option `-d`.
#[derive(Clone, Debug)]
pub(crate) struct Data(Vec<u8>);

impl Headers {
    /// The headers in order; the value `None` means that the header is not sent.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&HeaderName, Option<&HeaderValue>)> {
        self.0.iter().map(|(name, value)| (name, value.as_ref()))
    }
}

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

/// Parses a header argument, `Name: value`. `Name:` gives `None`: the header is not sent. `Name;`
/// sends the header with an empty value.
fn header(text: &str) -> Result<(HeaderName, Option<HeaderValue>), String> {
    let (name, value) = match (text.split_once(':'), text.strip_suffix(';')) {
        (Some((name, value)), _) => (name, Some(value.trim()).filter(|value| !value.is_empty())),
        (None, Some(name)) => (name, Some("")),
        (None, None) => return Err("a header is written `Name: value`".into()),
    };
    let value = value.map(HeaderValue::from_str).transpose().map_err(|error| error.to_string())?;
    Ok((name.trim().parse().map_err(|_| format!("`{name}` is not the name of a header"))?, value))
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

impl RequestArguments {
    /// The URL with the credentials of `--user`.
    pub(crate) fn with_credentials(&self, url: &Url) -> Url {
        let mut url = url.clone();
        if let Some((user, password)) = &self.user {
            // A URL leaves `%` as it is. They fail for URLs without a host, which cannot be
            // requested.
            let _ = url.set_username(&user.replace('%', "%25"));
            let _ = url.set_password(Some(&password.replace('%', "%25")));
        }
        url
    }

    /// All given headers in order; the value `None` means that the header is not sent.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&HeaderName, Option<&HeaderValue>)> {
        self.headers.iter().flat_map(Headers::iter)
    }

    /// The request body.
    pub(crate) fn data(&self) -> Option<&[u8]> {
        self.data.as_ref().map(|data| &data.0[..])
    }

    /// The content type of the body, unless a header sets another.
    ///
    /// APIs of language models expect JSON, while curl's default is a form. A form is never JSON,
    /// so the body decides.
    pub(crate) fn content_type(&self) -> &'static str {
        match serde_json::from_slice::<serde::de::IgnoredAny>(self.data().unwrap_or_default()) {
            Ok(_) => "application/json",
            Err(_) => "application/x-www-form-urlencoded",
        }
    }

    /// The `User-Agent` header: from `-A`, unless `-H` sets one; by default this command's name and
    /// version.
    pub(crate) fn user_agent(&self) -> Option<HeaderValue> {
        match &self.user_agent {
            Some(name) => Some(name.clone()).filter(|name| !name.is_empty()),
            None => Some(HeaderValue::from_static(concat!("sse/", env!("CARGO_PKG_VERSION")))),
        }
    }

    /// A contradiction between options of this group.
    pub(crate) fn conflict(&self) -> Option<&'static str> {
        if self.user_agent.is_some() && self.headers().any(|(name, _)| name == USER_AGENT) {
            return Some("-A and -H both set User-Agent; give one of them");
        }
        self.connection.conflict()
    }

    /// The settings of the HTTP client; `None` for the default ones.
    pub(crate) fn client_builder(&self) -> Result<Option<ClientBuilder>, Failure> {
        // Without this, the client adds a `User-Agent` of its own to requests that have none.
        let bare = self.user_agent().is_none()
            || self.headers().any(|(name, value)| name == USER_AGENT && value.is_none());
        self.connection.client_builder(bare)
    }
}

/// A URL without possible secrets: credentials, query values and fragment.
pub(crate) fn shown(url: &Url) -> Url {
    let mut url = url.clone();
    // Fails for a URL without a host, which has no credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// Parses a URL; without a scheme it is `http`, as in browsers and curl: `localhost:8080/events`.
pub(crate) fn url(text: &str) -> Result<Url, impl std::error::Error + Send + Sync + use<>> {
    // Only at the start, because the query may contain another URL.
    let is_scheme =
        |scheme: &str| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    match text.split_once("://") {
        Some((scheme, _)) if is_scheme(scheme) => text.parse(),
        _ => format!("http://{text}").parse(),
    }
}

fn user(text: &str) -> Result<(String, String), &'static str> {
    let (user, password) = text.split_once(':').ok_or("a colon and the password are missing")?;
    Ok((user.to_owned(), password.to_owned()))
}

/// Parses a positive number of seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds: f64 = text.parse().map_err(|_| "not a number")?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ if seconds > 1.0 => Err("the time is too long"),
        _ => Err("the time must be above 0 seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_scheme_is_one_of_http() {
        assert_eq!(url("localhost:8080/events").unwrap().as_str(), "http://localhost:8080/events");
        let query = url("localhost/?to=https://example.com").unwrap();
        assert_eq!(query.as_str(), "http://localhost/?to=https://example.com");
        assert_eq!(url("https://example.com").unwrap().as_str(), "https://example.com/");
    }
}
