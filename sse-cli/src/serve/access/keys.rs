//! Keys that verify JWTs, and their algorithms.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::super::secret::Secret;
use super::AccessArguments;

/// Source of keys: an option's text or a file.
#[derive(Clone, Debug)]
pub(super) enum KeySource {
    Argument(Secret),
    File(PathBuf),
    Set(PathBuf),
}

/// A key, which verifies tokens of only one algorithm.
#[derive(Debug)]
pub(super) struct Key {
    /// The key's `kid`; a key without one is tried for every token of its algorithm.
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl KeySource {
    pub(super) fn new(arguments: &AccessArguments) -> Option<Self> {
        let argument = arguments.jwt_key.clone().map(Self::Argument);
        let file = arguments.jwt_key_file.clone().map(Self::File);
        argument.or(file).or_else(|| arguments.jwks.clone().map(Self::Set))
    }

    /// Reads the keys.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or has no key for RS256, ES256, EdDSA or HS256 that is long
    /// enough. The message names the option and the file, and contains no part of a key.
    pub(super) fn read(&self) -> Result<Vec<Key>, String> {
        let what = match self {
            Self::Argument(_) => "--jwt-key".to_owned(),
            Self::File(path) => format!("--jwt-key-file {}", path.display()),
            Self::Set(path) => format!("--jwks {}", path.display()),
        };
        let bytes = |path| fs::read(path).map_err(|error| error.to_string());
        let keys = match self {
            Self::Argument(key) => single(key.expose().as_bytes()),
            Self::File(path) => bytes(path).and_then(|bytes| single(&bytes)),
            Self::Set(path) => bytes(path).and_then(|bytes| set(&bytes, &what)),
        };
        keys.map_err(|error| format!("{what}: {error}"))
    }
}

/// Parses a public key in PEM, or a secret. Public keys in other forms (DER, SSH, JSON) are
/// refused: with a public key as the secret of an HMAC, anyone could sign tokens.
fn single(bytes: &[u8]) -> Result<Vec<Key>, String> {
    let mut secret = bytes;
    if let Ok(text) = str::from_utf8(bytes) {
        let text = text.trim_start_matches('\u{FEFF}').trim();
        if text.contains("-----BEGIN") {
            return pem(text).map(|key| vec![key]);
        }
        if text.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            return Err("this is JSON: give a JSON Web Key Set by --jwks".to_owned());
        }
        let unwrapped: String = text.split_ascii_whitespace().collect();
        if text.starts_with("ssh-")
            || text.starts_with("ecdsa-sha2-")
            || STANDARD.decode(unwrapped).is_ok_and(|bytes| is_der(&bytes))
        {
            return Err(
                "this is a public key, but not in PEM: begin with -----BEGIN PUBLIC KEY-----".to_owned()
            );
        }
        secret = text.as_bytes();
    } else if is_der(bytes) {
        return Err("this is a key in DER: give it in PEM (openssl pkey -pubin -inform DER)".to_owned());
    }
    if secret.is_empty() {
        return Err("the key is empty, so anyone could use it: set another one".to_owned());
    }
    usable(None, Algorithm::HS256, DecodingKey::from_secret(secret)).map(|key| vec![key])
}

/// Whether the bytes are one DER sequence that begins as keys do, with a sequence or a number.
fn is_der(bytes: &[u8]) -> bool {
    let (length, rest) = match bytes {
        [0x30, 0x82, high, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
        [0x30, 0x81, length, rest @ ..] | [0x30, length @ ..=0x7F, rest @ ..] => (usize::from(*length), rest),
        _ => return false,
    };
    rest.len() == length && matches!(rest.first(), Some(0x30 | 0x02))
}

fn pem(text: &str) -> Result<Key, String> {
    if text.contains("PRIVATE KEY-----") {
        return Err(
            "this is a private key, which only the issuer needs: give the public one (openssl pkey -pubout)"
                .into(),
        );
    }
    if text.contains("-----BEGIN CERTIFICATE") {
        return Err("this is a certificate: give its public key (openssl x509 -pubkey -noout)".into());
    }
    if text.matches("-----BEGIN").count() > 1 {
        return Err("there is more than one key: give them by --jwks".into());
    }
    let text = text.as_bytes();
    let (algorithm, key) = if let Ok(key) = DecodingKey::from_rsa_pem(text) {
        (Algorithm::RS256, key)
    } else if let Ok(key) = DecodingKey::from_ec_pem(text) {
        (Algorithm::ES256, key)
    } else if let Ok(key) = DecodingKey::from_ed_pem(text) {
        (Algorithm::EdDSA, key)
    } else {
        return Err("this is not a public key of RSA, P-256 or Ed25519 in PEM".into());
    };
    usable(None, algorithm, key)
}

/// Checks that a key has a size that its algorithm allows.
fn usable(id: Option<String>, algorithm: Algorithm, key: DecodingKey) -> Result<Key, String> {
    use jsonwebtoken::DecodingKeyKind::{RsaModulusExponent, SecretOrDer};
    let (size, first) = match key.kind() {
        RsaModulusExponent { n, .. } => (n.len(), n.first().copied()),
        SecretOrDer(bytes) => (bytes.len(), bytes.first().copied()),
    };
    match algorithm {
        // In DER, the modulus and little else.
        Algorithm::RS256 if size < 256 => Err("an RSA key has 2048 bits at least".into()),
        // 0x04, x and y: SEC 1, 2.3.3.
        Algorithm::ES256 if size != 65 || first != Some(0x04) => {
            Err("the only curve for ECDSA is P-256, not compressed".into())
        }
        Algorithm::EdDSA if size != 32 => Err("the only curve for EdDSA is Ed25519".into()),
        // RFC 7518, 3.2. A shorter one can be guessed from one token.
        Algorithm::HS256 if size < 32 => {
            Err("a secret has 32 bytes at least: openssl rand -hex 32 prints one".into())
        }
        _ => Ok(Key { id, algorithm, key }),
    }
}

/// Parses the keys of a JSON Web Key Set. Keys that are not understood are ignored (RFC 7517, 5),
/// and logged with the name of their source.
fn set(bytes: &[u8], what: &str) -> Result<Vec<Key>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    // The message of the parser may quote a key.
    let set: Set = serde_json::from_slice(bytes).map_err(|error| {
        format!("this is not a JSON Web Key Set, {{\"keys\": [..]}} (line {})", error.line())
    })?;
    let mut keys = Vec::new();
    for (index, value) in set.keys.into_iter().enumerate() {
        match member(value) {
            Ok(key) => keys.push(key),
            Err(reason) => tracing::warn!("{what}: key {} is left out: {reason}", index + 1),
        }
    }
    match keys.is_empty() {
        true => Err("there is no key for RS256, ES256, EdDSA or HS256 in it".to_owned()),
        false => Ok(keys),
    }
}

fn member(value: serde_json::Value) -> Result<Key, String> {
    let jwk: Jwk = serde_json::from_value(value).map_err(|_| "it is not a JSON Web Key")?;
    let common = &jwk.common;
    let verifies = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|usages| usages.contains(&KeyOperations::Verify));
    if !verifies {
        return Err("it is not for signatures".into());
    }
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        AlgorithmParameters::OctetKey(_) => (Algorithm::HS256, KeyAlgorithm::HS256),
        _ => return Err("its type or its curve is not supported".into()),
    };
    if common.key_algorithm.is_some_and(|other| other != name) {
        return Err(format!("it is for another algorithm than {algorithm:?}"));
    }
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| "its value is not base64url")?;
    usable(common.key_id.clone(), algorithm, key)
}

#[cfg(test)]
mod tests;
