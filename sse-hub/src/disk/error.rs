//! Error of opening a directory as a log.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why [`DiskLog::open`](super::DiskLog::open) failed. Each message names the directory, and what
/// to do about the error.
#[derive(Debug)]
#[non_exhaustive]
pub enum DiskError {
    /// Another process has the directory open.
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The directory holds files that do not belong to a log.
    Foreign {
        /// The directory.
        path: PathBuf,
        /// The name of one of the files.
        found: String,
    },
    /// The log was written in a format that this version does not know.
    Format {
        /// The directory.
        path: PathBuf,
        /// The content of its file `FORMAT`.
        found: String,
        /// The content that this version expects.
        known: &'static str,
    },
    /// The bytes on the disk are not the bytes that were written.
    Corrupt {
        /// The directory.
        path: PathBuf,
        /// The damaged part, and its damage.
        what: String,
    },
    /// The bytes of [`DiskConfig::with_bytes`](super::DiskConfig::with_bytes) are fewer than a log
    /// needs.
    TooFewBytes {
        /// The smallest allowed number of bytes.
        least: u64,
    },
    /// The system refused to read or write.
    Io {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}

impl DiskError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.to_owned(), error }
    }

    pub(super) fn corrupt(path: &Path, what: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), what: what.into() }
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { path } => {
                write!(
                    f,
                    "{}: another process uses this directory: stop it, or use another directory",
                    path.display()
                )
            }
            Self::Foreign { path, found } => {
                write!(
                    f,
                    "{}: not a log: the directory contains {found:?}. Use an empty directory",
                    path.display()
                )
            }
            Self::Format { path, found, known } => {
                let path = path.display();
                write!(f, "{path}: unknown format {found:?}: this version reads and writes {known:?}")
            }
            Self::Corrupt { path, what } => {
                let path = path.display();
                write!(
                    f,
                    "{path}: corrupt: {what}. Restore the directory from a backup, or start with an empty one"
                )
            }
            Self::TooFewBytes { least } => write!(f, "a log needs at least {least} bytes"),
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for DiskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
