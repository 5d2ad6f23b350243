//! Readers of futures-io as event streams.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{FutureExt, StreamExt, TryStreamExt, io::AsyncRead, stream};
use sse_proto::{ByteReadExt, EventStreamError, ReadChunks};

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the readers of these tests are always ready")
}

#[test]
fn a_reader_yields_its_events_whatever_its_reads() {
    let chunks = ["data: a\n", "\nid: 7\nda", "ta: b\r", "\n\r\n", "data: lost"].map(Ok::<_, io::Error>);
    let messages: Vec<_> = now(stream::iter(chunks).into_async_read().sse().try_collect()).unwrap();
    let seen: Vec<_> = messages.iter().map(|message| (message.data(), message.id())).collect();
    assert_eq!(seen, [("a", ""), ("b", "7")]);
}

#[test]
fn an_error_is_the_last_item() {
    let chunks = [Ok("data: a\n\ndata: b"), Err(io::ErrorKind::ConnectionReset.into()), Ok("\n\n")];
    let mut events = stream::iter(chunks).into_async_read().sse();
    assert_eq!(now(events.next()).unwrap().unwrap().data(), "a");
    let error = now(events.next()).unwrap().unwrap_err();
    assert!(
        matches!(error, EventStreamError::Stream(error) if error.kind() == io::ErrorKind::ConnectionReset)
    );
    assert!(now(events.next()).is_none());
}

#[test]
fn an_interrupted_read_is_made_again() {
    struct Interrupted(u8);

    impl AsyncRead for Interrupted {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            self.0 += 1;
            Poll::Ready(match self.0 {
                1 => Err(io::ErrorKind::Interrupted.into()),
                2 => io::Read::read(&mut &b"data: a\n\n"[..], buffer),
                _ => Ok(0),
            })
        }
    }

    let messages: Vec<_> = now(Interrupted(0).sse().try_collect()).unwrap();
    assert_eq!(messages.len(), 1);
}

#[test]
fn one_buffer_serves_all_chunks_unless_one_is_kept() {
    let reader = || stream::iter(["ab", "cd", "ef"].map(Ok::<_, io::Error>)).into_async_read();
    let mut chunks = ReadChunks::new(reader());
    let mut places = Vec::new();
    while let Some(chunk) = now(chunks.next()) {
        places.push(chunk.unwrap().as_ref().as_ptr());
    }
    assert_eq!(places.len(), 3);
    assert!(places.iter().all(|place| *place == places[0]));

    let kept: Vec<_> = now(ReadChunks::new(reader()).try_collect()).unwrap();
    let text: Vec<u8> = kept.iter().flat_map(|chunk| chunk.as_ref().to_vec()).collect();
    assert_eq!(text, b"abcdef");
    assert_eq!(format!("{:?}", kept[0]), "ReadChunk(2)");
}
