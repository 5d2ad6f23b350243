//! Bearer tokens from options and files.

use std::fs;
use std::path::PathBuf;

use subtle::ConstantTimeEq as _;

use super::super::secret::Secret;

/// Source of a token: an option's text or a file. Each names the option that takes the text.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Argument(&'static str, Secret),
    File(&'static str, PathBuf),
}

impl Source {
    /// `option` takes the text; the file comes from the option with `-file` at its end.
    pub(super) fn new(option: &'static str, token: Option<&Secret>, file: Option<&PathBuf>) -> Option<Self> {
        let file = file.map(|path| Self::File(option, path.clone()));
        file.or_else(|| token.map(|token| Self::Argument(option, token.clone())))
    }

    /// Returns the token, without white space around it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or the token is empty, or no request can carry it: in an
    /// `Authorization` header it ends at a space, and clients encode letters beyond ASCII in
    /// different ways (RFC 6750 2.1). The message names the option and the file.
    pub(super) fn read(&self) -> Result<Secret, String> {
        let (what, text) = match self {
            Self::Argument(option, token) => ((*option).to_owned(), Ok(token.expose().to_owned())),
            Self::File(option, path) => {
                (format!("{option}-file {}", path.display()), fs::read_to_string(path))
            }
        };
        match text.map_err(|error| format!("{what}: {error}"))?.trim() {
            "" => Err(format!("{what}: the token is empty, so anyone could use it: write another one")),
            token if token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(token.to_owned().into()),
            _ => Err(format!(
                "{what}: a token is one word of ASCII letters, digits and marks: no header can carry this one"
            )),
        }
    }
}

/// Compares in constant time, so that the time does not reveal how much of a token is right.
pub(super) fn same(expected: &Secret, given: &str) -> bool {
    expected.expose().as_bytes().ct_eq(given.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_a_header_can_carry() {
        let read = |token: &str| Source::new("--token", Some(&token.to_owned().into()), None).unwrap().read();
        assert_eq!(read(" aZ0-._~+/=!\n").unwrap().expose(), "aZ0-._~+/=!");
        for token in ["p\u{e4}ssword", "two words", "two\nlines", "tab\there", "nul\0"] {
            assert!(read(token).is_err_and(|error| error.starts_with("--token: ")), "{token:?}");
        }
    }

    #[test]
    fn tokens_are_compared_whole() {
        let expected = "secret".to_owned().into();
        assert!(same(&expected, "secret"));
        for wrong in ["", "secre", "secrets", "Secret", "terces"] {
            assert!(!same(&expected, wrong), "{wrong}");
        }
    }
}
