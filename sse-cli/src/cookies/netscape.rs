//! Netscape format of cookie files, which curl uses.
//!
//! Each line is a cookie, with seven fields separated by tabs: domain, whether subdomains get it,
//! path, whether it needs TLS, seconds since 1970 at which it expires (0 at the end of the
//! session), name, value. `#HttpOnly_` before the domain is a flag; other lines with `#` are
//! comments.

use std::fmt::Write as _;

use cookie_store::{CookieDomain, CookieExpiration, CookieStore, RawCookie};
use sse_tokio::reqwest::Url;
use time::OffsetDateTime;

const HEAD: &str =
    "# Netscape HTTP Cookie File\n# Written by `sse tail --cookie-jar`; curl reads it too.\n\n";
const HTTP_ONLY: &str = "#HttpOnly_";

/// Parses the cookies of a file, without the expired ones.
///
/// # Errors
///
/// If a line is not a cookie; the message has the line's number.
pub(super) fn read(text: &str) -> Result<CookieStore, String> {
    let mut store = CookieStore::new();
    for (index, line) in text.lines().enumerate() {
        let (line, http_only) = match line.strip_prefix(HTTP_ONLY) {
            Some(line) => (line, true),
            None => (line, false),
        };
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (cookie, url) = cookie(line, http_only)
            .ok_or_else(|| format!("line {} is not a cookie in the Netscape format", index + 1))?;
        // The only cookies that are refused here are expired.
        let _ = store.insert_raw(&cookie, &url);
    }
    Ok(store)
}

fn cookie(line: &str, http_only: bool) -> Option<(RawCookie<'static>, Url)> {
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    let (domain, subdomains, path) = (next()?, flag(next()?)?, next()?);
    let (secure, expires) = (flag(next()?)?, next()?.parse::<i64>().ok()?);
    // Other writers leave out the value if it is empty.
    let (name, value) = (next()?, next().unwrap_or_default());
    if next().is_some() || name.is_empty() || !path.starts_with('/') {
        return None;
    }
    let host = domain.trim_start_matches('.').to_ascii_lowercase();
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
    let url = Url::parse(&format!("https://{host}/")).ok()?;
    let mut cookie = RawCookie::new(name.to_owned(), value.to_owned());
    cookie.set_path(path.to_owned());
    cookie.set_secure(secure);
    cookie.set_http_only(http_only);
    if subdomains {
        cookie.set_domain(host);
    }
    if expires != 0 {
        cookie.set_expires(OffsetDateTime::from_unix_timestamp(expires).ok()?);
    }
    Some((cookie, url))
}

fn flag(text: &str) -> Option<bool> {
    match () {
        () if text.eq_ignore_ascii_case("TRUE") => Some(true),
        () if text.eq_ignore_ascii_case("FALSE") => Some(false),
        () => None,
    }
}

/// Formats all cookies that have not expired, ordered by domain, path and name.
pub(super) fn write(store: &CookieStore) -> String {
    let word = |flag| if flag { "TRUE" } else { "FALSE" };
    let mut lines: Vec<String> = store
        .iter_unexpired()
        .filter_map(|cookie| {
            let (domain, subdomains) = match &cookie.domain {
                CookieDomain::HostOnly(host) => (host.clone(), false),
                CookieDomain::Suffix(suffix) => (format!(".{suffix}"), true),
                CookieDomain::NotPresent | CookieDomain::Empty => return None,
            };
            let expires = match cookie.expires {
                CookieExpiration::AtUtc(time) => time.unix_timestamp(),
                CookieExpiration::SessionEnd => 0,
            };
            let mut line = String::new();
            if cookie.http_only().unwrap_or_default() {
                line.push_str(HTTP_ONLY);
            }
            let (path, secure) = (String::from(&cookie.path), cookie.secure().unwrap_or_default());
            let (name, value) = cookie.name_value();
            write!(line, "{domain}\t{}\t{path}\t", word(subdomains)).expect("a string takes everything");
            write!(line, "{}\t{expires}\t{name}\t{value}", word(secure)).expect("a string takes everything");
            // A tab or a line end inside a field would turn the line into another cookie.
            let fields = [&domain, &path, name, value];
            fields.iter().all(|field| !field.contains(char::is_control)).then_some(line)
        })
        .collect();
    lines.sort_unstable();
    lines.iter().fold(HEAD.to_owned(), |text, line| text + line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# Netscape HTTP Cookie File\n\n\
        #HttpOnly_.example.com\tTRUE\t/\tTRUE\t4102444800\tsid\ta=b\n\
        127.0.0.1\tFALSE\t/x\tFALSE\t0\tn\tv\n\
        host.example\tFALSE\t/\tFALSE\t0\tempty\t\n\
        host.example\tFALSE\t/\tFALSE\t1\told\tgone\n";

    #[test]
    fn cookies_are_read_and_written_without_a_change() {
        let store = read(FILE).unwrap();
        let text = write(&store);
        let kept: Vec<_> = FILE.lines().skip(2).filter(|line| !line.contains("gone")).collect();
        assert_eq!(text.strip_prefix(HEAD).unwrap().lines().collect::<Vec<_>>(), kept);
        assert_eq!(write(&read(&text).unwrap()), text);
    }

    #[test]
    fn flags_decide_where_cookies_go() {
        let store = read(FILE).unwrap();
        let sent = |url: &str| store.get_request_values(&url.parse().unwrap()).count();
        assert_eq!(sent("https://a.example.com/"), 1);
        assert_eq!(sent("http://a.example.com/"), 0);
        assert_eq!(sent("http://127.0.0.1/x"), 1);
        assert_eq!(sent("http://127.0.0.1/"), 0);
        assert_eq!(sent("http://sub.host.example/"), 0);
    }

    #[test]
    fn lines_that_are_not_cookies_are_errors_with_their_number() {
        let longer = "host.example\tFALSE\t/\tFALSE\t0\ta\tb\tc";
        for line in ["a=b", "x\ty", longer, "h\tMAYBE\t/\tFALSE\t0\ta\tb", "h\tFALSE\t/\tFALSE\tsoon\ta\tb"] {
            let error = read(&format!("# comment\n{line}\n")).unwrap_err();
            assert!(error.starts_with("line 2 "), "{error}");
        }
    }
}
