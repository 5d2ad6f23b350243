//! Where a client wants to resume.

use http::{HeaderMap, Uri};

/// The last event ID that a client sent, if any.
///
/// It comes in the header `Last-Event-ID` (WHATWG HTML 9.2.4), which browsers send when they reconnect. A
/// page that starts anew can give it in the query, as `lastEventId`, `last-event-id` or `last_event_id` in
/// any case; the header is newer and wins.
///
/// It is the client's word: as long as the server lets headers be, and not checked. What is not valid UTF-8
/// is replaced by U+FFFD, so that an ID that nobody gave leads to a gap and not to a start from nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastEventId(pub Option<String>);

impl LastEventId {
    /// Reads it from the head of a request. An empty one is none.
    pub fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        let header =
            headers.get("last-event-id").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let id = header.filter(|id| !id.is_empty()).or_else(|| {
            let mut pairs = form_urlencoded::parse(uri.query()?.as_bytes());
            let (_, value) =
                pairs.find(|(name, _)| name.replace(['-', '_'], "").eq_ignore_ascii_case("lasteventid"))?;
            Some(value.into_owned()).filter(|id| !id.is_empty())
        });
        Self(id)
    }

    /// The ID as [`Topic::subscribe`](super::Topic::subscribe) takes it.
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
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

    #[test]
    fn comes_from_the_header_or_the_query() {
        assert_eq!(of(None, "/"), None);
        assert_eq!(of(Some(b"7"), "/?lastEventId=5").as_deref(), Some("7"));
        assert_eq!(of(Some(b""), "/?a=b&lastEventId=a%20%C3%A9+c").as_deref(), Some("a é c"));
        for query in ["last-event-id=5", "Last-Event-ID=5", "lastEventID=5", "last_event_id=5"] {
            assert_eq!(of(None, &format!("/events?{query}")).as_deref(), Some("5"), "{query}");
        }
        assert_eq!(of(None, "/?lastEventId="), None);
    }

    #[test]
    fn is_utf_8_or_not_an_id_that_anyone_gave() {
        assert_eq!(of(Some("…".as_bytes()), "/").as_deref(), Some("…"));
        assert_eq!(of(Some(b"a\xff"), "/").as_deref(), Some("a\u{fffd}"));
    }
}
