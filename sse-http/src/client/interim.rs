//! Heads on a connection of HTTP/1.1: their ends, their status, and interim responses before the
//! answer (RFC 9110, 15.2).

use http::StatusCode;

/// The interim responses that bytes from a server start with (RFC 9110, 15.2); 101 is not one of
/// them, because no other response follows it.
///
/// For an HTTP/1.1 client that waits for `100 Continue` before it sends a body: it removes these
/// responses from its input. `103 Early Hints` is neither the permission to send the body nor the
/// answer, so the client waits on. Each of them may have header fields, `100 Continue` too: some
/// proxies add theirs.
///
/// ```
/// use sse_http::client::Interim;
///
/// let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
/// let interim = Interim::of(&[&hints[..], b"HTTP/1.1 100 Continue\r\nVia: 1.1 proxy"].concat());
/// assert_eq!((interim.length, interim.continues, interim.is_cut), (hints.len(), false, true));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interim {
    /// The length of the complete heads, in bytes.
    pub length: usize,
    /// Whether one of them is `100 Continue`: the server wants the body.
    pub continues: bool,
    /// Whether another interim response follows whose head is not complete.
    pub is_cut: bool,
    /// Whether the answer follows: its status is there.
    pub is_answered: bool,
}

impl Interim {
    /// The interim responses at the start of `input`.
    pub fn of(input: &[u8]) -> Self {
        let mut interim = Self::default();
        while let rest = &input[interim.length..]
            && let Some(status) = status(rest)
        {
            if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
                interim.is_answered = true;
                break;
            }
            let Some(end) = (1..=rest.len()).find(|&end| is_complete(&rest[..end])) else {
                interim.is_cut = true;
                break;
            };
            interim.length += end;
            interim.continues |= status == StatusCode::CONTINUE;
        }
        interim
    }
}

/// Whether these bytes end with an empty line, as a head does. A line may end without a carriage
/// return (RFC 9112, 2.2).
pub(super) fn is_complete(head: &[u8]) -> bool {
    head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n")
}

/// The status of the head that these bytes start with; `None` if it is not of HTTP/1, or if the
/// status is not complete.
///
/// Some proxies leave out the reason phrase, and the blank before it (RFC 9112, 4).
pub(super) fn status(head: &[u8]) -> Option<StatusCode> {
    let mut words = head.split(|byte| byte.is_ascii_whitespace());
    words.next().filter(|version| version.starts_with(b"HTTP/1."))?;
    StatusCode::from_bytes(words.next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";

    #[test]
    fn interim_responses_end_where_an_answer_begins() {
        for next in ["", "HTTP/1.1 413 \r\n\r\nno", "HTTP/1.1 101 \r\n\r\n", "HTTP/1.1 10", "garbage\r\n\r\n"]
        {
            for hints in ["", HINTS, "HTTP/1.1 102\n\n", "HTTP/1.0 199 x\r\na: b\n\r\n"] {
                let all = hints.repeat(2) + next;
                let is_answered = next.starts_with("HTTP") && next.contains('\n');
                let interim = Interim { length: 2 * hints.len(), is_answered, ..Interim::default() };
                assert_eq!(Interim::of(all.as_bytes()), interim, "{all:?}");
            }
        }
    }

    #[test]
    fn a_100_before_or_after_hints_continues_and_may_have_header_fields() {
        for continues in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100\r\nServer: x\r\nVia: 1.1 y\r\n\r\n"]
        {
            for all in [HINTS.to_owned() + continues, continues.to_owned() + HINTS, continues.repeat(2)] {
                let interim = Interim { length: all.len(), continues: true, ..Interim::default() };
                assert_eq!(Interim::of((all.clone() + "HTTP/1.1 20").as_bytes()), interim, "{all:?}");
            }
        }
    }

    #[test]
    fn an_interim_response_that_is_cut_is_not_counted() {
        for cut in 0..HINTS.len() {
            let all = HINTS.to_owned() + &HINTS[..cut];
            let is_cut = cut >= "HTTP/1.1 103".len();
            let interim = Interim { length: HINTS.len(), is_cut, ..Interim::default() };
            assert_eq!(Interim::of(all.as_bytes()), interim, "{cut}");
        }
    }

    #[test]
    fn a_status_needs_no_reason_phrase() {
        for head in
            ["HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.0 200\r\n\r\n", "HTTP/1.1 200 \r\n\r\n"]
        {
            assert_eq!(status(head.as_bytes()), Some(StatusCode::OK), "{head:?}");
        }
        for head in ["SSH-2.0 200\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "\r\n\r\n", ""] {
            assert_eq!(status(head.as_bytes()), None, "{head:?}");
        }
    }
}
