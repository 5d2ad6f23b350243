//! Keys and tokens for the tests.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::crypto::sign;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::KeyPair;
use serde_json::{Value, json};

/// A secret of 32 bytes, the minimum for HS256.
pub(super) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// An issuer that signs tokens.
pub(super) struct Issuer {
    pub(super) algorithm: Algorithm,
    pub(super) key: EncodingKey,
    /// The public key, as `--jwt-key` takes it.
    pub(super) public: String,
}

impl Issuer {
    fn new(algorithm: Algorithm, pair: &KeyPair) -> Self {
        let pem = pair.serialize_pem();
        let key = match algorithm {
            Algorithm::RS256 => EncodingKey::from_rsa_pem(pem.as_bytes()),
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
            _ => EncodingKey::from_ed_pem(pem.as_bytes()),
        };
        Self { algorithm, key: key.unwrap(), public: pair.public_key_pem() }
    }

    pub(super) fn hmac(secret: &str) -> Self {
        let key = EncodingKey::from_secret(secret.as_bytes());
        Self { algorithm: Algorithm::HS256, key, public: secret.to_owned() }
    }

    pub(super) fn p256() -> Self {
        Self::new(Algorithm::ES256, &KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap())
    }

    pub(super) fn ed25519() -> Self {
        Self::new(Algorithm::EdDSA, &KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap())
    }

    /// A shared RSA issuer, because generating an RSA key is slow.
    pub(super) fn rsa() -> &'static Self {
        static RSA: OnceLock<Issuer> = OnceLock::new();
        RSA.get_or_init(|| {
            Self::new(Algorithm::RS256, &KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap())
        })
    }

    /// Signs a token with these claims.
    pub(super) fn token(&self, claims: &Value) -> String {
        let algorithm = format!("{:?}", self.algorithm);
        self.raw(&json!({"alg": algorithm, "typ": "JWT"}).to_string(), claims.to_string())
    }

    /// Signs a token with this header and payload.
    pub(super) fn raw(&self, header: &str, payload: impl AsRef<[u8]>) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// The public key as a member of a JSON Web Key Set.
    pub(super) fn jwk(&self, id: Option<&str>) -> Value {
        let mut jwk = if self.algorithm == Algorithm::EdDSA {
            // The crate makes none of a key in PKCS #8, version 2. The key is the end of its DER.
            let base64: String = self.public.lines().filter(|line| !line.starts_with('-')).collect();
            let der = STANDARD.decode(base64).unwrap();
            json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(&der[der.len() - 32..])})
        } else {
            serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap()
        };
        if let Some(id) = id {
            jwk["kid"] = id.into();
        }
        jwk
    }
}

/// The time in seconds since 1970, `from_now` seconds from now.
pub(super) fn seconds(from_now: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    now as i64 + from_now
}

/// Claims with these topics that are valid for an hour.
pub(super) fn claims(publish: &[&str], subscribe: &[&str]) -> Value {
    json!({"exp": seconds(3600), "sse": {"publish": publish, "subscribe": subscribe}})
}

/// Valid claims with changed or added members; `null` removes a member.
pub(super) fn altered(changes: &Value) -> Value {
    let mut claims = claims(&["*"], &["*"]);
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}
