//! Options of `sse serve` for access: tokens, keys, origins, host names.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::super::secret::Secret;
use super::keys::KeySource;
use super::tokens::Source;

/// Options for access. A request presents one token; tokens from options and JWTs may be used side
/// by side.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Access")]
pub(in crate::serve) struct AccessArguments {
    /// Bearer token required to publish
    #[arg(long, value_name = "TOKEN", value_parser = secret)]
    pub(super) publish_token: Option<Secret>,

    /// File with the bearer token required to publish; SIGHUP reads it again
    #[arg(long, value_name = "FILE", conflicts_with = "publish_token")]
    pub(super) publish_token_file: Option<PathBuf>,

    /// Bearer token required to follow topics, to list them and to read metrics
    #[arg(long, value_name = "TOKEN", value_parser = secret)]
    pub(super) subscribe_token: Option<Secret>,

    /// File with the bearer token required to follow topics, to list them and to read metrics;
    /// SIGHUP reads it again
    #[arg(long, value_name = "FILE", conflicts_with = "subscribe_token")]
    pub(super) subscribe_token_file: Option<PathBuf>,

    /// Key that verifies JWTs: a public key in PEM (RSA for RS256, P-256 for ES256, Ed25519 for
    /// EdDSA), or any other text of at least 32 bytes as the secret of HS256 (openssl rand -hex 32
    /// prints one). The path of a file is refused: use --jwt-key-file. With a key, publishing and
    /// following require a token
    #[arg(long, value_name = "KEY", group = "jwt_keys", allow_hyphen_values = true, value_parser = secret)]
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
    #[arg(long, value_name = "NAME", requires = "jwt_keys", value_parser = NonEmptyStringValueParser::new())]
    pub(super) jwt_audience: Vec<String>,

    /// Required issuer of a JWT (iss); repeat it to allow several
    #[arg(long, value_name = "NAME", requires = "jwt_keys", value_parser = NonEmptyStringValueParser::new())]
    pub(super) jwt_issuer: Vec<String>,

    /// Seconds by which the clocks of issuers may differ: a JWT is valid from this time
    /// before nbf to this time after exp
    #[arg(long, value_name = "SECONDS", default_value_t = 0, requires = "jwt_keys",
        value_parser = clap::value_parser!(u64).range(..=3600))]
    pub(super) jwt_leeway: u64,

    /// Cookie that may hold the token. The cookie counts only in requests from pages of this server
    /// or of a --cors-origin: with such an Origin header, or with Sec-Fetch-Site: same-origin
    #[arg(long, value_name = "NAME", default_value = "sse_token", value_parser = cookie)]
    pub(super) token_cookie: String,

    /// Let anyone publish, even if --listen has a public address or keys for JWTs are set
    #[arg(long, conflicts_with_all = ["publish_token", "publish_token_file"])]
    pub(super) anyone_may_publish: bool,

    /// Let anyone follow topics, even if keys for JWTs are set
    #[arg(long, conflicts_with_all = ["subscribe_token", "subscribe_token_file"])]
    pub(super) anyone_may_subscribe: bool,

    /// Origin whose pages may use the server, such as https://example.com; repeatable; * for all
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub(super) cors_origin: Vec<String>,

    /// Allow the pages of --cors-origin to send cookies (withCredentials)
    #[arg(long, requires = "cors_origin")]
    pub(super) cors_credentials: bool,

    /// Host name under which the server is reached; repeatable. On loopback addresses, requests for
    /// other names than localhost are refused, because an attacker's page can make its own name
    /// resolve to 127.0.0.1
    #[arg(long, value_name = "NAME", value_parser = host)]
    pub(super) host: Vec<String>,
}

/// Parses a token or a key; rejects an empty one. (`SSE_PUBLISH_TOKEN=$TOKEN` is empty if `TOKEN`
/// was never set.)
fn secret(text: &str) -> Result<Secret, &'static str> {
    match text.trim() {
        "" => Err("a token or key is empty, so anyone could use it: set another one, or remove the option"),
        _ => Ok(text.to_owned().into()),
    }
}

/// Checks the name of a cookie, which is a token of HTTP (RFC 6265, 4.1.1).
fn cookie(name: &str) -> Result<String, &'static str> {
    let is_part = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    match !name.is_empty() && name.bytes().all(is_part) {
        true => Ok(name.to_owned()),
        false => Err("this is not the name of a cookie: use letters, digits, - and _"),
    }
}

/// Reads an origin into the form in which browsers send it: in lower case, without the default
/// port.
fn origin(text: &str) -> Result<String, &'static str> {
    let text = text.trim().to_ascii_lowercase();
    if ["*", "null"].contains(&&*text) {
        return Ok(text);
    }
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
    match text.split_once("://") {
        Some((scheme, host))
            if is_part(scheme) && is_part(host) && !host.contains(['/', '?', '#', '@', ',']) =>
        {
            let port = match scheme {
                "https" => ":443",
                "http" => ":80",
                _ => "",
            };
            Ok(format!("{scheme}://{}", host.strip_suffix(port).unwrap_or(host)))
        }
        _ => Err("an origin is a scheme and a host, without a path: https://example.com, or * for all"),
    }
}

/// Reads a name of the server, which is compared without the port.
fn host(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let address = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let is_name =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    match !address.is_empty() && (is_name(address) || address.parse::<Ipv6Addr>().is_ok()) {
        true => Ok(address.to_owned()),
        false => Err("a name is without scheme, port and path: events.example.com"),
    }
}

/// Whether a text is, or looks like, the path of a file. As a secret it would be easy to guess, and
/// `--jwt-key issuer.pem` is a slip for `--jwt-key-file issuer.pem`.
fn is_path(text: &str) -> bool {
    const EXTENSIONS: [&str; 10] = ["cer", "crt", "der", "json", "jwk", "jwks", "key", "pem", "pub", "txt"];
    let path = Path::new(text);
    let extension = path.extension().and_then(|extension| extension.to_str());
    // A random secret in Base64 may begin with a slash.
    let is_base64 = || text.contains(|char: char| char.is_ascii_uppercase()) && STANDARD.decode(text).is_ok();
    extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
        || ["./", "../", "~/"].iter().any(|start| text.starts_with(start))
        || (text.starts_with('/') && !is_base64())
        || (path.exists() && !path.is_dir())
}

impl AccessArguments {
    /// Returns an error for settings that are unsafe or contradict each other; `local` means that
    /// only this machine can reach the server.
    pub(in crate::serve) fn check(&self, local: bool) -> Result<(), String> {
        // A sandboxed frame of any page has the origin `null`.
        if self.cors_credentials && self.cors_origin.iter().any(|origin| ["*", "null"].contains(&&**origin)) {
            return Err(
                "--cors-credentials with the origin * or null would let any page act as its visitor: name the origins"
                    .to_owned(),
            );
        }
        let publishing_is_free = self.publish_token.is_none()
            && self.publish_token_file.is_none()
            && !self.has_jwt_keys()
            && !self.anyone_may_publish;
        if publishing_is_free && !local {
            return Err(
                "refusing to listen on a public address: anyone on the network could publish. Set --publish-token or \
                        --jwt-key, or pass --anyone-may-publish"
                    .to_owned(),
            );
        }
        let secrets = [
            ("--publish-token", &self.publish_token),
            ("--subscribe-token", &self.subscribe_token),
            ("--jwt-key", &self.jwt_key),
        ];
        for (option, secret) in secrets {
            if secret.as_ref().is_some_and(|secret| is_path(secret.expose().trim())) {
                return Err(format!(
                    "{option}: this is the path of a file, which is not a secret: use {option}-file, or set another text"
                ));
            }
        }
        // Files are read later, and again at each reload.
        for token in self.tokens().into_iter().flatten() {
            if let Source::Argument(..) = token {
                token.read()?;
            }
        }
        match KeySource::new(self) {
            Some(key @ KeySource::Argument(_)) => key.read().map(drop),
            _ => Ok(()),
        }
    }

    /// The sources of the tokens for publishing and for following.
    pub(super) fn tokens(&self) -> [Option<Source>; 2] {
        [
            Source::new("--publish-token", self.publish_token.as_ref(), self.publish_token_file.as_ref()),
            Source::new(
                "--subscribe-token",
                self.subscribe_token.as_ref(),
                self.subscribe_token_file.as_ref(),
            ),
        ]
    }

    /// The clients that may publish and that may follow, for the log; `local` as for
    /// [`AccessArguments::check`].
    pub(in crate::serve) fn rights(&self, local: bool) -> [&'static str; 2] {
        // A request under another name may come from elsewhere, by a proxy.
        let anyone = if local && self.host.is_empty() { "anyone on this machine" } else { "anyone" };
        let holders = |token: bool, opened: bool| match (token, self.has_jwt_keys() && !opened) {
            (true, true) => "holders of the token or of a JWT",
            (true, false) => "holders of the token",
            (false, true) => "holders of a JWT",
            (false, false) => anyone,
        };
        [
            holders(
                self.publish_token.is_some() || self.publish_token_file.is_some(),
                self.anyone_may_publish,
            ),
            holders(
                self.subscribe_token.is_some() || self.subscribe_token_file.is_some(),
                self.anyone_may_subscribe,
            ),
        ]
    }

    fn has_jwt_keys(&self) -> bool {
        self.jwt_key.is_some() || self.jwt_key_file.is_some() || self.jwks.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for (given, sent) in [
            ("https://a.example", "https://a.example"),
            (" HTTPS://A.example:443 ", "https://a.example"),
            ("http://a.example:80", "http://a.example"),
            ("http://a.example:443", "http://a.example:443"),
            ("https://[::1]:8443", "https://[::1]:8443"),
            ("tauri://localhost", "tauri://localhost"),
            ("*", "*"),
            ("null", "null"),
        ] {
            assert_eq!(origin(given).as_deref(), Ok(sent), "{given}");
        }
        for wrong in [
            "",
            " ",
            "a.example",
            "https://",
            "https://a.example/",
            "https://a/b",
            "https://u@a",
            "https://a,b",
        ] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_path_is_not_a_secret() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [
            "issuer.pem",
            "keys/issuer.PEM",
            "secret.key",
            "keys.json",
            "id_ed25519.pub",
            "./issuer",
            "../issuer",
            "~/issuer",
            "/run/secrets/issuer",
            "/etc/sse/keys/of-the-login-service/issuer",
            "Cargo.toml",
            file.path().to_str().unwrap(),
        ] {
            assert!(is_path(path), "{path}");
        }
        for secret in [
            "pw",
            "0123456789abcdef0123456789abcdef",
            "/9j+Zk1xQm0pXv3s8bN4tWc7yUe2rLgHiOaKdTfVwBE=",
            "a.b",
            "a-secret-of.more/than-thirty-two-bytes",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            "src",
        ] {
            assert!(!is_path(secret), "{secret}");
        }
    }

    #[test]
    fn a_name_of_the_server_has_no_port() {
        for (given, name) in
            [("a.example", "a.example"), (" A_b-1 ", "A_b-1"), ("[::2]", "::2"), ("::2", "::2")]
        {
            assert_eq!(host(given).as_deref(), Ok(name), "{given}");
        }
        for wrong in ["", " ", "*", "*.example", "a:8080", "https://a", "a/b", "[::2]:80", "é.example", "a b"]
        {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }
}
