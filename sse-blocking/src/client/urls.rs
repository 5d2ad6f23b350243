//! What is done to a URL before it is sent.

use base64::prelude::{BASE64_STANDARD, Engine};
use percent_encoding::percent_decode_str;
use ureq::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use url::Url;

/// Moves the credentials of the URL to where HTTP has them (ureq would send them percent-encoded). A header that is set
/// already stands.
pub(super) fn take_credentials(url: &mut Url, headers: &mut HeaderMap) {
    if url.username().is_empty() && url.password().is_none() {
        return;
    }
    let mut pair: Vec<u8> = percent_decode_str(url.username()).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(url.password().unwrap_or_default()));
    if let Ok(mut value) = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(pair))) {
        value.set_sensitive(true);
        headers.entry(AUTHORIZATION).or_insert(value);
    }
    // Only a URL without a host refuses, and one of HTTP has it.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
}

/// Sets a parameter of the query; the others stay as they are, to the letter if this one was not there.
pub(super) fn set_query_parameter(url: &mut Url, name: &str, value: &str) {
    if url.query_pairs().any(|(other, _)| other == name) {
        let others: Vec<_> = url.query_pairs().into_owned().filter(|(other, _)| other != name).collect();
        url.query_pairs_mut().clear().extend_pairs(others);
    }
    url.query_pairs_mut().append_pair(name, value);
}
