//! Removal of secrets from a report: credentials of the request, which a server may echo.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sse_tokio::reqwest::Url;
use sse_tokio::reqwest::header::{HeaderName, HeaderValue};

use super::finding::Finding;

/// Replacement of a secret.
const HIDDEN: &str = "[hidden]";
/// The shortest secret that is removed: a shorter word would occur everywhere.
const SHORT: usize = 4;
/// Headers whose values are not secrets.
const HARMLESS: [&str; 8] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-type",
    "last-event-id",
    "origin",
    "user-agent",
];

/// The secrets of one request: user, password, the values in its query, its fragment and its
/// headers.
#[derive(Debug)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    pub(super) fn new<'a>(
        url: &Url,
        headers: impl Iterator<Item = (&'a HeaderName, Option<&'a HeaderValue>)>,
    ) -> Self {
        let mut words = Vec::new();
        let decoded = |text: &str| -> String {
            form_urlencoded::parse(text.replace('+', "%2B").as_bytes())
                .map(|(name, value)| format!("{name}{value}"))
                .collect()
        };
        let (user, password) = (decoded(url.username()), url.password().map(decoded).unwrap_or_default());
        if !user.is_empty() || !password.is_empty() {
            words.push(STANDARD.encode(format!("{user}:{password}")));
            words.extend([password, url.password().unwrap_or_default().to_owned()]);
        }
        for raw in url.query().into_iter().flat_map(|query| query.split('&')).chain(url.fragment()) {
            words.push(raw.split_once('=').map_or(raw, |(_, value)| value).to_owned());
        }
        words.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        for (_, value) in headers.filter(|(name, _)| !HARMLESS.contains(&name.as_str())) {
            let value =
                value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default();
            // A scheme and a token, or the pairs of a cookie: a server may echo each alone.
            words.extend(value.split([' ', ';', ',', '=']).map(str::to_owned));
            words.push(value);
        }
        words.retain(|word| {
            word.len() >= SHORT && !["bearer", "basic", "token"].contains(&&*word.to_ascii_lowercase())
        });
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words.dedup();
        Self(words)
    }

    /// Removes the secrets from findings.
    pub(super) fn hidden(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        for finding in &mut findings {
            for text in finding.evidence.iter_mut().chain([&mut finding.message]) {
                *text = self.without(text);
            }
        }
        findings
    }

    fn without(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            text = text.replace(secret, HIDDEN);
            // A quotation may have cut it.
            if let Some(cut) = text.find('…') {
                let begun = (SHORT..secret.len())
                    .rev()
                    .filter(|length| secret.is_char_boundary(*length))
                    .find(|length| text[..cut].ends_with(&secret[..*length]));
                if let Some(length) = begun {
                    text.replace_range(cut - length..cut, HIDDEN);
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden_whole_cut_and_encoded() {
        let url = Url::parse("http://me:pass%20word@localhost/?token=s%2Fecret&n=1").unwrap();
        let header =
            (HeaderName::from_static("authorization"), HeaderValue::from_static("Bearer sk-abcdef123"));
        let secrets = Secrets::new(&url, [(&header.0, Some(&header.1))].into_iter());
        let basic = STANDARD.encode("me:pass word");
        for leak in [
            "sk-abcdef123",
            "Bearer sk-abcdef123",
            "s/ecret",
            "s%2Fecret",
            "pass word",
            "pass%20word",
            &basic,
            "sk-abc…",
        ] {
            let hidden = secrets.without(&format!("seen `{leak}`"));
            assert!(hidden.contains(HIDDEN) && !hidden.contains("sk-abc"), "{leak}: {hidden}");
        }
        assert_eq!(
            secrets.without("content-type: text/plain, n=1, Bearer"),
            "content-type: text/plain, n=1, Bearer"
        );
    }
}
