//! Messages on a topic's channel.

use std::sync::Arc;

use crate::Place;
use crate::log::Stored;

/// A message of the publishing scripts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    Appended {
        events: Vec<Stored>,
        /// The stamp of the server's newest event before those of the message.
        previous: u64,
        /// Whether the server lost events before those of the message.
        lost: bool,
    },
    /// The server lost events just before this stamp.
    Lost(u64),
    Ended,
}

/// Parses a message, whose first word is the version of the format; `None` for another version.
pub(super) fn parse(bytes: &[u8]) -> Option<Message> {
    let head_length = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let mut words = str::from_utf8(&bytes[..head_length]).ok()?.split(' ');
    if words.next()? != "1" {
        return None;
    }
    let word = words.next()?;
    if word == "end" {
        return Some(Message::Ended);
    }
    let mut number = || words.next()?.parse::<u64>().ok();
    if word == "lost" {
        return number().map(Message::Lost);
    }
    let (stamp, first, count) = (word.parse().ok()?, number()?, number()?);
    let (previous, lost) = (number()?, number()? == 1);
    let mut rest = bytes.get(head_length + 1..)?;
    let mut events: Vec<(Option<Arc<str>>, &[u8])> = Vec::new();
    for _ in 0..count {
        let (id, text) = (length(&mut rest)?, length(&mut rest)?);
        let (id, after) = rest.split_at_checked(id)?;
        let (text, after) = after.split_at_checked(text)?;
        rest = after;
        let id = if id.is_empty() { None } else { Some(str::from_utf8(id).ok()?.into()) };
        events.push((id, text));
    }
    let whole = rest.is_empty() && !events.is_empty() && first.checked_add(count).is_some();
    let events = whole.then(|| Stored::batch(Place::new(stamp, first), events))?;
    Some(Message::Appended { events, previous, lost })
}

/// Takes a decimal length and the following blank.
fn length(rest: &mut &[u8]) -> Option<usize> {
    // 2^64 has 20 digits.
    let end = rest.iter().take(21).position(|&byte| byte == b' ')?;
    let (word, after) = rest.split_at(end);
    *rest = &after[1..];
    str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_read_with_its_ids_and_bytes() {
        let message = parse(b"1 9 3 2 7 0\n0 3 a\nb2 1 idc").unwrap();
        let events = [(None, b"a\nb" as &[u8]), (Some("id".into()), b"c")];
        let events = Stored::batch(Place::new(9, 3), events);
        assert_eq!(message, Message::Appended { events, previous: 7, lost: false });
        assert_eq!(parse(b"1 end"), Some(Message::Ended));
        assert_eq!(parse(b"1 lost 17"), Some(Message::Lost(17)));
        assert_eq!(parse(b"1 lost"), None);
    }

    #[test]
    fn a_message_that_was_cut_or_has_another_version_is_refused() {
        let whole = b"1 9 3 2 7 1\n0 3 a\nb2 1 idc";
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]), None, "{end}");
        }
        let others = [
            "2 9 3 1 7 0\n0 1 a",
            "1 9 3 1 7 0\n0 1 ab",
            "1 9 18446744073709551615 1 7 0\n0 1 a",
            "1 9 3 99 7 0\n",
            "1 x 3 1 7 0\n0 1 a",
        ];
        for other in others {
            assert_eq!(parse(other.as_bytes()), None, "{other}");
        }
    }
}
