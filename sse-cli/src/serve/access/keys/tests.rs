use serde_json::{Value, json};

use super::super::issuer::{Issuer, SECRET};
use super::*;

#[track_caller]
fn refused(bytes: impl AsRef<[u8]>, part: &str) {
    let error = single(bytes.as_ref()).expect_err("it is not a usable key");
    assert!(error.contains(part), "{error}");
}

#[test]
fn the_kind_of_a_key_says_its_algorithm() {
    let algorithm = |bytes: &[u8]| single(bytes).unwrap()[0].algorithm;
    for issuer in [Issuer::rsa(), &Issuer::p256(), &Issuer::ed25519(), &Issuer::hmac(SECRET)] {
        assert_eq!(algorithm(issuer.public.as_bytes()), issuer.algorithm);
        assert_eq!(algorithm(format!("\n {}\r\n", issuer.public).as_bytes()), issuer.algorithm);
    }
    let value = |bytes: &[u8]| single(bytes).unwrap()[0].key.try_get_as_bytes().unwrap().to_owned();
    let blanks = b" a secret with blanks between words\n";
    assert_eq!(value(blanks), blanks.trim_ascii());
    let bytes = [&[b'\n'; 31][..], b"\xFF"].concat();
    assert_eq!(value(&bytes), bytes, "bytes that are not text are taken as they are");
}

#[test]
fn a_well_known_key_is_refused_as_a_secret() {
    for issuer in [Issuer::rsa(), &Issuer::p256(), &Issuer::ed25519()] {
        let base64: Vec<&str> = issuer.public.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(base64.concat()).unwrap();
        refused(base64.concat(), "not in PEM");
        refused(base64.join("\n"), "not in PEM");
        refused(der, "");
        refused(issuer.jwk(None).to_string(), "--jwks");
        refused(json!({"keys": [issuer.jwk(None)]}).to_string(), "--jwks");
    }
    refused("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me", "not in PEM");
    for empty in ["", " \n", "\u{FEFF}"] {
        refused(empty, "empty");
    }
}

// RFC 7518, 3.2.
#[test]
fn a_secret_of_fewer_than_32_bytes_is_refused() {
    refused([b'k'; 31], "32 bytes at least");
    refused([0xFF; 31], "32 bytes at least");
    assert!(single(&[b'k'; 32]).is_ok());
    let set = |k: &str| set(json!({"keys": [{"kty": "oct", "k": k}]}).to_string().as_bytes(), "--jwks f");
    assert!(set(&"A".repeat(42)).is_err(), "31 bytes");
    assert!(set(&"A".repeat(43)).is_ok(), "32 bytes");
}

#[test]
fn a_pem_that_is_not_one_public_key_says_what_to_do() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    refused(pair.serialize_pem(), "openssl pkey -pubout");
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    refused(certified.cert.pem(), "openssl x509 -pubkey");
    refused(pair.public_key_pem() + &pair.public_key_pem(), "--jwks");
    let larger = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    refused(larger.public_key_pem(), "P-256");
    refused("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "not a public key");
    refused("-----BEGIN PUBLIC KEY-----", "not a public key");
}

#[test]
fn keys_of_a_set_that_do_not_verify_tokens_are_left_out() {
    let read = |keys: &[Value]| set(json!({"keys": keys}).to_string().as_bytes(), "--jwks keys.json");
    let good = Issuer::p256().jwk(Some("good"));
    let with = |name: &str, value: Value| {
        let mut key = good.clone();
        key[name] = value;
        key
    };
    let short = json!({"kty": "RSA", "n": "AQAB".repeat(32), "e": "AQAB"});
    let others = [
        with("use", json!("enc")),
        with("key_ops", json!(["encrypt"])),
        with("alg", json!("ES384")),
        with("alg", json!("unheard of")),
        with("crv", json!("P-384")),
        with("kty", json!("unheard of")),
        with("x", json!("!")),
        with("x", json!("AAAA")),
        json!({"kty": "oct", "k": ""}),
        json!({"kty": "oct", "k": "A".repeat(42)}),
        json!({}),
        json!("key"),
        short,
    ];
    for other in &others {
        assert!(read(std::slice::from_ref(other)).is_err(), "{other}");
        assert_eq!(read(&[other.clone(), good.clone()]).unwrap().len(), 1, "{other}");
    }
    for same in [with("use", json!("sig")), with("key_ops", json!(["verify"])), with("alg", json!("ES256"))] {
        assert_eq!(read(&[same]).unwrap()[0].id.as_deref(), Some("good"));
    }
    for text in ["", "{}", "[]", r#"{"keys": {}}"#, r#"{"keys": []}"#, "{\"keys\": [{\"k\": \"hunter2\"}"] {
        let error = set(text.as_bytes(), "--jwks keys.json").expect_err(text);
        assert!(!error.contains("hunter2"), "{error}");
    }
}
