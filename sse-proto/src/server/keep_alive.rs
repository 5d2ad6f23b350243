//! Timing of the comments that keep a silent stream alive (9.2.7).

use core::time::Duration;

use memchr::memchr2;

use crate::Instant;

/// Schedules comments on a silent stream, because proxies drop connections that look idle.
///
/// **A comment is due only between events**, when nothing was sent for the interval. Report what is
/// sent with [`handle_sent`](Self::handle_sent), wait until [`deadline`](Self::deadline), and send
/// a comment whenever [`poll`](Self::poll) returns true. WHATWG HTML 9.2.7 advises a comment "every
/// 15 seconds or so".
///
/// # Example
///
/// ```
/// use core::time::Duration;
/// use sse_proto::{Instant, KeepAlive};
///
/// let at = |seconds| Instant::from_epoch(Duration::from_secs(seconds));
/// let mut keep_alive = KeepAlive::new(KeepAlive::INTERVAL, at(0));
/// keep_alive.handle_sent(at(10), b"data: x\n\n");
/// assert!(!keep_alive.poll(at(15)));
/// assert_eq!(keep_alive.deadline(), Some(at(25)));
/// assert!(keep_alive.poll(at(25)), "send a comment now");
/// assert_eq!(keep_alive.deadline(), Some(at(40)));
/// ```
#[derive(Clone, Debug)]
pub struct KeepAlive {
    interval: Duration,
    /// The time at which the last byte was sent.
    last: Instant,
    position: Position,
}

/// Position in the stream after the bytes sent so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// Between events: after a blank line, or nothing was sent.
    Between,
    /// After a line of an unfinished event.
    LineEnd { cr: bool },
    /// Inside a line of an event.
    Line,
    /// Inside a comment line between events.
    Comment,
}

impl KeepAlive {
    /// The interval that the specification advises, 15 s.
    pub const INTERVAL: Duration = Duration::from_secs(15);

    /// Creates the timing for a stream that begins now. An interval under 1 ms counts as 1 ms;
    /// `Duration::MAX` means never.
    pub fn new(interval: Duration, now: Instant) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        Self { interval, last: now, position: Position::Between }
    }

    /// Records that `bytes` were sent: whole events or any part of them.
    ///
    /// Comments between events begin no event, so they need no blank line.
    pub fn handle_sent(&mut self, now: Instant, mut bytes: &[u8]) {
        if !bytes.is_empty() {
            self.last = now;
        }
        while let Some(&first) = bytes.first() {
            let is_end = matches!(first, b'\r' | b'\n');
            let read = match self.position {
                Position::Line | Position::Comment => match memchr2(b'\r', b'\n', bytes) {
                    Some(end) => end + 1,
                    None => return,
                },
                _ => usize::from(is_end),
            };
            self.position = match self.position {
                Position::Line => Position::LineEnd { cr: bytes[read - 1] == b'\r' },
                // The LF of a CRLF ends no further line, also when it was sent later.
                Position::LineEnd { cr: true } if first == b'\n' => Position::LineEnd { cr: false },
                Position::Comment => Position::Between,
                _ if is_end => Position::Between,
                Position::Between if first == b':' => Position::Comment,
                Position::Between | Position::LineEnd { .. } => Position::Line,
            };
            bytes = &bytes[read..];
        }
    }

    /// Records that a whole event was sent.
    pub fn handle_event(&mut self, now: Instant) {
        self.last = now;
        self.position = Position::Between;
    }

    /// The time at which the next comment is due; `None` inside an event, or if that time cannot be
    /// represented.
    pub fn deadline(&self) -> Option<Instant> {
        let due = self.last + self.interval;
        (self.position == Position::Between && due.since_epoch() < Duration::MAX).then_some(due)
    }

    /// Whether a comment has to be sent now. If so, it counts as sent, and the next one is due one
    /// interval later.
    pub fn poll(&mut self, now: Instant) -> bool {
        let due = self.deadline().is_some_and(|deadline| deadline <= now);
        if due {
            self.last = now;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Instant {
        Instant::from_epoch(Duration::from_millis(milliseconds))
    }

    // 9.2.7: a comment line every 15 seconds or so.
    #[test]
    fn a_comment_is_due_after_silence_and_again_after_each_comment() {
        let mut keep_alive = KeepAlive::new(Duration::from_millis(100), at(0));
        assert!(!keep_alive.poll(at(99)));
        assert!(keep_alive.poll(at(100)));
        assert!(!keep_alive.poll(at(199)));
        assert!(keep_alive.poll(at(250)), "late polls are fine");
        assert_eq!(keep_alive.deadline(), Some(at(350)), "and are not made up for");
    }

    #[test]
    fn a_whole_event_postpones_the_comment_and_ends_an_open_event() {
        let mut keep_alive = KeepAlive::new(Duration::from_millis(100), at(0));
        keep_alive.handle_sent(at(10), b"data: a");
        assert_eq!(keep_alive.deadline(), None);
        keep_alive.handle_sent(at(20), b"");
        assert_eq!(keep_alive.deadline(), None);
        keep_alive.handle_event(at(30));
        assert_eq!(keep_alive.deadline(), Some(at(130)));
        keep_alive.handle_sent(at(40), b"");
        assert_eq!(keep_alive.deadline(), Some(at(130)), "zero bytes do not move the deadline");
    }

    #[test]
    fn a_comment_is_never_due_inside_an_event() {
        for stream in
            ["data: a\n\n", "data: a\r\r", "data: a\r\n\r\n", "id: 1\r\ndata: a\n\r\n", "data: a\r\n\r"]
        {
            let mut keep_alive = KeepAlive::new(Duration::from_millis(1), at(0));
            let (last, inside) = stream.as_bytes().split_last().unwrap();
            // `\r\n\r` is complete: its `\n` may follow and changes nothing.
            let complete_at = if stream.ends_with("\r\n") { stream.len() - 1 } else { stream.len() };
            for (sent, byte) in inside.iter().chain([last]).enumerate() {
                keep_alive.handle_sent(at(0), &[*byte]);
                assert_eq!(keep_alive.deadline().is_some(), sent + 1 >= complete_at, "{stream:?} {sent}");
            }
            let mut whole = KeepAlive::new(Duration::from_millis(1), at(0));
            whole.handle_sent(at(0), stream.as_bytes());
            assert!(whole.poll(at(1)), "{stream:?}");
        }
    }

    /// Whether a stream, read naively, has only comments since its last blank line (9.2.6).
    fn is_between_events(stream: &str) -> bool {
        let text = stream.replace("\r\n", "\n").replace('\r', "\n");
        let Some(lines) = text.strip_suffix('\n') else { return text.is_empty() };
        lines.rsplit('\n').take_while(|line| !line.is_empty()).all(|line| line.starts_with(':'))
    }

    #[test]
    fn comments_and_blank_lines_between_events_begin_no_event() {
        for seed in 0..4u32.pow(8) {
            let letter = |place: u32| [':', 'a', '\r', '\n'][(seed >> (2 * place) & 3) as usize];
            let stream: std::string::String = (0..8).map(letter).collect();
            for cut in 0..8 {
                let (a, b) = stream.split_at(cut);
                let mut keep_alive = KeepAlive::new(KeepAlive::INTERVAL, at(0));
                keep_alive.handle_sent(at(0), a.as_bytes());
                assert_eq!(keep_alive.deadline().is_some(), is_between_events(a), "{a:?}");
                keep_alive.handle_sent(at(0), b.as_bytes());
                assert_eq!(keep_alive.deadline().is_some(), is_between_events(&stream), "{stream:?} {cut}");
            }
        }
    }

    #[test]
    fn a_zero_interval_is_one_millisecond_and_duration_max_is_never() {
        let mut keep_alive = KeepAlive::new(Duration::ZERO, at(5));
        assert!(!keep_alive.poll(at(5)));
        assert!(keep_alive.poll(at(6)));
        assert_eq!(KeepAlive::new(Duration::MAX, at(5)).deadline(), None);
    }
}
