//! Bearer tokens from options and files.

use std::fs;
use std::path::PathBuf;

use subtle::ConstantTimeEq as _;

use super::super::secret::Secret;

/// Source of a token: an option's text or a file.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Argument(Secret),
    File(PathBuf),
}

impl Source {
    pub(super) fn new(token: Option<&Secret>, file: Option<&PathBuf>) -> Option<Self> {
        file.cloned().map(Self::File).or_else(|| token.cloned().map(Self::Argument))
    }

    /// Reads the token. White space around it is removed. The parser of the arguments refuses an
    /// empty one.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or the token is empty.
    pub(super) fn read(&self) -> Result<Secret, String> {
        let path = match self {
            Self::Argument(token) => return Ok(token.expose().trim().to_owned().into()),
            Self::File(path) => path,
        };
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        match text.trim() {
            "" => Err(format!(
                "{}: the token is empty, so anyone could use it: write another one",
                path.display()
            )),
            token => Ok(token.to_owned().into()),
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
    fn tokens_are_compared_whole() {
        let expected = "secret".to_owned().into();
        assert!(same(&expected, "secret"));
        for wrong in ["", "secre", "secrets", "Secret", "terces"] {
            assert!(!same(&expected, wrong), "{wrong}");
        }
    }
}
