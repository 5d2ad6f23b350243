//! Parsing of data as typed JSON (feature `serde`).

use serde::Deserialize;

use super::{Event, Message};

impl<'a> Event<'a> {
    /// Parses the data as JSON, into a type that may borrow from the event.
    ///
    /// # Errors
    ///
    /// If the data is not JSON, for example the `[DONE]` at the end of many streams, or does not
    /// fit the type.
    ///
    /// # Example
    ///
    /// ```
    /// use sse_proto::Parser;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Delta<'a> {
    ///     text: &'a str,
    /// }
    ///
    /// let mut input = &b"data: {\"text\": \"Hello\"}\n\n"[..];
    /// let mut parser = Parser::new();
    /// let event = parser.next_event(&mut input)?.expect("it is whole");
    /// assert_eq!(event.json::<Delta>()?.text, "Hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn json<T: Deserialize<'a>>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.data)
    }
}

impl Message {
    /// Parses the data as JSON, into a type that may borrow from the message.
    ///
    /// # Errors
    ///
    /// As [`Event::json`].
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.data())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_lends_what_the_type_borrows() {
        let message = Message::from(Event { event: "message", data: "[\"a\", \"b\"]", id: "" });
        let texts: [&str; 2] = message.json().unwrap();
        assert_eq!(texts, ["a", "b"]);
        assert!(message.data().as_bytes().as_ptr_range().contains(&texts[0].as_ptr()));
    }

    #[test]
    fn the_end_marker_of_an_llm_stream_is_not_json() {
        let done = Event { event: "message", data: "[DONE]", id: "" };
        assert!(done.json::<serde_json::Value>().is_err());
    }
}
