//! What a server does with one connection.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// What a server does with one connection: it reads a request, takes the steps of the reply in
/// their order, and closes.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Reply {
    pub(crate) steps: Vec<Step>,
    /// Whether the body of the request stays unread until the steps are taken.
    pub(crate) early: bool,
    /// Whether the connection ends with a TCP reset.
    pub(crate) resets: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Sleep(Duration),
    Wait(Arc<Mutex<mpsc::Receiver<()>>>),
    Repeat(Vec<u8>, Duration),
    Hold,
}

impl Reply {
    /// Sends only the given bytes.
    pub fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self::default().send(bytes)
    }

    /// A response whose body ends with the connection. Each header is `"Name: value\r\n"`.
    ///
    /// Head and body are written at once: a body that waits for the head to be acknowledged would
    /// be lost if the connection is reset.
    pub fn response(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let head = format!("HTTP/1.1 {status} \r\n{headers}Connection: close\r\n\r\n");
        Self::raw([head.as_bytes(), body.as_ref()].concat())
    }

    /// A response whose length is announced.
    pub fn status(status: u16, headers: &str, body: &str) -> Self {
        Self::response(status, &format!("Content-Length: {}\r\n{headers}", body.len()), body)
    }

    /// A 200 of any content type.
    pub fn of_type(content_type: &str, body: impl AsRef<[u8]>) -> Self {
        Self::response(200, &format!("Content-Type: {content_type}\r\n"), body)
    }

    /// An event stream.
    pub fn stream(body: impl AsRef<[u8]>) -> Self {
        Self::of_type("text/event-stream", body)
    }

    /// Status 204, which ends a client for good (9.2.3).
    pub fn no_content() -> Self {
        Self::response(204, "", "")
    }

    /// A redirect.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status, &format!("Location: {location}\r\n"), "")
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Then more bytes.
    pub fn send(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Step::Send(bytes.as_ref().to_vec()))
    }

    /// Then nothing for a while.
    pub fn sleep(self, time: Duration) -> Self {
        self.then(Step::Sleep(time))
    }

    /// Then nothing until a message comes, or cannot come any more.
    pub fn wait(self, message: mpsc::Receiver<()>) -> Self {
        self.then(Step::Wait(Arc::new(Mutex::new(message))))
    }

    /// Then these bytes again and again, with a pause before each time, until the client hangs up.
    pub fn repeat(self, bytes: impl AsRef<[u8]>, pause: Duration) -> Self {
        self.then(Step::Repeat(bytes.as_ref().to_vec(), pause))
    }

    /// Then nothing, until the client hangs up.
    pub fn hold(self) -> Self {
        self.then(Step::Hold)
    }

    /// The connection ends with a TCP reset, which may overtake what was sent before it.
    pub fn reset(self) -> Self {
        Self { resets: true, ..self }
    }

    /// The reply begins as soon as the head of the request is there. Combine it with
    /// [`hold`](Self::hold), which reads the body: closing with bytes unread is a reset.
    pub fn early(self) -> Self {
        Self { early: true, ..self }
    }
}
