//! HTTPS, with certificates that the test makes.
#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use futures_lite::StreamExt;
use futures_lite::future::block_on;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use sse_async_std::rustls::crypto::ring;
use sse_async_std::rustls::pki_types::PrivateKeyDer;
use sse_async_std::rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use sse_async_std::{Event, EventSource};
use sse_test::Reply;

/// A server that answers each connection with one event; its URL and the configuration that trusts
/// it.
fn serve() -> (String, Arc<ClientConfig>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = || Arc::new(ring::default_provider());
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut server = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    server.alpn_protocols = vec![b"h2".into(), b"http/1.1".into()];
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let mut client = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![b"h2".into()];

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let server = Arc::new(server);
    thread::spawn(move || {
        for socket in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&server)).unwrap();
            let mut stream = StreamOwned::new(connection, socket.unwrap());
            // A client that does not trust the certificate causes an error here.
            while stream.conn.is_handshaking() && stream.conn.complete_io(&mut stream.sock).is_ok() {}
            let protocol = String::from_utf8_lossy(stream.conn.alpn_protocol().unwrap_or_default());
            let reply = Reply::stream(format!("data: secret over {protocol}\n\n"));
            let _ = sse_test::serve(&mut stream, &reply, drop);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    (url, Arc::new(client))
}

#[test]
fn a_users_tls_configuration_decides_which_certificates_are_trusted() {
    let (url, trusting) = serve();
    let mut source = EventSource::builder(url).tls(trusting).proxy(None).build().unwrap();
    assert!(matches!(block_on(source.next()), Some(Ok(Event::Open(_)))));
    let Some(Ok(Event::Message(message))) = block_on(source.next()) else { panic!() };
    assert_eq!(message.data(), "secret over http/1.1");
}

#[test]
#[cfg(feature = "webpki-roots")]
fn an_unknown_certificate_is_not_trusted() {
    use sse_async_std::{CloseReason, Config, ReconnectPolicy};

    let (url, _) = serve();
    let config = Config::default().with_policy(ReconnectPolicy::never());
    let mut source = EventSource::builder(url).config(config).proxy(None).build().unwrap();
    let error = block_on(source.next()).unwrap().unwrap_err();
    assert!(matches!(error.reason(), Some(CloseReason::GaveUp { .. })), "{error:?}");
    let cause = std::error::Error::source(&error).unwrap();
    let cause = std::error::Error::source(cause).unwrap();
    assert!(cause.to_string().contains("invalid peer certificate"), "{cause}");
}
