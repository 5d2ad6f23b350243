//! Changes of a URL before it is sent: adds the last event ID to its query, and moves its
//! credentials to a header.

use core::fmt::Write;
use core::iter;

use alloc::string::String;
use alloc::vec::Vec;

use super::Request;

impl Request<'_> {
    /// Adds the last event ID to the query of a URL, as the last parameter with this `name`; `None`
    /// if there is no ID.
    ///
    /// Parameters of `query` that have this name are removed; all others stay byte for byte.
    ///
    /// ```
    /// use sse_proto::{Config, EventSource, Instant, Output};
    ///
    /// let config = Config::default().with_last_event_id("a&b");
    /// let mut source = EventSource::new(config, 42);
    /// if let Output::Connect { request, .. } = source.poll(Instant::ZERO, &mut &[][..]) {
    ///     assert_eq!(request.query("since", Some("since=0&q=x")).as_deref(), Some("q=x&since=a%26b"));
    /// }
    /// ```
    pub fn query(&self, name: &str, query: Option<&str>) -> Option<String> {
        if self.id.is_empty() {
            return None;
        }
        let mut all = String::new();
        for pair in query.unwrap_or_default().split('&') {
            let other = pair.split('=').next().unwrap_or_default().replace('+', " ");
            if !pair.is_empty() && !percent_decode(&other).eq(name.bytes()) {
                all += pair;
                all.push('&');
            }
        }
        form_encode(name, &mut all);
        all.push('=');
        form_encode(self.id, &mut all);
        Some(all)
    }
}

/// The value of `Authorization` for user and password as a URL has them, percent-encoded (RFC
/// 7617); `None` if the URL has neither.
///
/// ```
/// let value = sse_proto::basic_authorization("Aladdin", Some("open%20sesame"));
/// assert_eq!(value.as_deref(), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
/// ```
pub fn basic_authorization(user: &str, password: Option<&str>) -> Option<String> {
    if user.is_empty() && password.is_none() {
        return None;
    }
    let pair = percent_decode(user).chain([b':']).chain(percent_decode(password.unwrap_or_default()));
    let mut value = String::from("Basic ");
    base64(&pair.collect::<Vec<u8>>(), &mut value);
    Some(value)
}

/// Decodes percent-encoding; a `%` without two hexadecimal digits after it stays a `%`.
fn percent_decode(text: &str) -> impl Iterator<Item = u8> {
    let mut bytes = text.bytes();
    let digit = |byte| char::from(byte).to_digit(16);
    iter::from_fn(move || {
        let byte = bytes.next()?;
        let mut rest = bytes.clone();
        if byte == b'%'
            && let Some(high) = rest.next().and_then(digit)
            && let Some(low) = rest.next().and_then(digit)
        {
            bytes = rest;
            return Some((high << 4 | low) as u8);
        }
        Some(byte)
    })
}

/// Serializes a text as `application/x-www-form-urlencoded` (WHATWG URL, 5.2).
fn form_encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'*' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => out.push(byte.into()),
            b' ' => out.push('+'),
            _ => write!(out, "%{byte:02X}").expect("a string takes everything"),
        }
    }
}

/// Encodes bytes as base64 with padding (RFC 4648, 4).
fn base64(bytes: &[u8], out: &mut String) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|index| u32::from(group.get(index).copied().unwrap_or_default()));
        let bits = a << 16 | b << 8 | c;
        for digit in 0..4 {
            let index = bits >> (18 - 6 * digit) & 63;
            out.push(if digit > group.len() { '=' } else { DIGITS[index as usize].into() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(id: &str, name: &str, query: Option<&str>) -> Option<String> {
        Request { last_event_id: None, id, attempt: 0 }.query(name, query)
    }

    #[test]
    fn a_last_event_id_becomes_the_last_query_parameter() {
        assert_eq!(query("7", "id", None).unwrap(), "id=7");
        assert_eq!(query("7", "id", Some("")).unwrap(), "id=7");
        assert_eq!(query("7", "id", Some("a=%7e&b&&c=+")).unwrap(), "a=%7e&b&c=+&id=7");
        assert_eq!(query("", "id", Some("id=5")), None);
    }

    #[test]
    fn an_id_replaces_query_parameters_of_its_name_in_any_spelling() {
        let others = Some("last+id=1&x=2&last%20id&%6Cast%20id=3=4&last%2id=5&lastid=6&last+i=7");
        assert_eq!(query("8", "last id", others).unwrap(), "x=2&last%2id=5&lastid=6&last+i=7&last+id=8");
    }

    #[test]
    fn an_id_in_the_query_is_form_encoded() {
        assert_eq!(
            query("a b&c=\u{1}…~*-._/%Zz09", "i d", None).unwrap(),
            "i+d=a+b%26c%3D%01%E2%80%A6%7E*-._%2F%25Zz09"
        );
    }

    #[test]
    fn credentials_are_encoded_as_in_rfc_7617() {
        for (user, password, value) in [
            ("Aladdin", Some("open%20sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ("a", Some("bc"), "Basic YTpiYw=="),
            ("ab", None, "Basic YWI6"),
            ("a", Some("b%4"), "Basic YTpiJTQ="),
            ("", Some("%fB%Ff%bF"), "Basic Ovv/vw=="),
            ("%3e", Some("?%3f>"), "Basic Pjo/Pz4="),
        ] {
            assert_eq!(basic_authorization(user, password).as_deref(), Some(value), "{user} {password:?}");
        }
        assert_eq!(basic_authorization("", None), None);
    }
}
