//! Script of the demo's server: its events, and the places where it breaks off.

use proto::{Event, EventBuilder, Message};

/// The streamed answer. Some of its characters have several bytes, so that a character can be cut.
const ANSWER: &str = "\
Every connection breaks sooner or later: a laptop sleeps, a train enters a tunnel, a proxy loses patience, a server \
is deployed. A stream of events survives that. Each event has an ID, and a client that comes back names the last one \
it has seen, so that the server can go on right after it: be it inside a line, a naïve façade or a 🦀.\n\nThe rest is \
care: a client discards an event that was cut, never delivers an event twice, and waits a moment before it connects \
again. You have just watched it.";

/// The events of the stream, their encoding, and the places where the connection breaks.
pub(super) struct Script {
    /// The events that a client has to receive, in this order.
    pub(super) events: Vec<Message>,
    /// The encoded events. After the event at index *n*, the last event ID is *n* + 1.
    pub(super) wire: Vec<String>,
    /// The breaks of the connection, in order.
    pub(super) cuts: Vec<Cut>,
}

/// One break of the connection.
pub(super) struct Cut {
    /// The index of the event in which the connection breaks.
    pub(super) event: usize,
    /// The bytes of that event that are still sent.
    pub(super) sent: Vec<u8>,
    /// Whether the response ends completely instead of breaking off.
    pub(super) clean: bool,
    /// Description of the place of the break.
    pub(super) place: &'static str,
}

impl Script {
    pub(super) fn new() -> Self {
        // A token is a word with the blank that follows it.
        let tokens: Vec<&str> = ANSWER.split_inclusive(' ').collect();
        let mut script = Self { events: Vec::new(), wire: Vec::new(), cuts: Vec::new() };
        for (index, token) in tokens.iter().enumerate() {
            let id = (index + 1).to_string();
            script.events.push(message(&id, token));
            let event = EventBuilder::new().id(&id).expect("a number has no line break").data(token);
            script.wire.push(event.encode());
        }
        script.cut();
        script
    }

    fn cut(&mut self) {
        self.cut_after("lapt", false, "inside a line");

        let event = self.position("loses ");
        let mut sent = self.wire[event].replace('\n', "\r\n").into_bytes();
        sent.pop();
        self.cuts.push(Cut { event, sent, clean: false, place: "between the CR and the LF of a blank line" });

        // The event itself comes without an ID, so it has the ID of the event before it; its own ID
        // follows in a block without data. A client that passes over that block asks for the event
        // again.
        let event = self.position("that. ");
        self.events[event] = message(&event.to_string(), "that. ");
        self.wire[event] = format!("data: that. \n\nid: {}\n\n", event + 1);
        let sent = self.wire[event].clone().into_bytes();
        self.cuts.push(Cut { event, sent, clean: false, place: "after a block that has only an ID" });

        self.cut_after("seen, \n", true, "before the blank line of an event");

        let event = self.position("inside ");
        self.cuts.push(Cut { event, sent: b"id: 5".to_vec(), clean: false, place: "inside an ID" });

        let event = self.position("naïve ");
        let start = self.wire[event].find('ï').unwrap_or_default();
        // The first of the two bytes of an ï.
        let sent = self.wire[event].as_bytes()[..=start].to_vec();
        self.cuts.push(Cut { event, sent, clean: false, place: "inside a character" });

        self.cuts.push(Cut { event, sent: Vec::new(), clean: true, place: "before the first byte" });

        self.cut_after("🦀.\n", false, "between two lines of data");
    }

    /// Adds a break in the first event that contains `text`, right after that text.
    fn cut_after(&mut self, text: &str, clean: bool, place: &'static str) {
        let event = self.position(text);
        let wire = &self.wire[event];
        let end = wire.find(text).map_or(wire.len(), |start| start + text.len());
        self.cuts.push(Cut { event, sent: wire.as_bytes()[..end].to_vec(), clean, place });
    }

    /// The index of the first event that contains this text.
    fn position(&self, text: &str) -> usize {
        self.wire.iter().position(|wire| wire.contains(text)).expect("the answer has that word")
    }
}

/// Creates an event as the client receives it.
pub(super) fn message(id: &str, data: &str) -> Message {
    Event { event: "message", data, id }.into()
}

#[cfg(test)]
mod tests {
    use proto::Parser;

    use super::*;

    #[test]
    fn the_encoded_events_parse_to_the_expected_events() {
        let script = Script::new();
        let wire = script.wire.concat();
        let (mut parser, mut input) = (Parser::new(), wire.as_bytes());
        let mut events = Vec::new();
        while let Some(event) = parser.next_event(&mut input).unwrap() {
            events.push(Message::from(event));
        }
        assert_eq!(events, script.events);
        assert!(events.len() >= 50);
        assert_eq!(events.iter().map(Message::data).collect::<String>(), ANSWER);
    }

    #[test]
    fn each_cut_is_at_the_place_that_its_description_names() {
        let script = Script::new();
        let sent: Vec<_> = script.cuts.iter().map(|cut| cut.sent.escape_ascii().to_string()).collect();
        assert_eq!(
            sent,
            [
                "data: lapt",
                "data: loses \\r\\nid: 17\\r\\n\\r",
                "data: that. \\n\\nid: 28\\n\\n",
                "data: seen, \\n",
                "id: 5",
                "data: na\\xc3",
                "",
                "data: \\xf0\\x9f\\xa6\\x80.\\n",
            ]
        );
        assert!(script.cuts.is_sorted_by_key(|cut| cut.event), "the server takes them one after the other");
    }
}
