//! TLS: which certificates are trusted, and certificates of clients.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::tail;

/// `sse serve` with a certificate that no system trusts.
struct Server {
    child: Child,
    url: String,
    certificate: String,
}

impl Server {
    fn start() -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (cert, key) = (directory.join("tail-cert.pem"), directory.join("tail-key.pem"));
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&cert, certified.cert.pem()).unwrap();
        std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sse"))
            .args(["serve", "--listen", "127.0.0.1:0", "--cert"])
            .arg(&cert)
            .arg("--key")
            .arg(&key)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().trim_end_matches('/').rsplit(':').next().unwrap();
        let url = format!("https://localhost:{port}/events/x");
        Self { child, url, certificate: cert.to_str().unwrap().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The first line of JSON.
fn first(url: &str, arguments: &[&str]) -> String {
    let mut child = tail(url, &["--json", "--max-retries", "0"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    line
}

#[test]
fn cacert_sets_the_trusted_certificates_and_insecure_trusts_all() {
    let server = Server::start();
    let open = "{\"kind\":\"open\",\"status\":200}\n";
    assert_eq!(first(&server.url, &["--cacert", &server.certificate]), open);
    assert_eq!(first(&server.url, &["-k"]), open);
    let refused = first(&server.url, &[]);
    assert!(refused.starts_with("{\"kind\":\"closed\"") && refused.contains("certificate"), "{refused}");
}

#[test]
fn a_file_without_certificates_is_an_error() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("none.pem");
    std::fs::write(&path, "nothing here").unwrap();
    let left = crate::run("https://localhost:9/", &["--cacert", path.to_str().unwrap()]);
    assert_eq!(left.err, format!("sse: {}: no PEM certificate was found in the file\n", path.display()));
    assert_eq!(left.code, Some(1));
}

#[test]
fn http_needs_no_certificates() {
    let server = sse_test::Server::play([sse_test::Reply::no_content()]);
    let mut command = tail(&server.url("/"), &[]);
    command.env("SSL_CERT_FILE", "/no/such/file").env("SSL_CERT_DIR", "/no/such/directory");
    assert_eq!(command.output().unwrap().status.code(), Some(0));
}
