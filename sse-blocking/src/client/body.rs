//! Body of a response from ureq, with a deadline for each read.

use std::fmt;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use sse_http::client::{Blocking, Body as HttpBody};
use ureq::BodyReader;

use crate::ureq_connection::Connections;

/// The body of a response.
///
/// ureq fixes the time limits of reads when it sends a request. Here each read has its own limit,
/// which the connection applies; a read that is late loses nothing.
pub struct Body {
    reader: BodyReader<'static>,
    connections: Connections,
    /// The time by which reads through [`Read`] must end.
    deadline: Option<Instant>,
}

impl Body {
    pub(super) fn new(body: ureq::Body, connections: Connections) -> Self {
        // No length limit suits an event stream, which has no end.
        let reader = body.into_with_config().limit(u64::MAX).reader();
        Self { reader, connections, deadline: None }
    }

    /// Sets the total time that all reads through [`Read`] may take from now on.
    pub(super) fn limit(&mut self, time: Option<Duration>) {
        self.deadline = time.and_then(|time| Instant::now().checked_add(time));
    }

    fn read_until(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        self.connections.read_until(deadline);
        self.reader.read(buffer).map_err(|error| {
            let timeout = error.get_ref().and_then(|error| error.downcast_ref());
            let late = deadline.is_some_and(|deadline| deadline <= Instant::now());
            match timeout {
                Some(ureq::Error::Timeout(_)) if late => io::ErrorKind::TimedOut.into(),
                // A timeout in the user's configuration of ureq: another read would meet it too.
                _ => error,
            }
        })
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_until(buffer, self.deadline)
    }
}

impl crate::Body for HttpBody<Blocking<Body>> {
    fn read(&mut self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        match self.take_start(buffer) {
            0 => {}
            length => return Ok(length),
        }
        let Some(Blocking(body)) = self.get_mut() else { return Ok(0) };
        body.read_until(buffer, timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }
}
