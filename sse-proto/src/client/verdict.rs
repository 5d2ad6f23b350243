//! Decides whether a response is accepted (9.2.2, 9.2.3).

use core::time::Duration;

use super::retry_after::retry_after;
use super::{CloseReason, Config, ResponseHead};

/// Decision about a response: accept it, retry, or close the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The body is an event stream: announce the connection and read it.
    Open,
    /// Drop the connection and make another one.
    Retry {
        /// The status of the response, for [`Cause::Status`](crate::Cause::Status).
        status: u16,
        /// How long the server asks to wait. This lengthens the policy's wait, and never shortens
        /// it.
        after: Option<Duration>,
    },
    /// Fail the connection for good (9.2.3).
    Close(CloseReason),
}

impl Config {
    /// Decides about a response as 9.2.3 says, except where this configuration differs.
    ///
    /// A 200 with the content type `text/event-stream` opens, unless it has a content coding, or a
    /// transfer coding other than `chunked`: a transport that decodes removes the header, so a
    /// remaining coding means bytes that are not text. A 204 closes the source for good. Everything
    /// else closes it too, except for `retry_status` and `lenient_content_type`.
    pub fn verdict(&self, head: &ResponseHead<'_>) -> Verdict {
        match head.status {
            200 => {
                let accepted = match head.content_type {
                    Some(value) if self.lenient_content_type => !is_essence(value, "text", "html"),
                    Some(value) => is_event_stream(value),
                    None => self.lenient_content_type,
                };
                match (head.content_encoding, head.transfer_encoding) {
                    _ if !accepted => Verdict::Close(CloseReason::ContentType),
                    (Some(coding), _) => Verdict::Close(CloseReason::ContentEncoding(coding)),
                    (None, Some(coding)) => Verdict::Close(CloseReason::TransferEncoding(coding)),
                    (None, None) => Verdict::Open,
                }
            }
            204 => Verdict::Close(CloseReason::NoContent),
            status if self.retry_status.contains(&status) => {
                let after = head.retry_after.and_then(|value| retry_after(value, head.date));
                Verdict::Retry { status, after }
            }
            status => Verdict::Close(CloseReason::Status(status)),
        }
    }
}

/// Whether a `Content-Type` means an event stream: its essence is `text/event-stream`, in any case
/// and with any parameters. (A `charset` changes nothing: event streams are always UTF-8.)
///
/// ```
/// assert!(sse_proto::is_event_stream("Text/Event-Stream; charset=utf-8"));
/// assert!(!sse_proto::is_event_stream("text/event-streamX"));
/// ```
pub fn is_event_stream(content_type: &str) -> bool {
    is_essence(content_type, "text", "event-stream")
}

/// Compares the essence of a content type (MIME Sniffing, 4.4): the part before the first `;`,
/// without the blanks around it. Of several types between commas, the last valid one counts (Fetch,
/// "extract a MIME type").
fn is_essence(content_type: &str, kind: &str, subtype: &str) -> bool {
    let mut quoted = false;
    let types = content_type.rsplit(|character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    });
    let essences =
        types.map(|value| value.split(';').next().unwrap_or_default().trim_matches([' ', '\t', '\r', '\n']));
    essences
        .filter(|&essence| essence != "*/*")
        .find_map(|essence| essence.split_once('/'))
        .is_some_and(|(a, b)| a.eq_ignore_ascii_case(kind) && b.eq_ignore_ascii_case(subtype))
}
