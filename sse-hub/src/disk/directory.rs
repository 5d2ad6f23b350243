//! Directory of a log: its format, its permissions, and the lock that keeps other processes out.
//!
//! ```text
//! DIR/          0700
//!   FORMAT      one line of text; locked as long as the log is open
//!   log/        the storage engine's own files
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::DiskError;

/// The content of the file `FORMAT`: identifies the layout of keys and records in
/// [`keys`](super::keys), and the engine's own format.
const FORMAT: &str = "sse-hub disk log, format 2\n";

/// How many bytes of the file `FORMAT` are read: errors quote its text, and another program may
/// have written the file.
const FORMAT_LIMIT: u64 = 128;

/// A directory that only this process has open.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// The locked file. Dropping it unlocks it; the system also does so after `kill -9`.
    _lock: File,
}

impl Directory {
    /// Opens the directory, or creates the log if the directory does not exist or is empty.
    ///
    /// # Errors
    ///
    /// If another process has the directory open, if it holds other files or another format, or if
    /// the system refuses access.
    pub(super) fn open(path: &Path) -> Result<Self, DiskError> {
        let io = |error| DiskError::io(path, error);
        create(path).map_err(io)?;
        let format = path.join("FORMAT");
        let mut lock = None;
        if !format.try_exists().map_err(io)? {
            refuse_foreign(path)?;
            lock = write_format(path, &format)?;
        }
        let lock = match lock {
            Some(lock) => lock,
            None => open_locked(path, &format, File::options().read(true).write(true))?,
        };
        check_format(path, &lock)?;
        // Not before, because the directory of another program stays as it is.
        make_private(path).map_err(io)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The directory of the storage engine's files.
    pub(super) fn engine(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Syncs the engine's directory, so that it survives a power cut.
    pub(super) fn sync(&self) -> Result<(), DiskError> {
        sync(&self.path).map_err(|error| DiskError::io(&self.path, error))
    }

    /// How many bytes can still be written to the file system: see [`free`].
    pub(super) fn free(&self) -> u64 {
        free(&self.path)
    }
}

/// How many bytes can still be written to a file system; `u64::MAX` if the system does not report
/// it.
#[cfg_attr(not(unix), allow(unused_variables, reason = "used on Unix alone"))]
pub(super) fn free(path: &Path) -> u64 {
    #[cfg(unix)]
    if let Ok(stat) = rustix::fs::statvfs(path) {
        return stat.f_bavail.saturating_mul(stat.f_frsize);
    }
    u64::MAX
}

/// How many bytes a file takes on disk: its blocks where the system counts them, because the
/// engine's files have holes.
pub(super) fn bytes_on_disk(metadata: &fs::Metadata) -> u64 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::blocks(metadata) * 512;
    #[cfg(not(unix))]
    return metadata.len();
}

/// Creates the directory and its parents, unless it exists.
fn create(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
        _ => error,
    })?;
    match path.canonicalize()?.parent().map(sync) {
        // The parent may not be read by this process, which then has not made the directory.
        Some(Err(error)) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}

/// Restricts the access to the owner, because events may be secret.
#[cfg_attr(not(unix), allow(unused_variables, reason = "used on Unix alone"))]
fn make_private(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mut permissions = fs::metadata(path)?.permissions();
        if permissions.mode() & 0o7777 != 0o700 {
            permissions.set_mode(0o700);
            fs::set_permissions(path, permissions)?;
        }
    }
    Ok(())
}

/// Returns an error if the directory has files but no `FORMAT`, because it then belongs to another
/// program. (An empty file system has `lost+found`.)
fn refuse_foreign(path: &Path) -> Result<(), DiskError> {
    for entry in fs::read_dir(path).map_err(|error| DiskError::io(path, error))? {
        let name = entry.map_err(|error| DiskError::io(path, error))?.file_name();
        // Another process may have written its `FORMAT` meanwhile.
        if !["lost+found", "FORMAT", "FORMAT.new"].iter().any(|known| name == *known) {
            return Err(DiskError::Foreign { path: path.to_owned(), found: name.to_string_lossy().into() });
        }
    }
    Ok(())
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Opens a file of the directory, and locks it.
fn open_locked(path: &Path, file: &Path, options: &OpenOptions) -> Result<File, DiskError> {
    let file = options.open(file).map_err(|error| DiskError::io(path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DiskError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(DiskError::io(path, error)),
    }
}

/// Writes the file `FORMAT`, under another name first, so that a crash leaves no partial file.
/// Returns the file, locked; `None` if another process has written it.
///
/// The file is locked before it gets its name, and is checked then: of several processes that find
/// an empty directory, none replaces the file that another one has locked.
fn write_format(path: &Path, format: &Path) -> Result<Option<File>, DiskError> {
    let io = |error| DiskError::io(path, error);
    let new = path.join("FORMAT.new");
    let options = File::options().read(true).write(true).create(true).truncate(false).clone();
    let mut file = open_locked(path, &new, &options)?;
    if format.try_exists().map_err(io)? {
        fs::remove_file(&new).or_else(ignore_missing).map_err(io)?;
        return Ok(None);
    }
    file.set_len(0).map_err(io)?;
    file.write_all(FORMAT.as_bytes()).map_err(io)?;
    file.sync_all().map_err(io)?;
    fs::rename(&new, format).map_err(io)?;
    sync(path).map_err(io)?;
    file.rewind().map_err(io)?;
    Ok(Some(file))
}

fn check_format(path: &Path, file: &File) -> Result<(), DiskError> {
    let mut found = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, FORMAT_LIMIT), &mut found)
        .map_err(|error| DiskError::io(path, error))?;
    if found == FORMAT.as_bytes() {
        return Ok(());
    }
    let found = String::from_utf8_lossy(&found).trim_end().escape_debug().to_string();
    Err(DiskError::Format { path: path.to_owned(), found, known: FORMAT.trim_end() })
}

/// Syncs a directory, so that created, renamed and removed files in it survive a power cut.
#[cfg_attr(not(unix), allow(unused_variables, reason = "used on Unix alone"))]
fn sync(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_directory_is_private_and_says_its_format() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        drop(Directory::open(&path).unwrap());
        assert_eq!(fs::read_to_string(path.join("FORMAT")).unwrap(), FORMAT);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            assert_eq!(mode(), 0o700);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            drop(Directory::open(&path).unwrap());
            assert_eq!(mode(), 0o700, "it is taken from others again");
        }
    }

    #[test]
    fn a_directory_that_is_open_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let first = Directory::open(directory.path()).unwrap();
        let second = Directory::open(directory.path()).unwrap_err();
        assert!(matches!(second, DiskError::InUse { .. }), "{second}");
        assert!(second.to_string().contains("another process"), "{second}");
        drop(first);
        assert!(Directory::open(directory.path()).is_ok());
    }

    #[test]
    fn of_several_that_open_a_new_directory_at_once_one_has_it() {
        for _ in 0..50 {
            let directory = tempfile::tempdir().unwrap();
            let start = std::sync::Barrier::new(4);
            let open = || {
                start.wait();
                Directory::open(directory.path())
            };
            let opened = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
            });
            let refused = opened.iter().filter(|opened| matches!(opened, Err(DiskError::InUse { .. })));
            assert_eq!((refused.count(), opened.iter().flatten().count()), (3, 1), "{opened:?}");
        }
    }

    #[test]
    fn an_unknown_format_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        for found in ["sse-hub disk log, format 1\n", "", "\u{1b}[2J", &"x".repeat(1 << 20)] {
            fs::write(directory.path().join("FORMAT"), found).unwrap();
            let error = Directory::open(directory.path()).unwrap_err();
            let DiskError::Format { found: quoted, known, .. } = &error else { panic!("{error}") };
            assert!(quoted.len() <= 128 && !quoted.contains('\u{1b}'), "{quoted}");
            assert_eq!(*known, "sse-hub disk log, format 2");
            assert!(
                error.to_string().contains(quoted.as_str()) && error.to_string().contains(known),
                "{error}"
            );
        }
    }

    #[test]
    fn a_directory_of_another_program_is_refused_and_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::create_dir(path.join("lost+found")).unwrap();
        drop(Directory::open(path).unwrap());
        fs::remove_file(path.join("FORMAT")).unwrap();
        for (name, content) in [("thesis.tex", ""), ("FORMAT", "of another program")] {
            fs::write(path.join(name), content).unwrap();
            #[cfg(unix)]
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
            let text = Directory::open(path).unwrap_err().to_string();
            assert!(text.contains(if content.is_empty() { name } else { content }), "{text}");
            #[cfg(unix)]
            assert_eq!(
                std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777,
                0o755
            );
        }
    }

    #[test]
    fn a_file_in_place_of_the_directory_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Directory::open(&file).unwrap_err();
        assert!(error.to_string().contains("not a directory"), "{error}");
    }
}
