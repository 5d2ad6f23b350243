//! Redis over TLS: `rediss://`, with a certificate that the system trusts.

use std::path::Path;
use std::{fs, net};

use crate::node::Node;
use crate::redis::RedisServer;

#[test]
fn redis_is_reached_over_tls_if_its_certificate_is_trusted() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let (cert, key, other) = (path("redis-cert.pem"), path("redis-key.pem"), path("redis-other.pem"));
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&cert, certified.cert.pem()).unwrap();
    fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&other, stranger.cert.pem()).unwrap();
    let port = net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let tls =
        ["--tls-port", &port, "--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &cert];
    let Some(redis) = RedisServer::with_options(&[&tls[..], &["--tls-auth-clients", "no"]].concat()) else {
        return;
    };
    let url = format!("rediss://localhost:{port}");
    Node::start_with(&url, &[("SSL_CERT_FILE", &cert)]).wait_until(|(status, _)| *status == 200);
    let refused =
        |(status, reason): &(u16, String)| *status == 503 && reason.to_lowercase().contains("certificate");
    Node::start_with(&url, &[("SSL_CERT_FILE", &other)]).wait_until(refused);
    // The other port of the server speaks no TLS.
    let plain = format!("rediss://localhost:{}", redis.port());
    let hinted = |(status, reason): &(u16, String)| *status == 503 && reason.contains("TLS on this port");
    Node::start_with(&plain, &[("SSL_CERT_FILE", &cert)]).wait_until(hinted);
}
