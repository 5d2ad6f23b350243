//! Cookies of `--cookie-jar`, by the rules of RFC 6265, in a file in curl's format.

mod netscape;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use cookie_store::{CookieStore, RawCookie};
use sse_tokio::reqwest::Url;
use sse_tokio::reqwest::header::HeaderValue;

use crate::failure::{FAILED, Failure};

/// The longest cookie that is kept, in bytes (RFC 6265, 6.1).
const COOKIE: usize = 4096;
/// How many cookies are kept (RFC 6265, 6.1).
const COOKIES: usize = 3000;
/// The longest `Cookie` header, in bytes, as in curl: cookies beyond it are not sent.
const HEADER: usize = 8190;

/// Cookies in a file, shared by all clients of the command.
#[derive(Clone)]
pub(crate) struct Jar {
    path: Arc<Path>,
    cookies: Arc<Mutex<Cookies>>,
}

struct Cookies {
    store: CookieStore,
    /// Whether the cookies differ from the file, or the file does not exist.
    changed: bool,
}

impl Jar {
    /// Reads the cookies of a file; a missing file has none.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or if a line is not a cookie, because saving would lose that
    /// line.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::new(FAILED, path.display(), &error);
        let store = match fs::read_to_string(path) {
            Ok(text) => netscape::read(&text)
                .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error)))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => CookieStore::new(),
            Err(error) => return Err(failed(error)),
        };
        let cookies = Cookies { store, changed: !path.exists() };
        Ok(Self { path: path.into(), cookies: Arc::new(Mutex::new(cookies)) })
    }

    /// Writes the file, with mode 0600, if cookies have changed.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        let mut cookies = self.lock();
        if !std::mem::take(&mut cookies.changed) {
            return Ok(());
        }
        write(&self.path, &netscape::write(&cookies.store))
            .map_err(|error| Failure::new(FAILED, self.path.display(), &error))
    }

    fn lock(&self) -> MutexGuard<'_, Cookies> {
        self.cookies.lock().expect("nothing panics while it holds the lock")
    }
}

/// Replaces the file atomically, so that a reader never sees a part of it.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let target = path.canonicalize().unwrap_or_else(|_| PathBuf::from(path));
    if target.exists() && !target.is_file() {
        // A device or a pipe: there is nothing to replace.
        return File::options().write(true).open(target)?.write_all(text.as_bytes());
    }
    let directory = match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // Temporary files have the mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.persist(&target)?;
    Ok(())
}

impl reqwest::cookie::CookieStore for Jar {
    fn set_cookies(&self, headers: &mut dyn Iterator<Item = &HeaderValue>, url: &Url) {
        let mut cookies = self.lock();
        for header in headers.filter(|header| header.len() <= COOKIE) {
            let Ok(Ok(cookie)) = str::from_utf8(header.as_bytes()).map(RawCookie::parse) else { continue };
            // There is no list of public suffixes here; a name without a dot is certainly one,
            // unless it is the host.
            let suffix = cookie.domain().map(|domain| domain.trim_start_matches('.'));
            if suffix.is_some_and(|domain| !domain.contains('.') && url.host_str() != Some(domain)) {
                continue;
            }
            if cookies.store.iter_any().count() >= COOKIES {
                continue;
            }
            // Cookies for other hosts are rejected.
            if cookies.store.insert_raw(&cookie, url).is_ok() {
                cookies.changed = true;
            }
        }
    }

    fn cookies(&self, url: &Url) -> Option<HeaderValue> {
        let cookies = self.lock();
        let mut header = String::new();
        for (name, value) in cookies.store.get_request_values(url) {
            if header.len() + name.len() + value.len() + "; =".len() > HEADER {
                break;
            }
            if !header.is_empty() {
                header.push_str("; ");
            }
            header.push_str(name);
            header.push('=');
            header.push_str(value);
        }
        let mut value = (!header.is_empty()).then(|| HeaderValue::try_from(header).ok()).flatten()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use reqwest::cookie::CookieStore as _;

    use super::*;

    fn jar() -> (tempfile::TempDir, Jar) {
        let directory = tempfile::tempdir().unwrap();
        let jar = Jar::open(&directory.path().join("jar")).unwrap();
        (directory, jar)
    }

    fn set(jar: &Jar, header: &str, url: &str) {
        let header = HeaderValue::from_str(header).unwrap();
        jar.set_cookies(&mut [&header].into_iter(), &url.parse().unwrap());
    }

    fn sent(jar: &Jar, url: &str) -> Option<String> {
        jar.cookies(&url.parse().unwrap()).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn cookies_go_to_their_host_and_path_alone() {
        let (_directory, jar) = jar();
        set(&jar, "a=1; Path=/x", "http://a.example/");
        set(&jar, "b=2; Domain=example", "http://a.example/");
        set(&jar, "c=3; Domain=other.example", "http://a.example/");
        assert_eq!(sent(&jar, "http://a.example/x").as_deref(), Some("a=1"));
        assert_eq!(sent(&jar, "http://a.example/y"), None);
        assert_eq!(sent(&jar, "http://other.example/x"), None);
    }

    #[test]
    fn a_server_cannot_fill_the_jar_or_the_header() {
        let (_directory, jar) = jar();
        set(&jar, &format!("long={}", "x".repeat(COOKIE)), "http://a.example/");
        assert_eq!(sent(&jar, "http://a.example/"), None);
        for number in 0..COOKIES + 10 {
            set(&jar, &format!("c{number}=12345678"), "http://a.example/");
        }
        assert_eq!(jar.lock().store.iter_any().count(), COOKIES);
        assert!(sent(&jar, "http://a.example/").unwrap().len() <= HEADER);
    }

    #[test]
    #[cfg(unix)]
    fn the_file_is_for_its_owner_alone_and_a_link_to_it_is_kept() {
        use std::os::unix::fs::{MetadataExt as _, symlink};

        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "").unwrap();
        symlink(&file, &link).unwrap();
        let jar = Jar::open(&link).unwrap();
        set(&jar, "a=1", "http://a.example/");
        jar.save().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(&file).unwrap().contains("a.example\tFALSE\t/\tFALSE\t0\ta\t1\n"));
    }
}
