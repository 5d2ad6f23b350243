//! Body of a response from ureq, with a deadline for each read.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use sse_http::client::{Blocking, BlockingBody, Body as HttpBody};
use ureq::BodyReader;

use super::observer::Deadline;

/// The body of a response.
///
/// ureq fixes the time limits of reads when it sends a request. Here each read has its own limit,
/// which the connection applies; a read that is late loses nothing.
pub struct Body {
    reader: BodyReader<'static>,
    deadline: Deadline,
}

impl Body {
    pub(super) fn new(body: ureq::Body, deadline: Deadline) -> Self {
        // No length limit suits an event stream, which has no end.
        Self { reader: body.into_with_config().limit(u64::MAX).reader(), deadline }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).map_err(|error| {
            let theirs = error.get_ref().and_then(|error| error.downcast_ref());
            match theirs {
                Some(ureq::Error::Timeout(_)) if self.deadline.left() == Some(Duration::ZERO) => {
                    io::ErrorKind::TimedOut.into()
                }
                // A timeout in the user's configuration of ureq: another read would meet it too.
                _ => error,
            }
        })
    }
}

impl BlockingBody for Body {
    fn limit_time(&mut self, time: Option<Duration>) {
        self.deadline.set(time);
    }
}

impl crate::Body for HttpBody<Blocking<Body>> {
    fn read(&mut self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        match self.take_start(buffer) {
            0 => {}
            length => return Ok(length),
        }
        let Some(Blocking(body)) = self.get_mut() else { return Ok(0) };
        body.limit_time(timeout);
        body.read(buffer)
    }
}
