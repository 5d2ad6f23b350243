//! Events as a client prints them, and as this project's parser reads them.

use super::scenario::{Event, message};

/// Parses one line of a client's output; `None` if it is not an event.
///
/// `sse tail --json` also prints other kinds of objects, which are ignored.
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

/// The events that this project's parser finds in a stream.
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
    use crate::check::client::scenario::same;

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
