//! Events as a client prints them, and as our parser reads them.

use serde::{Deserialize, Serialize};

/// An event that an application gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Event {
    #[serde(default = "message")]
    pub(crate) event: String,
    #[serde(default)]
    pub(crate) data: String,
    /// Not compared if the client does not print it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
}

fn message() -> String {
    "message".to_owned()
}

/// What one line of a client's output says: an event, or nothing that counts.
///
/// `sse tail --json` prints other kinds of objects as well; they are passed over.
pub(crate) fn of_line(line: &str) -> Option<Event> {
    let object: serde_json::Value = serde_json::from_str(line).ok()?;
    let kind = object.get("kind").and_then(|kind| kind.as_str());
    if kind.is_some_and(|kind| kind != "event") || object.get("data").is_none() {
        return None;
    }
    let mut event: Event = serde_json::from_value(object).ok()?;
    if event.event.is_empty() {
        event.event = message();
    }
    Some(event)
}

/// Whether two lists of events are the same, IDs compared where the client prints them.
pub(crate) fn same(expected: &[Event], seen: &[Event]) -> bool {
    expected.len() == seen.len()
        && expected.iter().zip(seen).all(|(a, b)| {
            a.event == b.event
                && a.data == b.data
                && (b.id.is_none()
                    || a.id.as_deref().unwrap_or_default() == b.id.as_deref().unwrap_or_default())
        })
}

/// What our parser makes of a stream.
pub(crate) fn parsed(bytes: &[u8]) -> Vec<Event> {
    let mut parser = proto::Parser::new();
    let mut rest = bytes;
    let mut events = Vec::new();
    while let Ok(Some(event)) = parser.next_event(&mut rest) {
        events.push(Event { event: event.event.into(), data: event.data.into(), id: Some(event.id.into()) });
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_several_clients_are_understood() {
        let event =
            |id: Option<&str>| Event { event: "message".into(), data: "x".into(), id: id.map(String::from) };
        assert_eq!(of_line(r#"{"data":"x"}"#), Some(event(None)));
        assert_eq!(of_line(r#"{"event":"","data":"x","id":"1"}"#), Some(event(Some("1"))));
        assert_eq!(
            of_line(r#"{"kind":"event","event":"message","data":"x","id":""}"#),
            Some(event(Some("")))
        );
        assert_eq!(of_line(r#"{"kind":"comment","data":"x"}"#), None);
        assert_eq!(of_line("listening"), None);
        assert!(same(&[event(Some("1"))], &[event(None)]));
        assert!(!same(&[event(Some("1"))], &[event(Some("2"))]));
    }
}
