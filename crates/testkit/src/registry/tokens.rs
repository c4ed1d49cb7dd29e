//! A token server. Source: distribution, `docs/spec/auth/token.md` and `jwt.md`.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use model::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::server::{Connection, Next, Server};
use crate::{Request, TestCertificate};

const SERVICE: &str = "imc-test-registry";
const ISSUER: &str = "imc-test-tokens";
const LIFETIME_SECONDS: i64 = 300;

pub(super) struct TokenServer {
    server: Server,
    signer: Arc<Signer>,
}

struct Signer {
    certificate: TestCertificate,
    key: EcdsaKeyPair,
    user: Option<(String, String)>,
    given: AtomicUsize,
}

impl TokenServer {
    /// Gives tokens to that user, or to anybody where there is none.
    pub(super) fn start(user: Option<(String, String)>) -> Self {
        let certificate = TestCertificate::generate();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &certificate.key_der())
            .expect("a P-256 key");
        let signer = Arc::new(Signer { certificate, key, user, given: AtomicUsize::new(0) });
        let handler = Arc::new({
            let signer = Arc::clone(&signer);
            move |request: &Request, connection: &mut Connection| signer.answer(request, connection)
        });
        Self { server: Server::start(None, handler), signer }
    }

    pub(super) fn certificate_pem(&self) -> String {
        self.signer.certificate.certificate_pem()
    }

    pub(super) fn host(&self) -> String {
        self.server.address().to_string()
    }

    pub(super) fn given(&self) -> usize {
        self.signer.given.load(Ordering::SeqCst)
    }

    /// The registry's `auth` section; `bundle` is the file with the certificate.
    pub(super) fn registry_settings(&self, bundle: &Path) -> String {
        format!(
            "auth:\n  token: {{realm: \"http://{}/token\", service: {SERVICE}, issuer: {ISSUER}, rootcertbundle: {}}}\n",
            self.server.address(),
            bundle.display()
        )
    }
}

impl Signer {
    fn answer(&self, request: &Request, connection: &mut Connection) -> io::Result<Next> {
        let (status, body) = if self.welcome(request) {
            self.given.fetch_add(1, Ordering::SeqCst);
            let token = self.token(request);
            ("200 OK", json!({ "token": token, "expires_in": LIFETIME_SECONDS }))
        } else {
            (
                "401 Unauthorized",
                json!({ "errors": [{ "code": "UNAUTHORIZED", "message": "wrong password" }] }),
            )
        };
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes())?;
        connection.write_all(body.as_bytes())?;
        connection.flush()?;
        Ok(Next::KeepAlive)
    }

    fn welcome(&self, request: &Request) -> bool {
        self.user.as_ref().is_none_or(|(user, password)| {
            let expected = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
            request.header("authorization") == Some(expected.as_str())
        })
    }

    fn token(&self, request: &Request) -> String {
        let now = SystemClock.now().as_micros() / 1_000_000;
        let chain = [STANDARD.encode(self.certificate.certificate_der())];
        let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": chain });
        let claims = json!({
            "iss": ISSUER, "sub": "test", "aud": request.parameter("service").unwrap_or_default(),
            "iat": now, "nbf": now - 1, "exp": now + LIFETIME_SECONDS, "jti": "1",
            "access": access(request.parameter("scope").as_deref()),
        });
        let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).expect("a working key");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

/// `repository:<name>:<actions>`, several parted by blanks.
fn access(scope: Option<&str>) -> Vec<Value> {
    let scopes = scope.unwrap_or_default().split_whitespace();
    scopes
        .filter_map(|scope| {
            let (kind, rest) = scope.split_once(':')?;
            let (name, actions) = rest.rsplit_once(':')?;
            let actions: Vec<&str> = actions.split(',').collect();
            Some(json!({ "type": kind, "name": name, "actions": actions }))
        })
        .collect()
}
