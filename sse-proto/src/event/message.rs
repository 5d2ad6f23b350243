//! Message: an event that owns its text.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use super::{DEFAULT, Event};

/// An event that owns its text, in one allocation.
///
/// # Example
///
/// ```
/// use sse_proto::{Event, Message};
///
/// let message = Message::from(Event { event: "add", data: "73857293", id: "7" });
/// assert_eq!((message.event(), message.data(), message.id()), ("add", "73857293", "7"));
/// assert_eq!(message.into_data(), "73857293");
/// ```
//
// Three words, because an application moves a message several times, and each move of five words
// waited for the stores of the one before.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Message {
    /// The data first, so that `into_data` needs no copy. After the data, unless type and ID are
    /// both empty: the type, the ID, and the [length](tail) of the type. The default type is left
    /// out.
    text: Box<str>,
    data_end: usize,
}

impl Message {
    /// The event type; `message` if the stream named none.
    #[inline]
    pub fn event(&self) -> &str {
        match self.rest() {
            ("", _) => DEFAULT,
            (event, _) => event,
        }
    }

    /// The data, its lines joined with LF.
    #[inline]
    pub fn data(&self) -> &str {
        &self.text[..self.data_end]
    }

    /// The last event ID string when the event was dispatched (9.2.6); empty if there was none.
    #[inline]
    pub fn id(&self) -> &str {
        self.rest().1
    }

    /// The type, empty if that is the default, and the ID.
    #[inline]
    fn rest(&self) -> (&str, &str) {
        if self.text.len() == self.data_end { ("", "") } else { tail::split(&self.text[self.data_end..]) }
    }

    /// The data, without a copy.
    pub fn into_data(self) -> String {
        let mut text = self.text.into_string();
        text.truncate(self.data_end);
        text
    }

    /// Borrows the message as an [`Event`].
    pub fn as_event(&self) -> Event<'_> {
        Event { event: self.event(), data: self.data(), id: self.id() }
    }
}

impl From<Event<'_>> for Message {
    #[inline]
    fn from(Event { event, data, id }: Event<'_>) -> Self {
        let event = if event == DEFAULT { "" } else { event };
        // (Most events have data alone.)
        let is_data = event.is_empty() && id.is_empty();
        let text = if is_data { data.into() } else { tail::append(data, event, id) };
        Self { text, data_end: data.len() }
    }
}

/// The text after the data: the type, the ID, and the length of the type.
///
/// The length consists of digits of six bits, one ASCII character each, the lowest digit last. Bit
/// 6 of a digit says that another digit is before it.
mod tail {
    use alloc::boxed::Box;
    use alloc::string::String;

    const BITS: u32 = 6;
    const MORE: u8 = 1 << BITS;

    /// Joins the parts of a message.
    #[inline(never)]
    pub(super) fn append(data: &str, event: &str, id: &str) -> Box<str> {
        let digits = (usize::BITS - event.len().leading_zeros()).div_ceil(BITS).max(1);
        let mut text = String::with_capacity(data.len() + event.len() + id.len() + digits as usize);
        for part in [data, event, id] {
            text.push_str(part);
        }
        for place in (0..digits).rev() {
            let digit = (event.len() >> (place * BITS)) as u8 & (MORE - 1);
            text.push(char::from(if place + 1 < digits { digit | MORE } else { digit }));
        }
        // (Not by `From`, which is compiled into `alloc`, with a panic that a program without std
        // cannot link.)
        text.into_boxed_str()
    }

    /// Splits the text after the data into type and ID. (Out of line, because most messages have
    /// neither.)
    #[inline(never)]
    pub(super) fn split(text: &str) -> (&str, &str) {
        let (mut length, mut digits) = (0, 0);
        for &digit in text.as_bytes().iter().rev() {
            length |= usize::from(digit & (MORE - 1)) << (digits * BITS);
            digits += 1;
            if digit & MORE == 0 {
                break;
            }
        }
        text[..text.len() - digits as usize].split_at(length)
    }
}

impl<'a> From<&'a Message> for Event<'a> {
    fn from(message: &'a Message) -> Self {
        message.as_event()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("event", &self.event())
            .field("data", &self.data())
            .field("id", &self.id())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_returns_the_parts_of_its_event_whatever_their_length() {
        let long = "é".repeat(5_000);
        let texts = ["", "a", &long[..62], &long[..64], &long[..126], &long[..4096], &long];
        for event in texts {
            for (data, id) in texts.iter().flat_map(|&data| texts.map(|id| (data, id))) {
                let message = Message::from(Event { event, data, id });
                let kind = if event.is_empty() { DEFAULT } else { event };
                assert_eq!(message.as_event(), Event { event: kind, data, id });
                assert_eq!(message, Message::from(message.as_event()));
                assert_eq!(message.into_data(), data);
            }
        }
    }

    #[test]
    fn messages_are_equal_only_if_type_data_and_id_are() {
        let message = |event, data, id| Message::from(Event { event, data, id });
        let all = [
            message("message", "ab", ""),
            message("b", "a", ""),
            message("message", "a", "b"),
            message("message", "a", "b\0"),
            message("b\0", "a", ""),
            message("message", "ab\0", ""),
        ];
        for (at, one) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| other == one), Some(at));
        }
        assert_eq!(message("", "ab", ""), all[0], "an empty type is the default type");
    }

    #[test]
    fn a_message_has_three_words() {
        assert_eq!(size_of::<Message>(), 3 * size_of::<usize>());
    }
}
