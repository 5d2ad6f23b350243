//! Body of a response: the part that was read ahead, and the rest.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, Read};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;

use super::TransportError;

/// The body of a response, of which the beginning may have been read ahead, to decide about the
/// response.
///
/// It is a [`Stream`] of chunks over an asynchronous `B`, and a [`Read`] over a blocking one; both
/// start with the first byte.
pub struct Body<B> {
    /// The bytes that were read ahead.
    start: BytesMut,
    /// The unread rest of the body; `None` once it has ended or failed.
    rest: Option<B>,
}

impl<B> Body<B> {
    /// Wraps a body of which nothing was read.
    pub fn new(rest: B) -> Self {
        Self { start: BytesMut::new(), rest: Some(rest) }
    }

    /// A body that has ended, of which these bytes were read ahead.
    #[cfg(test)]
    pub(super) fn read(start: BytesMut) -> Self {
        Self { start, rest: None }
    }

    /// The bytes that were read ahead and not yet taken.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// The wrapped body, for its own methods; `None` once it has ended or failed.
    pub fn get_mut(&mut self) -> Option<&mut B> {
        self.rest.as_mut()
    }
}

impl<B: Stream<Item = Result<Bytes, TransportError>> + Unpin> Body<B> {
    /// Reads ahead until `limit` bytes are there, the body ends, or it fails.
    ///
    /// Cancel safe: bytes already read are kept.
    ///
    /// # Errors
    ///
    /// If the connection breaks.
    pub async fn fill(&mut self, limit: usize) -> Result<(), TransportError> {
        while self.start.len() < limit
            && let Some(rest) = &mut self.rest
        {
            match poll_fn(|cx| Pin::new(&mut *rest).poll_next(cx)).await {
                Some(Ok(chunk)) => self.start.extend_from_slice(&chunk),
                Some(Err(error)) => {
                    self.rest = None;
                    return Err(error);
                }
                None => self.rest = None,
            }
        }
        Ok(())
    }
}

impl<B: Stream<Item = Result<Bytes, TransportError>> + Unpin> Stream for Body<B> {
    type Item = Result<Bytes, TransportError>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.start.is_empty() {
            return Poll::Ready(Some(Ok(mem::take(&mut self.start).freeze())));
        }
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        // Returned as a whole: taken apart, a chunk would be moved twice.
        let next = Pin::new(rest).poll_next(cx);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            self.rest = None;
        }
        next
    }
}

/// The body of a blocking client, which is a reader.
#[derive(Debug)]
pub struct Blocking<R>(pub R);

impl<R: Read> Body<Blocking<R>> {
    /// Reads ahead until `limit` bytes are there, the body ends, or it fails.
    ///
    /// # Errors
    ///
    /// If the connection breaks.
    pub fn fill_blocking(&mut self, limit: usize) -> Result<(), TransportError> {
        let mut buffer = vec![0; limit.saturating_sub(self.start.len()).min(16 << 10)];
        while self.start.len() < limit
            && let Some(Blocking(rest)) = &mut self.rest
        {
            let room = (limit - self.start.len()).min(buffer.len());
            match rest.read(&mut buffer[..room]) {
                Ok(0) => self.rest = None,
                Ok(length) => self.start.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.rest = None;
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    /// Moves bytes that were read ahead into `buffer`, up to its length; returns how many.
    pub fn take_start(&mut self, buffer: &mut [u8]) -> usize {
        let length = self.start.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.start.split_to(length));
        length
    }
}

impl<B> fmt::Debug for Body<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("start", &self.start.len()).finish_non_exhaustive()
    }
}
