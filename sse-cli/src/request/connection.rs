//! Options that describe how a connection is made: TLS, proxy, Unix socket, version of HTTP.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use sse_tokio::reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy, Url};

use crate::failure::{FAILED, Failure};

/// Options for connections, of every command that makes them.
#[derive(Args, Debug)]
pub(crate) struct ConnectionArguments {
    /// Do not verify TLS certificates (insecure)
    #[arg(short = 'k', long, help_heading = "Connection")]
    insecure: bool,

    /// Trusted certificates (PEM), instead of the system's
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    cacert: Option<PathBuf>,

    /// Client certificate and its chain (PEM); the private key may be in the same file
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    cert: Option<PathBuf>,

    /// Private key of --cert (PEM, not encrypted)
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    key: Option<PathBuf>,

    /// Proxy for all requests (http://, https://, socks5:// or socks5h://); replaces the
    /// environment's proxies and no_proxy
    #[arg(long, value_name = "URL", value_parser = proxy, help_heading = "Connection")]
    proxy: Option<Url>,

    /// Connect to this Unix domain socket; the URL still sets the path and the Host header
    #[cfg(unix)]
    #[arg(long, value_name = "PATH", help_heading = "Connection")]
    unix_socket: Option<PathBuf>,

    /// Use HTTP/1.1 even if the server offers HTTP/2
    #[arg(long = "http1.1", help_heading = "Connection")]
    http1: bool,
}

impl ConnectionArguments {
    /// A contradiction between options of this group, and its solution.
    pub(super) fn conflict(&self) -> Option<&'static str> {
        if self.key.is_some() && self.cert.is_none() {
            return Some("--key needs the certificate that it belongs to; add --cert FILE");
        }
        #[cfg(unix)]
        if self.unix_socket.is_some() && self.proxy.is_some() {
            return Some("a Unix socket is not reached through a proxy; drop --proxy or --unix-socket");
        }
        None
    }

    /// The settings of the HTTP client; `None` for the default ones. A `bare` client adds no
    /// `User-Agent`.
    pub(super) fn client_builder(&self, bare: bool) -> Result<Option<ClientBuilder>, Failure> {
        #[cfg(unix)]
        let unix_socket = &self.unix_socket;
        #[cfg(not(unix))]
        let unix_socket = &None::<PathBuf>;
        let usual = !self.insecure
            && !self.http1
            && [&self.cacert, &self.cert, unix_socket].iter().all(|path| path.is_none())
            && self.proxy.is_none();
        if usual {
            return Ok(None);
        }
        let client = if bare { Client::builder() } else { sse_tokio::client_builder() };
        // An identity in PEM is for rustls, also where another crate enables native-tls.
        let client = client.tls_backend_rustls();
        let mut client = client.tls_danger_accept_invalid_certs(self.insecure);
        if let Some(path) = &self.cacert {
            client = client.tls_certs_only(certificates(path)?);
        }
        if let Some(path) = &self.cert {
            client = client.identity(identity(path, self.key.as_deref())?);
        }
        if let Some(url) = &self.proxy {
            let proxy = Proxy::all(url.clone()).map_err(|error| Failure::new(FAILED, "--proxy", &error))?;
            // Removes the proxies of the environment first.
            client = client.no_proxy().proxy(proxy);
        }
        #[cfg(unix)]
        if let Some(path) = &self.unix_socket {
            client = client.no_proxy().unix_socket(path.as_path());
        }
        if self.http1 {
            client = client.http1_only();
        }
        Ok(Some(client))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::new(FAILED, path.display(), &error))
}

fn failed(path: &Path, problem: &str) -> Failure {
    Failure::Other { message: format!("{}: {problem}", path.display()), code: FAILED }
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let certificates = Certificate::from_pem_bundle(&read(path)?)
        .map_err(|error| Failure::new(FAILED, path.display(), &error))?;
    if certificates.is_empty() {
        return Err(failed(path, "no PEM certificate was found in the file"));
    }
    Ok(certificates)
}

/// The certificate of a client and its private key, from one file or two.
fn identity(cert: &Path, key: Option<&Path>) -> Result<Identity, Failure> {
    let mut pem = read(cert)?;
    if !contains(&pem, "-----BEGIN CERTIFICATE-----") {
        return Err(failed(cert, "no PEM certificate was found in the file"));
    }
    let key_file = key.unwrap_or(cert);
    if let Some(key) = key {
        pem.push(b'\n');
        pem.extend(read(key)?);
    }
    if contains(&pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----") || contains(&pem, "Proc-Type: 4,ENCRYPTED") {
        return Err(failed(key_file, "the private key is encrypted; decrypt it with `openssl pkey`"));
    }
    if !contains(&pem, "PRIVATE KEY-----") {
        let advice = if key.is_some() { "" } else { "; give its file with --key" };
        return Err(failed(key_file, &format!("no PEM private key was found in the file{advice}")));
    }
    Identity::from_pem(&pem).map_err(|error| Failure::new(FAILED, key_file.display(), &error))
}

fn contains(pem: &[u8], text: &str) -> bool {
    pem.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Parses the URL of a proxy; without a scheme it is `http`.
fn proxy(text: &str) -> Result<Url, String> {
    let url = super::url(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h" if url.has_host() => Ok(url),
        scheme => {
            Err(format!("the scheme `{scheme}` is not one of a proxy; use http, https, socks5 or socks5h"))
        }
    }
}
