//! Tests of how a connection is made: client certificates, HTTP version, Unix sockets, proxies.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use sse_test::{Reply, Server, serve};

use crate::{Left, run, tail};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Writes a file; its path.
fn file(name: &str, content: &str) -> String {
    std::fs::write(path(name), content).unwrap();
    path(name).to_str().unwrap().to_owned()
}

/// A TLS server that asks for certificates of an authority, and offers HTTP/2 and HTTP/1.1.
struct Tls {
    /// The authority's certificate, a client's certificate and that client's key, in PEM.
    authority: String,
    cert: String,
    key: String,
    config: Arc<ServerConfig>,
}

impl Tls {
    fn new() -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(params, authority_key);
        let signed = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            (params.signed_by(&key, &issuer).unwrap(), key)
        };
        let (server, server_key) = signed("localhost");
        let (client, client_key) = signed("client");
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
        let key = PrivateKeyDer::try_from(server_key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![server.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self {
            authority: authority.pem(),
            cert: client.pem(),
            key: client_key.serialize_pem(),
            config: Arc::new(config),
        }
    }

    /// Runs the command against the server; the protocol of HTTP that was agreed on, if there was a
    /// connection.
    fn run(&self, arguments: &[&str]) -> (Left, Option<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("https://localhost:{}/", address.port());
        let config = Arc::clone(&self.config);
        let server = thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), socket);
            while stream.conn.is_handshaking() {
                stream.conn.complete_io(&mut stream.sock).ok()?;
            }
            let protocol = String::from_utf8(stream.conn.alpn_protocol()?.to_vec()).unwrap();
            if protocol == "http/1.1" {
                serve(&mut stream, &Reply::stream("data: x\n\n"), drop).ok();
                stream.conn.send_close_notify();
                stream.flush().ok();
            }
            Some(protocol)
        });
        // A file of this run alone, because tests run side by side.
        let authority = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&authority, &self.authority).unwrap();
        let authority = authority.path().to_str().unwrap();
        let all = [&["--cacert", authority, "--no-reconnect", "--data-only"], arguments].concat();
        let left = run(&url, &all);
        // A command that failed before it connected leaves the server waiting.
        drop(TcpStream::connect(address));
        (left, server.join().unwrap())
    }
}

#[test]
fn a_client_certificate_is_accepted_by_a_server_that_requires_one() {
    let tls = Tls::new();
    let (cert, key) = (file("client.pem", &tls.cert), file("client-key.pem", &tls.key));
    let both = file("client-both.pem", &format!("{}{}", tls.key, tls.cert));
    for arguments in [&["--cert", &cert, "--key", &key][..], &["--cert", &both]] {
        let (left, protocol) = tls.run(&[arguments, &["--http1.1"]].concat());
        assert_eq!((left.out.as_str(), left.code), ("x\n", Some(0)), "{}", left.err);
        assert_eq!(protocol.as_deref(), Some("http/1.1"));
    }
    let (left, _) = tls.run(&["--http1.1", "--max-retries", "0"]);
    assert_eq!((left.out.as_str(), left.code), ("", Some(1)), "{}", left.err);
}

#[test]
fn http_2_is_used_where_it_is_offered_unless_http_1_1_is_forced() {
    let tls = Tls::new();
    let both = file("client-http.pem", &format!("{}{}", tls.cert, tls.key));
    let (_, protocol) = tls.run(&["--cert", &both, "--max-retries", "0"]);
    assert_eq!(protocol.as_deref(), Some("h2"));
}

#[test]
fn certificates_and_keys_that_cannot_be_used_are_errors_that_name_the_file() {
    let tls = Tls::new();
    let (cert, key) = (file("alone.pem", &tls.cert), file("alone-key.pem", &tls.key));
    let encrypted = file(
        "encrypted.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    for (arguments, name, advice) in [
        (&["--cert", &cert][..], &cert, "give its file with --key"),
        (&["--cert", &key], &key, "no PEM certificate"),
        (&["--cert", &cert, "--key", &cert], &cert, "no PEM private key"),
        (&["--cert", &cert, "--key", &encrypted], &encrypted, "openssl pkey"),
    ] {
        let left = run("https://127.0.0.1:9/", arguments);
        assert!(left.err.starts_with(&format!("sse: {name}: ")) && left.err.contains(advice), "{}", left.err);
        assert_eq!(left.code, Some(1));
    }
}

#[test]
fn a_unix_socket_is_connected_to_whatever_host_the_url_has() {
    // Paths of sockets are short.
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let reply = Reply::stream("retry: 10\nid: 1\ndata: x\n\n");
    let server = thread::spawn(move || {
        let mut requests = Vec::new();
        for _ in 0..2 {
            let mut socket = listener.accept().unwrap().0;
            serve(&mut socket, &reply, |request| requests.push(request)).unwrap();
        }
        requests
    });
    // A proxy of the environment is not used.
    let output = tail("http://events.example/a", &["--data-only", "--max-events", "2", "--unix-socket"])
        .arg(&socket)
        .env("http_proxy", "http://127.0.0.1:9")
        .output()
        .unwrap();
    let [first, second] = server.join().unwrap().try_into().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "x\nx\n");
    assert_eq!((first.line(), first.text("host")), ("GET /a HTTP/1.1", Some("events.example")));
    assert_eq!(second.text("last-event-id"), Some("1"));
}

#[test]
fn a_socket_that_does_not_exist_is_an_error() {
    let left = run("http://localhost/", &["--unix-socket", "/no/such/socket", "--max-retries", "0"]);
    assert!(left.err.contains("No such file"), "{}", left.err);
    assert_eq!(left.code, Some(1));
}

#[test]
fn a_proxy_gets_the_requests_whatever_the_environment_says() {
    let server = Server::play([Reply::stream("data: x\n\n"), Reply::stream("data: x\n\n")]);
    let proxy = server.address.to_string();
    for url in [format!("http://me:pass@{proxy}"), proxy.clone()] {
        let output = tail("http://events.example/a", &["--data-only", "--no-reconnect", "--proxy", &url])
            .env("http_proxy", "http://127.0.0.1:9")
            .env("no_proxy", "*")
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "x\n",
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let request = server.request();
    assert_eq!(request.line(), "GET http://events.example/a HTTP/1.1");
    assert_eq!(request.text("proxy-authorization"), Some("Basic bWU6cGFzcw=="));
}

#[test]
fn https_goes_through_a_tunnel_of_the_proxy() {
    let server = Server::play([Reply::status(403, "", "")]);
    let proxy = server.address.to_string();
    let left = run("https://events.example/a", &["--proxy", &proxy, "--max-retries", "0"]);
    assert_eq!(server.request().line(), "CONNECT events.example:443 HTTP/1.1");
    assert_eq!(left.code, Some(1), "{}", left.err);
}
