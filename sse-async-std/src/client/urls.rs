//! What is done to a URL before it is sent.

use http::header::{AUTHORIZATION, HeaderMap};
use url::Url;

use super::proxy::basic;

/// Moves the credentials of the URL to where HTTP has them. A header that is set already stands.
pub(super) fn take_credentials(url: &mut Url, headers: &mut HeaderMap) {
    if url.username().is_empty() && url.password().is_none() {
        return;
    }
    if let Some(value) = basic(url) {
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
