//! JSON Web Tokens (RFC 7519): their signature, their validity, and the topics that they name.
//!
//! The claims resemble Mercure's: `{"exp": 1900000000, "sse": {"publish": ["news/*"], "subscribe":
//! ["*"]}}`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;

use super::AccessArguments;
use super::keys::Key;
use super::patterns::Patterns;

/// The longest token, in bytes: verifying one costs time, and browsers and proxies send no header
/// of more than 8 kB.
const TOKEN_BYTES: usize = 8 << 10;

/// Requirements for every token, from the options.
#[derive(Clone, Debug)]
pub(super) struct Requirements {
    audience: Vec<String>,
    issuer: Vec<String>,
    leeway: u64,
}

/// The rights of a valid token.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) publish: Patterns,
    pub(super) subscribe: Patterns,
    /// For how long from now the token is valid.
    pub(super) remaining: Duration,
}

/// The claims that this server reads. A repeated claim is an error, as RFC 7519, 4 allows: readers
/// might otherwise disagree on its value.
#[derive(Deserialize)]
struct Payload {
    exp: Option<f64>,
    /// Compared by [`Validation`], which would also take a list of texts (RFC 7519, 4.1.1: a text).
    #[serde(rename = "iss")]
    _iss: Option<String>,
    #[serde(default)]
    sse: Rights,
}

#[derive(Default, Deserialize)]
struct Rights {
    #[serde(default)]
    publish: Vec<String>,
    #[serde(default)]
    subscribe: Vec<String>,
}

impl Requirements {
    pub(super) fn new(arguments: &AccessArguments) -> Self {
        Self {
            audience: arguments.jwt_audience.clone(),
            issuer: arguments.jwt_issuer.clone(),
            leeway: arguments.jwt_leeway,
        }
    }

    /// Verifies a token with the keys of its algorithm and its `kid`. Other key fields of its
    /// header (`jku`, `jwk`, `x5u`, `x5c`) are ignored.
    ///
    /// # Errors
    ///
    /// The reason of a refusal, which quotes nothing of the token.
    pub(super) fn verify(&self, keys: &[Key], token: &str) -> Result<Claims, &'static str> {
        if token.len() > TOKEN_BYTES {
            return Err("the token has more than 8192 bytes");
        }
        let header = decode_header(token).map_err(|error| reason(&error))?;
        if !token.split('.').take(2).all(is_text) {
            return Err(FORM);
        }
        // RFC 7515, 4.1.11: extensions that have to be understood.
        if header.crit.is_some() {
            return Err("the token has a critical extension (crit), and the server knows none");
        }
        let mut keys = keys.iter().filter(|key| key.algorithm == header.alg).peekable();
        if keys.peek().is_none() {
            return Err("no key of the server has the token's algorithm (alg)");
        }
        let mut result = Err("the token names a key (kid) that the server does not have");
        for key in keys.filter(|key| key.id.is_none() || header.kid.is_none() || key.id == header.kid) {
            result = match decode::<Payload>(token, &key.key, &self.validation(key)) {
                Ok(data) => return self.claims(data.claims),
                Err(error) if *error.kind() == ErrorKind::InvalidSignature => Err(reason(&error)),
                Err(error) => return Err(reason(&error)),
            };
        }
        result
    }

    fn validation(&self, key: &Key) -> Validation {
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = self.leeway;
        validation.validate_nbf = true;
        let mut required = vec!["exp"];
        if !self.audience.is_empty() {
            validation.set_audience(&self.audience);
            required.push("aud");
        }
        if !self.issuer.is_empty() {
            validation.set_issuer(&self.issuer);
            required.push("iss");
        }
        validation.set_required_spec_claims(&required);
        validation
    }

    fn claims(&self, payload: Payload) -> Result<Claims, &'static str> {
        let exp = Duration::try_from_secs_f64(payload.exp.unwrap_or_default()).unwrap_or(Duration::MAX);
        let end = exp.saturating_add(Duration::from_secs(self.leeway));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // RFC 7519, 4.1.4: a token is not accepted on or after `exp`.
        let remaining = end.checked_sub(now).filter(|time| !time.is_zero()).ok_or(EXPIRED)?;
        let Rights { publish, subscribe } = payload.sse;
        Ok(Claims { publish: Patterns::new(publish), subscribe: Patterns::new(subscribe), remaining })
    }
}

const EXPIRED: &str = "the token has expired (exp): get another";
const FORM: &str = "the token is not a JWT of this form: alg is RS256, ES256, EdDSA or HS256, no claim comes twice, and the \
                    claim sse is {\"publish\": [..], \"subscribe\": [..]}";

/// Whether a part of a token is UTF-8 (RFC 7519, 7.2), which the parser of JSON does not check in
/// claims that it skips.
fn is_text(part: &str) -> bool {
    URL_SAFE_NO_PAD.decode(part).is_ok_and(|bytes| str::from_utf8(&bytes).is_ok())
}

fn reason(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::InvalidSignature => "the token's signature does not fit the server's key",
        ErrorKind::ExpiredSignature => EXPIRED,
        ErrorKind::ImmatureSignature => "the token is not valid yet (nbf)",
        ErrorKind::InvalidAudience => "the token is for another audience (aud) than --jwt-audience names",
        ErrorKind::InvalidIssuer => "the token is of another issuer (iss) than --jwt-issuer names",
        ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
            "exp" => "the token has no time of expiry (exp) as a number of seconds",
            "aud" => "the token names no audience (aud)",
            _ => "the token names no issuer (iss)",
        },
        ErrorKind::InvalidClaimFormat(_) => "a time in the token (exp, nbf) is not a number of seconds",
        _ => FORM,
    }
}

#[cfg(test)]
mod tests;
