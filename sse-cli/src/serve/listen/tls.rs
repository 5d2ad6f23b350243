//! Certificate of `sse serve`, and its replacement while connections are open.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Files of a certificate chain and its key, and the configuration from their last successful read.
#[derive(Clone)]
pub(super) struct Tls {
    cert: PathBuf,
    key: PathBuf,
    current: Arc<RwLock<TlsAcceptor>>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// If a file cannot be read, or if the key does not match the certificate; the message names
    /// the option and the file.
    pub(super) fn new(cert: PathBuf, key: PathBuf) -> Result<Self, String> {
        let current = Arc::new(RwLock::new(read(&cert, &key)?));
        Ok(Self { cert, key, current })
    }

    /// Reads the files again, for new connections. If that fails, the old certificate stays in use.
    pub(super) fn reload(&self) -> Result<(), String> {
        let acceptor = read(&self.cert, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn read(cert: &PathBuf, key: &PathBuf) -> Result<TlsAcceptor, String> {
    let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| format!("--cert {}: {error}", cert.display()))?;
    if chain.is_empty() {
        return Err(format!("--cert {}: there is no certificate in PEM in it", cert.display()));
    }
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        pem::Error::NoItemsFound => format!("--key {}: there is no private key in PEM in it", key.display()),
        error => format!("--key {}: {error}", key.display()),
    })?;
    // Named, not the process's default: two providers in one program would leave none.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => format!(
                "--cert {} and --key {}: the key does not belong to the first certificate of the file",
                cert.display(),
                key.display()
            ),
            error => format!("--cert {} and --key {}: {error}", cert.display(), key.display()),
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
