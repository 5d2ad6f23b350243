//! Options of `sse serve` for access: tokens, keys, origins, host names.

use std::path::PathBuf;

use clap::Args;

use super::super::secret::Secret;

/// Options for access. A request presents one token; tokens from options and JWTs may be used side
/// by side.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Access")]
pub(in crate::serve) struct AccessArguments {
    /// Bearer token required to publish
    #[arg(long, value_name = "TOKEN")]
    pub(super) publish_token: Option<Secret>,

    /// File with the bearer token required to publish; SIGHUP reads it again
    #[arg(long, value_name = "FILE", conflicts_with = "publish_token")]
    pub(super) publish_token_file: Option<PathBuf>,

    /// Bearer token required to follow topics, to list them and to read metrics
    #[arg(long, value_name = "TOKEN")]
    pub(super) subscribe_token: Option<Secret>,

    /// File with the bearer token required to follow topics, to list them and to read metrics;
    /// SIGHUP reads it again
    #[arg(long, value_name = "FILE", conflicts_with = "subscribe_token")]
    pub(super) subscribe_token_file: Option<PathBuf>,

    /// Key that verifies JWTs: a public key in PEM (RSA for RS256, P-256 for ES256, Ed25519 for
    /// EdDSA), or any other text as the secret of HS256. With a key, publishing and following
    /// require a token
    #[arg(long, value_name = "KEY", group = "jwt_keys", allow_hyphen_values = true)]
    pub(super) jwt_key: Option<Secret>,

    /// File with the key for JWTs; SIGHUP reads it again. White space around a text is removed; a
    /// file that is not text is used unchanged as the secret
    #[arg(long, value_name = "FILE", group = "jwt_keys")]
    pub(super) jwt_key_file: Option<PathBuf>,

    /// File with a JSON Web Key Set; SIGHUP reads it again. A token that names a key (kid) is
    /// verified with the keys of that name; keys for encryption or for other algorithms are ignored
    #[arg(long, value_name = "FILE", group = "jwt_keys")]
    pub(super) jwks: Option<PathBuf>,

    /// Required audience of a JWT (aud); repeat it to allow several. Without this option a JWT with
    /// an audience is refused (RFC 7519, 4.1.3)
    #[arg(long, value_name = "NAME", requires = "jwt_keys")]
    pub(super) jwt_audience: Vec<String>,

    /// Required issuer of a JWT (iss); repeat it to allow several
    #[arg(long, value_name = "NAME", requires = "jwt_keys")]
    pub(super) jwt_issuer: Vec<String>,

    /// Seconds by which the clocks of issuers may differ: a JWT is valid that much longer (exp) and
    /// that much earlier (nbf)
    #[arg(long, value_name = "SECONDS", default_value_t = 0, requires = "jwt_keys",
        value_parser = clap::value_parser!(u64).range(..=3600))]
    pub(super) jwt_leeway: u64,

    /// Cookie that may hold the token. It counts only in requests from pages of this server or of a
    /// --cors-origin: with such an Origin header, or with Sec-Fetch-Site: same-origin
    #[arg(long, value_name = "NAME", default_value = "sse_token")]
    pub(super) token_cookie: String,

    /// Let anyone publish, even if --listen has a public address or keys for JWTs are set
    #[arg(long, conflicts_with_all = ["publish_token", "publish_token_file"])]
    pub(super) anyone_may_publish: bool,

    /// Let anyone follow topics, even if keys for JWTs are set
    #[arg(long, conflicts_with_all = ["subscribe_token", "subscribe_token_file"])]
    pub(super) anyone_may_subscribe: bool,

    /// Origin whose pages may use the server, such as https://example.com; repeatable; * for all
    #[arg(long, value_name = "ORIGIN")]
    pub(super) cors_origin: Vec<String>,

    /// Allow these pages to send cookies (withCredentials)
    #[arg(long, requires = "cors_origin")]
    pub(super) cors_credentials: bool,

    /// Host name under which the server is reached; repeatable. On loopback addresses, requests for
    /// other names than localhost are refused, because an attacker's page can make its own name
    /// resolve to 127.0.0.1
    #[arg(long, value_name = "NAME")]
    pub(super) host: Vec<String>,
}

impl AccessArguments {
    /// Returns an error for settings that are unsafe or contradict each other; `local` means that
    /// only this machine can reach the server.
    pub(in crate::serve) fn check(&self, local: bool) -> Result<(), &'static str> {
        if self.cors_credentials && self.cors_origin.iter().any(|origin| origin == "*") {
            return Err(
                "--cors-credentials with every origin would let any page act as its visitor: name the origins",
            );
        }
        // A variable that was never set makes `SSE_PUBLISH_TOKEN=$TOKEN` an empty token.
        let secrets = [&self.publish_token, &self.subscribe_token, &self.jwt_key];
        if secrets.into_iter().flatten().any(|secret| secret.expose().trim().is_empty()) {
            return Err(
                "a token or key is empty, so anyone could use it: set another one, or remove the option",
            );
        }
        let name = self.token_cookie.as_bytes();
        // RFC 6265, 4.1.1: a cookie's name is a token of HTTP.
        if name.is_empty()
            || !name.iter().all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(byte))
        {
            return Err("--token-cookie is not the name of a cookie: use letters, digits, - and _");
        }
        let publishing_is_free = self.publish_token.is_none()
            && self.publish_token_file.is_none()
            && !self.has_jwt_keys()
            && !self.anyone_may_publish;
        if publishing_is_free && !local {
            return Err(
                "refusing to listen on a public address: anyone on the network could publish. Set --publish-token or \
                        --jwt-key, or pass --anyone-may-publish",
            );
        }
        Ok(())
    }

    fn has_jwt_keys(&self) -> bool {
        self.jwt_key.is_some() || self.jwt_key_file.is_some() || self.jwks.is_some()
    }
}
