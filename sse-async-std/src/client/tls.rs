//! TLS set-up: trusted certificates, and the handshake.

use std::io;
use std::sync::Arc;

use async_net::TcpStream;
use futures_rustls::TlsConnector;
use futures_rustls::client::TlsStream;
use futures_rustls::pki_types::ServerName;
use futures_rustls::rustls::ClientConfig;
use url::{Host, Url};

use super::TransportError;

/// The TLS configuration that the user set, or the default one; with this client's ALPN.
pub(super) fn config(given: Option<Arc<ClientConfig>>) -> Result<Arc<ClientConfig>, TransportError> {
    let mut config = match given {
        Some(config) => Arc::unwrap_or_clone(config),
        None => default_config()?,
    };
    config.alpn_protocols = vec![b"http/1.1".into()];
    Ok(Arc::new(config))
}

/// The default TLS configuration. Its crypto provider is chosen here: rustls's process-wide default
/// panics in a program that has two.
fn default_config() -> Result<ClientConfig, TransportError> {
    #[cfg(any(feature = "platform-verifier", feature = "webpki-roots"))]
    {
        use futures_rustls::rustls::crypto::ring;

        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TransportError::Tls(error.into()))?;
        #[cfg(feature = "platform-verifier")]
        let config = rustls_platform_verifier::BuilderVerifierExt::with_platform_verifier(builder)
            .map_err(|error| TransportError::Tls(error.into()))?
            .with_no_client_auth();
        #[cfg(not(feature = "platform-verifier"))]
        let config = builder
            .with_root_certificates(futures_rustls::rustls::RootCertStore::from_iter(
                webpki_roots::TLS_SERVER_ROOTS.iter().cloned(),
            ))
            .with_no_client_auth();
        Ok(config)
    }
    #[cfg(not(any(feature = "platform-verifier", feature = "webpki-roots")))]
    Err(TransportError::Tls(
        "enable the feature `platform-verifier` or `webpki-roots`, or set `Builder::tls`".into(),
    ))
}

/// Performs the TLS handshake with the host of `url`.
pub(super) async fn connect(
    config: &Arc<ClientConfig>,
    url: &Url,
    socket: TcpStream,
) -> io::Result<TlsStream<TcpStream>> {
    let name = match url.host() {
        Some(Host::Ipv4(address)) => ServerName::from(std::net::IpAddr::from(address)),
        Some(Host::Ipv6(address)) => ServerName::from(std::net::IpAddr::from(address)),
        Some(Host::Domain(name)) => ServerName::try_from(name.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?,
        None => return Err(io::ErrorKind::InvalidInput.into()),
    };
    TlsConnector::from(Arc::clone(config)).connect(name, socket).await
}
