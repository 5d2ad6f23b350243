use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Parser;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::super::Access;
use super::super::issuer::{Issuer, SECRET, altered, claims, seconds};
use super::super::keys::KeySource;
use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    access: AccessArguments,
}

/// Verifier with the given options of a server.
struct Verifier {
    requirements: Requirements,
    keys: Vec<Key>,
}

impl Verifier {
    fn new(options: &[&str]) -> Self {
        let arguments = Line::parse_from(["serve"].iter().chain(options)).access;
        Access::new(&arguments, false).unwrap();
        let keys = KeySource::new(&arguments).unwrap().read().unwrap();
        Self { requirements: Requirements::new(&arguments), keys }
    }

    fn set(keys: &[Value]) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, json!({"keys": keys}).to_string()).unwrap();
        Self::new(&["--jwks", file.path().to_str().unwrap()])
    }

    fn check(&self, token: &str) -> Result<Claims, &'static str> {
        self.requirements.verify(&self.keys, token)
    }

    #[track_caller]
    fn refuses(&self, token: &str, part: &str) {
        let reason = self.check(token).expect_err("the token is not valid");
        assert!(reason.contains(part), "{reason}");
    }
}

fn issuers() -> [Issuer; 4] {
    let rsa = Issuer::rsa();
    let rsa = Issuer { algorithm: rsa.algorithm, key: rsa.key.clone(), public: rsa.public.clone() };
    [Issuer::hmac(SECRET), rsa, Issuer::p256(), Issuer::ed25519()]
}

#[test]
fn each_algorithm_is_verified_by_its_own_key_alone() {
    let issuers = issuers();
    for (at, server) in issuers.iter().enumerate() {
        for verifier in [Verifier::new(&["--jwt-key", &server.public]), Verifier::set(&[server.jwk(None)])] {
            for (index, issuer) in issuers.iter().enumerate() {
                let result = verifier.check(&issuer.token(&claims(&["a"], &["b"])));
                assert_eq!(result.is_ok(), index == at, "{:?} at {:?}", issuer.algorithm, server.algorithm);
                if let Ok(claims) = result {
                    assert!(claims.publish.contains("a") && !claims.publish.contains("b"));
                    assert!(claims.subscribe.contains("b") && !claims.subscribe.contains("a"));
                }
            }
        }
    }
}

#[test]
fn a_public_key_is_not_a_secret() {
    for server in &issuers()[1..] {
        let verifier = Verifier::new(&["--jwt-key", &server.public]);
        let trimmed = server.public.trim();
        let der: String = trimmed.lines().filter(|line| !line.starts_with('-')).collect();
        for secret in [server.public.as_str(), trimmed, &der] {
            verifier.refuses(&Issuer::hmac(secret).token(&claims(&["*"], &["*"])), "(alg)");
        }
    }
}

#[test]
fn unsigned_tokens_and_other_algorithms_of_the_same_key_are_refused() {
    let verifier = Verifier::new(&["--jwt-key", SECRET]);
    let payload = claims(&["*"], &["*"]).to_string();
    for alg in ["none", "None", "NONE", "", "hs256"] {
        let header = json!({"alg": alg}).to_string();
        let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(&payload));
        verifier.refuses(&unsigned, "not a JWT of this form");
        verifier.refuses(&Issuer::hmac(SECRET).raw(&header, &payload), "not a JWT of this form");
    }
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let larger = Issuer { algorithm: Algorithm::HS512, key, public: String::new() };
    verifier.refuses(&larger.token(&claims(&["*"], &["*"])), "(alg)");
    let rsa = Issuer::rsa();
    for algorithm in [Algorithm::RS512, Algorithm::PS256] {
        let other = Issuer { algorithm, key: rsa.key.clone(), public: String::new() };
        Verifier::new(&["--jwt-key", &rsa.public]).refuses(&other.token(&claims(&["*"], &["*"])), "(alg)");
    }
}

#[test]
fn a_kid_selects_one_of_the_servers_keys_and_keys_in_the_token_are_ignored() {
    let (one, other, stranger) = (Issuer::p256(), Issuer::p256(), Issuer::p256());
    let verifier = Verifier::set(&[one.jwk(Some("one")), other.jwk(Some("other"))]);
    let payload = claims(&["*"], &["*"]).to_string();
    let token = |issuer: &Issuer, header: Value| issuer.raw(&header.to_string(), &payload);
    assert!(verifier.check(&token(&one, json!({"alg": "ES256", "kid": "one"}))).is_ok());
    assert!(verifier.check(&token(&other, json!({"alg": "ES256", "kid": "other"}))).is_ok());
    assert!(verifier.check(&token(&other, json!({"alg": "ES256"}))).is_ok(), "each is tried");
    verifier.refuses(&token(&one, json!({"alg": "ES256", "kid": "other"})), "signature");
    verifier.refuses(&token(&one, json!({"alg": "ES256", "kid": "third"})), "(kid)");
    verifier.refuses(&token(&stranger, json!({"alg": "ES256"})), "signature");
    let own = json!({
        "alg": "ES256", "jwk": stranger.jwk(None), "jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/chain",
        "x5c": ["AAAA"],
    });
    verifier.refuses(&token(&stranger, own.clone()), "signature");
    assert!(verifier.check(&token(&one, own)).is_ok());
    verifier.refuses(&token(&one, json!({"alg": "ES256", "crit": ["b64"], "b64": false})), "(crit)");

    let single = Verifier::new(&["--jwt-key", &one.public]);
    assert!(single.check(&token(&one, json!({"alg": "ES256", "kid": "any"}))).is_ok(), "it has no ID");
}

#[test]
fn a_token_is_valid_from_nbf_until_exp() {
    let (issuer, verifier) = (Issuer::hmac(SECRET), Verifier::new(&["--jwt-key", SECRET]));
    for (changes, part) in [
        (json!({"exp": null}), "(exp)"),
        (json!({"exp": seconds(0)}), "expired"),
        (json!({"exp": seconds(-1)}), "expired"),
        (json!({"exp": 0}), "expired"),
        (json!({"exp": -1}), "(exp)"),
        (json!({"exp": seconds(60).to_string()}), "not a JWT of this form"),
        (json!({"exp": [seconds(60)]}), "not a JWT of this form"),
        (json!({"nbf": seconds(60)}), "(nbf)"),
        (json!({"nbf": "later"}), "not a number"),
    ] {
        verifier.refuses(&issuer.token(&altered(&changes)), part);
    }
    let remaining =
        |verifier: &Verifier, changes| verifier.check(&issuer.token(&altered(&changes))).unwrap().remaining;
    let minute = remaining(&verifier, json!({"exp": seconds(60), "nbf": seconds(0)})).as_secs_f64();
    assert!((50.0..=60.0).contains(&minute), "{minute}");
    let fraction = remaining(&verifier, json!({"exp": seconds(60) as f64 + 0.5})).as_secs_f64();
    assert!((50.0..=60.5).contains(&fraction), "{fraction}");
    for far in [json!(u64::MAX), json!(1e18), json!(9_007_199_254_740_993_u64)] {
        assert!(remaining(&verifier, json!({"exp": far})) > Duration::from_secs(1 << 40));
    }
    let lenient = Verifier::new(&["--jwt-key", SECRET, "--jwt-leeway", "100"]);
    let left = remaining(&lenient, json!({"exp": seconds(-30), "nbf": seconds(60)})).as_secs_f64();
    assert!((60.0..=70.0).contains(&left), "{left}");
    lenient.refuses(&issuer.token(&altered(&json!({"exp": seconds(-101)}))), "expired");
}

#[test]
fn audience_and_issuer_are_those_that_the_options_name() {
    let issuer = Issuer::hmac(SECRET);
    let token = |changes| issuer.token(&altered(&changes));
    let plain = Verifier::new(&["--jwt-key", SECRET]);
    assert!(plain.check(&token(json!({"iss": "anybody"}))).is_ok());
    plain.refuses(&token(json!({"aud": "other"})), "(aud)");

    let both = ["--jwt-key", SECRET, "--jwt-audience", "hub", "--jwt-audience", "hub2", "--jwt-issuer", "me"];
    let both = Verifier::new(&both);
    for aud in [json!("hub"), json!("hub2"), json!(["other", "hub"])] {
        assert!(both.check(&token(json!({"aud": aud, "iss": "me"}))).is_ok(), "{aud}");
    }
    for (changes, part) in [
        (json!({"iss": "me"}), "no audience"),
        (json!({"iss": "me", "aud": "other"}), "another audience"),
        (json!({"iss": "me", "aud": ["other"]}), "another audience"),
        (json!({"iss": "me", "aud": []}), "another audience"),
        (json!({"iss": "me", "aud": 5}), "no audience"),
        (json!({"aud": "hub"}), "no issuer"),
        (json!({"aud": "hub", "iss": "you"}), "another issuer"),
        (json!({"aud": "hub", "iss": "me "}), "another issuer"),
        (json!({"aud": "hub", "iss": ["me"]}), "not a JWT of this form"),
        (json!({"aud": "hub", "iss": ["you", "me"]}), "not a JWT of this form"),
        (json!({"aud": "hub", "iss": null}), "no issuer"),
    ] {
        both.refuses(&token(changes), part);
    }
}

#[test]
fn a_claim_that_comes_twice_and_lists_that_are_not_lists_are_refused() {
    let (issuer, verifier) = (Issuer::hmac(SECRET), Verifier::new(&["--jwt-key", SECRET]));
    let (header, exp) = (r#"{"alg":"HS256"}"#, seconds(60));
    let rights = r#"{"publish":["a"],"subscribe":["a"]}"#;
    for payload in [
        format!(r#"{{"exp":{exp},"exp":{exp},"sse":{rights}}}"#),
        format!(r#"{{"exp":{exp},"sse":{rights},"sse":{{"publish":["*"]}}}}"#),
        format!(r#"{{"exp":{exp},"sse":{{"publish":["a"],"publish":["*"]}}}}"#),
        format!(r#"{{"exp":{exp},"sse":{{"subscribe":["a"],"subscribe":["a"]}}}}"#),
        format!(r#"{{"exp":{exp},"nbf":0,"nbf":0,"sse":{rights}}}"#),
        format!(r#"{{"exp":{exp},"aud":"a","aud":"b","sse":{rights}}}"#),
        format!(r#"{{"exp":{exp},"iss":"a","iss":"a","sse":{rights}}}"#),
        format!(r#"{{"exp":{exp},"\u0065xp":{exp},"sse":{rights}}}"#),
        format!(r#"{{"exp":{exp},"sse":{{"publish":"*"}}}}"#),
        format!(r#"{{"exp":{exp},"sse":{{"publish":{{"*":1}}}}}}"#),
        format!(r#"{{"exp":{exp},"sse":{{"publish":[1]}}}}"#),
        format!(r#"{{"exp":{exp},"sse":["*"]}}"#),
        format!(r#"{{"exp":{exp},"sse":"*"}}"#),
        "[]".into(),
        "x".into(),
        String::new(),
        "[".repeat(6000),
    ] {
        verifier.refuses(&issuer.raw(header, &payload), "not a JWT of this form");
    }
    let payload = format!(r#"{{"exp":{exp},"sse":{rights}}}"#);
    verifier.refuses(&issuer.raw(r#"{"alg":"HS256","alg":"HS256"}"#, &payload), "not a JWT of this form");
    let nothing =
        verifier.check(&issuer.raw(header, format!(r#"{{"exp":{exp},"other":{{"a":1}}}}"#))).unwrap();
    assert!(!nothing.publish.contains("a") && !nothing.subscribe.contains("a"), "no claim, no right");
}

#[test]
fn no_text_panics_and_a_long_one_is_refused_before_it_is_read() {
    let (issuer, verifier) = (Issuer::hmac(SECRET), Verifier::new(&["--jwt-key", SECRET]));
    let token = issuer.token(&claims(&["*"], &["*"]));
    for cut in 0..token.len() {
        assert!(verifier.check(&token[..cut]).is_err(), "{cut}");
        let (start, end) = token.split_at(cut);
        assert!(
            verifier.check(&format!("{start}.{end}")).is_err()
                && verifier.check(&format!("{start}é{end}")).is_err()
        );
    }
    verifier.refuses(&format!("{token}.x.y"), "not a JWT of this form");
    let mut payload = format!(r#"{{"exp":{},"other":"?"}}"#, seconds(60)).into_bytes();
    assert!(verifier.check(&issuer.raw(r#"{"alg":"HS256"}"#, &payload)).is_ok());
    let mark = payload.iter().position(|byte| *byte == b'?').unwrap();
    payload[mark] = 0xFF;
    verifier.refuses(&issuer.raw(r#"{"alg":"HS256"}"#, &payload), "not a JWT of this form");
    let long = json!({"other": "x".repeat(1 << 20)});
    verifier.refuses(&issuer.token(&altered(&long)), "more than 8192 bytes");
    verifier.refuses(&"x".repeat(1 << 20), "more than 8192 bytes");
}
