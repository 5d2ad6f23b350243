//! Bearer tokens from options and files.

use std::fs;
use std::path::PathBuf;

use subtle::ConstantTimeEq as _;

use super::super::secret::Secret;

/// Source of a token: an option's text or a file.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Argument(Secret),
    /// A file, and the option that names it.
    File(&'static str, PathBuf),
}

impl Source {
    /// `option` names the file on the command line.
    pub(super) fn new(token: Option<&Secret>, option: &'static str, file: Option<&PathBuf>) -> Option<Self> {
        let file = file.map(|path| Self::File(option, path.clone()));
        file.or_else(|| token.cloned().map(Self::Argument))
    }

    /// Returns the token, without white space around it. A token from an argument was checked
    /// earlier, so only a file can fail.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or its token is empty or [unusable](check_bytes). The message
    /// names the option and the file.
    pub(super) fn read(&self) -> Result<Secret, String> {
        let (option, path) = match self {
            Self::Argument(token) => return Ok(token.expose().trim().to_owned().into()),
            Self::File(option, path) => (option, path),
        };
        let shown = path.display();
        let text = fs::read_to_string(path).map_err(|error| format!("{option} {shown}: {error}"))?;
        match text.trim() {
            "" => Err(format!(
                "{option} {shown}: the token is empty, so anyone could use it: write another one"
            )),
            token => match check_bytes(token) {
                Ok(()) => Ok(token.to_owned().into()),
                Err(reason) => Err(format!("{option} {shown}: {reason}")),
            },
        }
    }
}

/// Returns an error for a token that no request can carry: in an `Authorization` header it ends at
/// a space, and clients encode letters beyond ASCII in different ways (RFC 6750 2.1).
pub(super) fn check_bytes(token: &str) -> Result<(), &'static str> {
    match token.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(()),
        false => Err("a token is one word of ASCII letters, digits and marks: no header can carry this one"),
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
        assert_eq!(check_bytes("aZ0-._~+/=!"), Ok(()));
        for token in ["p\u{e4}ssword", "two words", "two\nlines", "tab\there", "nul\0"] {
            assert!(check_bytes(token).is_err(), "{token:?}");
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
