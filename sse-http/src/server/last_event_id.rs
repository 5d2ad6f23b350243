//! The last event ID of a request.

use http::{HeaderMap, Uri};

/// The last event ID that a client sent, if any.
///
/// The ID comes in the header `Last-Event-ID` (WHATWG HTML 9.2.4), which browsers send when they
/// reconnect. A page that loads again can send it in the query, as `lastEventId`, `last-event-id`
/// or `last_event_id` in any case; the header takes precedence, because it is newer.
///
/// The value is not checked, and only the HTTP server bounds its length. Bytes that are not UTF-8
/// are read as Latin-1: several Node clients send `é` as the single byte E9. With ASCII IDs both
/// encodings agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastEventId(pub Option<String>);

impl LastEventId {
    /// Reads the last event ID from the head of a request. An empty ID counts as none.
    pub fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        let header = headers.get("last-event-id").map(|value| text(value.as_bytes()));
        let id = header.filter(|id| !id.is_empty()).or_else(|| {
            let mut pairs = form_urlencoded::parse(uri.query()?.as_bytes());
            let (_, value) =
                pairs.find(|(name, _)| name.replace(['-', '_'], "").eq_ignore_ascii_case("lasteventid"))?;
            Some(value.into_owned()).filter(|id| !id.is_empty())
        });
        Self(id)
    }

    /// The ID, borrowed.
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

fn text(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: Option<&[u8]>, uri: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert("Last-Event-ID", http::HeaderValue::from_bytes(header).unwrap());
        }
        LastEventId::of(&headers, &uri.parse().unwrap()).0
    }

    // 9.2.4: the header `Last-Event-ID`.
    #[test]
    fn the_last_event_id_comes_from_the_header_or_the_query() {
        assert_eq!(of(None, "/"), None);
        assert_eq!(of(Some(b"7"), "/?lastEventId=5").as_deref(), Some("7"));
        assert_eq!(of(Some(b""), "/?a=b&lastEventId=a%20%C3%A9+c").as_deref(), Some("a é c"));
        for query in ["last-event-id=5", "Last-Event-ID=5", "lastEventID=5", "last_event_id=5"] {
            assert_eq!(of(None, &format!("/events?{query}")).as_deref(), Some("5"), "{query}");
        }
        assert_eq!(of(None, "/?lastEventId="), None);
    }

    #[test]
    fn a_header_that_is_not_utf_8_is_read_as_latin_1() {
        assert_eq!(of(Some("…".as_bytes()), "/").as_deref(), Some("…"));
        assert_eq!(of(Some(b"caf\xe9"), "/").as_deref(), Some("café"));
        assert_eq!(of(Some(b"a\xff"), "/").as_deref(), Some("aÿ"));
    }
}
