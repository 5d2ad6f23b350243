//! What ends a client for good, as its application sees it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;

use futures_core::Stream;

use crate::{CloseReason, Closed};

/// Why there will be no further event; `H` is the head of a response, `B` its body, `E` an error of the transport.
///
/// It says [why](Self::reason), and has the response if there was one: its [head](Self::head) at once, its
/// [body](Self::body) when asked for.
pub struct ClientError<H, B, E>(Box<Inner<H, B, E>>);

enum Inner<H, B, E> {
    Request(E),
    Closed(Closed<H, B, E>),
}

/// A head that tells the status of its response, in a type of the transport's.
pub trait HasStatus {
    /// The type of a status.
    type Status;

    /// The status.
    fn status(&self) -> Self::Status;
}

impl<H, B, E> ClientError<H, B, E> {
    /// The request could not be built.
    pub fn request(error: E) -> Self {
        Self(Box::new(Inner::Request(error)))
    }

    /// What a driver ended with; `None` if [nothing went wrong](CloseReason::is_failure).
    pub fn failure(closed: Closed<H, B, E>) -> Option<Self> {
        closed.reason.is_failure().then(|| Self(Box::new(Inner::Closed(closed))))
    }

    /// Why the source closed; `None` if it was never built, because the request is malformed.
    pub fn reason(&self) -> Option<CloseReason> {
        self.closed().map(|closed| closed.reason)
    }

    /// The head of the response that was not believed.
    pub fn head(&self) -> Option<&H> {
        self.closed()?.response.as_ref().map(|response| &response.0)
    }

    /// The status of the response that was not believed.
    pub fn status(&self) -> Option<H::Status>
    where
        H: HasStatus,
    {
        self.head().map(H::status)
    }

    /// Reads the body of the response that was not believed: the message of the API, as a rule.
    ///
    /// At most `limit` bytes are read; what a call has read is gone for the next. It takes as long as the server does: put a
    /// timeout of your runtime around it.
    ///
    /// # Errors
    ///
    /// The connection failed.
    pub async fn body<C>(&mut self, limit: usize) -> Result<C, E>
    where
        B: Stream<Item = Result<C, E>> + Unpin,
        C: AsRef<[u8]> + From<Vec<u8>>,
    {
        let mut read = Vec::new();
        if let Inner::Closed(Closed { response: Some(response), .. }) = &mut *self.0 {
            while read.len() < limit
                && let Some(chunk) =
                    poll_fn(|cx| Pin::new(&mut response.1).poll_next(cx)).await.transpose()?
            {
                let chunk = chunk.as_ref();
                read.extend_from_slice(&chunk[..chunk.len().min(limit - read.len())]);
            }
        }
        Ok(read.into())
    }

    fn closed(&self) -> Option<&Closed<H, B, E>> {
        match &*self.0 {
            Inner::Request(_) => None,
            Inner::Closed(closed) => Some(closed),
        }
    }
}

impl<H, B, E> fmt::Display for ClientError<H, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Request(_) => f.write_str("the request cannot be built"),
            Inner::Closed(closed) => closed.fmt(f),
        }
    }
}

impl<H: fmt::Debug, B, E: fmt::Debug> fmt::Debug for ClientError<H, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Request(error) => f.debug_tuple("Request").field(error).finish(),
            Inner::Closed(closed) => closed.fmt(f),
        }
    }
}

impl<H: fmt::Debug, B, E: core::error::Error + 'static> core::error::Error for ClientError<H, B, E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &*self.0 {
            Inner::Request(error) => Some(error),
            Inner::Closed(closed) => closed.error.as_ref().map(|error| error as _),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use std::io::{Error, ErrorKind};

    use futures_executor::block_on;
    use futures_util::stream;

    use super::*;

    impl HasStatus for u16 {
        type Status = u16;

        fn status(&self) -> u16 {
            *self
        }
    }

    fn closed<B>(reason: CloseReason, body: B) -> Closed<u16, B, Error> {
        Closed { reason, error: Some(ErrorKind::Other.into()), response: Some(Box::new((401, body))) }
    }

    #[test]
    fn the_body_is_read_up_to_a_limit() {
        let chunks = ["no ", "key", " no ", "events"].map(|chunk| Ok(Vec::from(chunk)));
        let mut error = ClientError::failure(closed(CloseReason::Status(401), stream::iter(chunks))).unwrap();
        assert_eq!(block_on(error.body(0)).unwrap(), b"");
        assert_eq!(block_on(error.body(5)).unwrap(), b"no ke");
        assert_eq!(block_on(error.body(100)).unwrap(), b" no events", "what was cut off is gone");
        assert_eq!(block_on(error.body(100)).unwrap(), b"");
        assert_eq!((error.head(), error.reason()), (Some(&401), Some(CloseReason::Status(401))));
        assert_eq!(error.status(), Some(401));
        assert!(core::error::Error::source(&error).is_some());
        assert!(std::format!("{error:?}").starts_with("Closed { reason: Status(401)"));
    }

    #[test]
    fn a_body_may_break_off() {
        let chunks = [Ok(Vec::from("no ")), Err(ErrorKind::BrokenPipe.into())];
        let mut error = ClientError::failure(closed(CloseReason::Rejected, stream::iter(chunks))).unwrap();
        assert_eq!(block_on(error.body(100)).unwrap_err().kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn an_end_that_was_wished_for_is_none() {
        assert!(ClientError::failure(closed(CloseReason::Caller, ())).is_none());
    }

    #[test]
    fn a_request_that_cannot_be_built_has_no_reason_but_a_source() {
        let error = ClientError::<u16, (), Error>::request(ErrorKind::InvalidInput.into());
        assert_eq!((error.head(), error.reason()), (None, None));
        assert_eq!((error.status(), error.to_string().as_str()), (None, "the request cannot be built"));
        assert_eq!(std::format!("{error:?}"), "Request(Kind(InvalidInput))");
        let source = core::error::Error::source(&error).unwrap();
        assert_eq!(source.downcast_ref::<Error>().unwrap().kind(), ErrorKind::InvalidInput);
    }
}
