//! Heads on a connection of HTTP/1.1: their ends, their status, and interim responses before the
//! answer (RFC 9110, 15.2).

use http::StatusCode;

/// The length of the interim responses that `input` starts with, other than `100 Continue` (RFC
/// 9110, 15.2).
///
/// For an HTTP/1.1 client that waits for `100 Continue` before it sends a body: it removes these
/// bytes from its input and waits on, because `103 Early Hints` is neither the permission to send
/// the body nor the answer. A response whose head is not complete is not counted.
///
/// ```
/// use sse_http::client::interim_length;
///
/// let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
/// let input = [&hints[..], b"HTTP/1.1 100 Continue\r\n\r\n"].concat();
/// assert_eq!(interim_length(&input), hints.len());
/// ```
pub fn interim_length(input: &[u8]) -> usize {
    let mut length = 0;
    while let rest = &input[length..]
        && let Some(status) = status(rest)
        && status.is_informational()
        && status != StatusCode::CONTINUE
        && let Some(end) = (1..=rest.len()).find(|&end| is_complete(&rest[..end]))
    {
        length += end;
    }
    length
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
    fn interim_responses_end_where_100_or_an_answer_begins() {
        for next in ["", "HTTP/1.1 100 \r\n\r\n", "HTTP/1.1 413 \r\n\r\nno", "HTTP/1.1 10", "garbage\r\n\r\n"]
        {
            for hints in ["", HINTS, "HTTP/1.1 102\n\n", "HTTP/1.0 199 x\r\na: b\n\r\n"] {
                let all = hints.repeat(2) + next;
                assert_eq!(interim_length(all.as_bytes()), 2 * hints.len(), "{all:?}");
            }
        }
    }

    #[test]
    fn an_interim_response_that_is_cut_is_not_counted() {
        for cut in 0..HINTS.len() {
            let all = HINTS.to_owned() + &HINTS[..cut];
            assert_eq!(interim_length(&all.as_bytes()[..cut]), 0, "{cut}");
            assert_eq!(interim_length(all.as_bytes()), HINTS.len(), "{cut}");
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
