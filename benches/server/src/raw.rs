//! A file that one thread writes and syncs for all that wait: the most that a log on this disk can
//! do.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

/// Bytes of the file, which are allocated and written before.
const SIZE: u64 = 256 << 20;

/// A handle to the file; cheap to clone.
#[derive(Clone)]
pub struct Raw(mpsc::Sender<(Bytes, oneshot::Sender<()>)>);

/// The thread and its file, to be removed.
pub struct Writer {
    thread: JoinHandle<()>,
    path: PathBuf,
}

impl Raw {
    /// Makes the file in this directory.
    pub fn create(directory: &Path) -> (Self, Writer) {
        let path = directory.join("raw");
        let mut file = File::create(&path).expect("a file");
        io::copy(&mut io::Read::take(io::repeat(0), SIZE), &mut file).expect("room");
        file.sync_all().expect("a disk");
        let (queue, commands) = mpsc::channel(4096);
        let thread = thread::spawn(move || write(&file, commands));
        (Self(queue), Writer { thread, path })
    }

    /// Completes when the bytes are on the disk.
    pub async fn append(&self, bytes: Bytes) {
        let (answer, answered) = oneshot::channel();
        self.0.try_send((bytes, answer)).expect("room in the queue");
        answered.await.expect("an answer");
    }
}

impl Writer {
    /// Waits until all handles are dropped, and removes the file.
    pub fn remove(self) {
        self.thread.join().expect("it does not panic");
        fs::remove_file(self.path).expect("it is there");
    }
}

fn write(file: &File, mut commands: mpsc::Receiver<(Bytes, oneshot::Sender<()>)>) {
    let (mut group, mut answers, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(first) = commands.blocking_recv() {
        for (event, answer) in [first].into_iter().chain(std::iter::from_fn(|| commands.try_recv().ok())) {
            group.extend_from_slice(&event);
            answers.push(answer);
        }
        at = if at + group.len() as u64 > SIZE { 0 } else { at };
        file.write_all_at(&group, at).expect("room");
        file.sync_data().expect("a disk");
        at += group.len() as u64;
        group.clear();
        answers.drain(..).for_each(|answer: oneshot::Sender<()>| answer.send(()).expect("a caller"));
    }
}
