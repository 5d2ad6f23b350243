//! Tap on the bytes of the streams: counts them, records them with `--record`, and prints them with
//! `--raw`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use sse_tokio::Event;
use tokio::sync::Notify;

use super::arguments::OutputArguments;
use crate::failure::{FAILED, Failure};
use crate::output::Output;
use crate::recording::Recorder;

/// Receiver of every byte of the streams.
#[derive(Clone, Default)]
pub(super) struct Tap {
    outlets: Arc<Mutex<Outlets>>,
    bytes: Arc<AtomicU64>,
    /// Notified when writing fails, because a chunk may contain no event.
    pub(super) failed: Arc<Notify>,
}

/// Destinations of the bytes.
#[derive(Default)]
struct Outlets {
    recorder: Option<Recorder>,
    raw: Option<Output>,
    failure: Option<io::Error>,
}

impl Tap {
    /// Opens the files. Returns the output for events, unless it is used for the bytes.
    pub(super) fn open(&self, arguments: &OutputArguments) -> Result<Output, Failure> {
        let create = |path: &PathBuf| {
            Recorder::create(path).map_err(|error| Failure::new(FAILED, path.display(), &error))
        };
        let recorder = arguments.record.as_ref().map(create).transpose()?;
        let output = Output::open(arguments.output.as_deref())?;
        let mut outlets = self.lock();
        outlets.recorder = recorder;
        if arguments.raw {
            outlets.raw = Some(output);
            return Ok(Output::none());
        }
        Ok(output)
    }

    /// The chunk hook for a client.
    pub(super) fn hook(&self) -> impl FnMut(&[u8]) + Send + Sync + 'static {
        let tap = self.clone();
        move |chunk| {
            tap.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            let mut outlets = tap.lock();
            if let Err(error) = outlets.chunk(chunk) {
                outlets.failure.get_or_insert(error);
                tap.failed.notify_one();
            }
        }
    }

    /// Records an event that is not a chunk, such as a response head.
    pub(super) fn event(&self, event: &Event) -> io::Result<()> {
        let mut outlets = self.lock();
        let Some(recorder) = &mut outlets.recorder else { return Ok(()) };
        match event {
            Event::Open(head) => recorder.head(head.status.as_u16(), &head.headers),
            Event::Disconnected { cause, .. } => recorder.end(&cause.cause().to_string()),
            _ => Ok(()),
        }
    }

    /// Records why the stream ended.
    pub(super) fn end(&self, cause: &str) -> io::Result<()> {
        self.lock().recorder.as_mut().map_or(Ok(()), |recorder| recorder.end(cause))
    }

    /// Number of bytes received so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns the error of a failed write.
    pub(super) fn check(&self) -> io::Result<()> {
        self.lock().failure.take().map_or(Ok(()), Err)
    }

    fn lock(&self) -> MutexGuard<'_, Outlets> {
        self.outlets.lock().expect("nothing panics while it holds the lock")
    }
}

impl Outlets {
    fn chunk(&mut self, chunk: &[u8]) -> io::Result<()> {
        if let Some(recorder) = &mut self.recorder {
            recorder.chunk(chunk)?;
        }
        if let Some(raw) = &mut self.raw {
            raw.write_all(chunk)?;
            raw.flush()?;
        }
        Ok(())
    }
}
