//! Damage of the engine's tables, which is found when they are read.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use fjall::{Keyspace, LsmError};

/// Why a read fails.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The engine or the system refuses to read. The data may be intact.
    Engine(fjall::Error),
    /// The bytes on the disk are not the bytes that were written.
    Damaged {
        /// The directory of the keyspace that was read.
        keyspace: PathBuf,
        what: String,
    },
}

impl ReadError {
    pub(super) fn of(keyspace: &Keyspace, error: fjall::Error) -> Self {
        let is_damage = match &error {
            fjall::Error::Io(error) | fjall::Error::Storage(LsmError::Io(error)) => is_damage(error),
            fjall::Error::Storage(_) | fjall::Error::Decompress(_) => true,
            _ => false,
        };
        if is_damage { Self::damaged(keyspace, error.to_string()) } else { Self::Engine(error) }
    }

    /// A value passed the engine's checksums but cannot be parsed.
    pub(super) fn malformed(keyspace: &Keyspace) -> Self {
        Self::damaged(keyspace, "a record is malformed".to_owned())
    }

    fn damaged(keyspace: &Keyspace, what: String) -> Self {
        Self::Damaged { keyspace: keyspace.path().to_owned(), what }
    }
}

/// Whether a system error is about the bytes of a file, and not about the process (too many open
/// files).
fn is_damage(error: &io::Error) -> bool {
    /// The number of the error for an unreadable sector, on every Unix.
    const EIO: i32 = 5;
    let kinds = [ErrorKind::UnexpectedEof, ErrorKind::InvalidData, ErrorKind::NotFound];
    kinds.contains(&error.kind()) || cfg!(unix) && error.raw_os_error() == Some(EIO)
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Damaged { keyspace, what } => {
                write!(f, "a table in {} is damaged ({what})", keyspace.display())
            }
        }
    }
}

/// The first damage that was found since the log was opened.
#[derive(Clone, Debug, Default)]
pub(super) struct Damage(Arc<OnceLock<String>>);

impl Damage {
    /// Stores that events of a topic cannot be read, unless an earlier damage is stored.
    pub(super) fn report(&self, topic: &str, error: &ReadError) {
        self.0.get_or_init(|| {
            format!(
                "events of the topic {topic:?} cannot be read: {error}. Subscribers get a gap event instead. \
                 Check the disk. A backup of the directory has the events"
            )
        });
    }

    /// The damage and what to do about it; `None` if none was found.
    pub(super) fn reported(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}
