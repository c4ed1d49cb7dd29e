//! Calls signed as the SDKs sign them, written from the description of the schemes rather than from the code under test.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::{digest, hmac};
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clouds::CloudRequest;
use http::{Request, Response};
use model::{Clock as _, SystemClock, Timestamp};
use serde_json::Value;

use crate::harness::ask;

const HOST: &str = "eci.test:1";

/// An access key with its secret.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// What a call of Alibaba's API is made of.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) action: String,
    pub(crate) pairs: Vec<(String, String)>,
    pub(crate) at: Timestamp,
    pub(crate) nonce: String,
    pub(crate) version: String,
    pub(crate) method: String,
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

impl Call {
    /// In the region that there is.
    pub(crate) fn new(action: &str, pairs: &[(&str, &str)]) -> Self {
        static NONCES: AtomicU64 = AtomicU64::new(0);
        let mut all = vec![("RegionId".to_owned(), "cn-hangzhou".to_owned())];
        for (name, value) in pairs {
            all.retain(|(known, _)| known != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        Self {
            action: action.to_owned(),
            pairs: all,
            at: now(),
            nonce: format!("n{}", NONCES.fetch_add(1, Ordering::Relaxed)),
            version: "2018-08-08".to_owned(),
            method: "POST".to_owned(),
        }
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.pairs.retain(|(known, _)| known != name);
        self
    }

    /// ACS3-HMAC-SHA256, parameters in the query.
    pub(crate) fn acs3(&self, key: &Key) -> Request<Body> {
        self.acs3_with(key, Vec::new())
    }

    pub(crate) fn acs3_with(&self, key: &Key, body: Vec<u8>) -> Request<Body> {
        let hash = hex::encode(digest::digest(&digest::SHA256, &body));
        let at = self.at.to_string();
        let headers = [
            ("host", HOST),
            ("x-acs-action", &self.action),
            ("x-acs-content-sha256", &hash),
            ("x-acs-date", &at),
            ("x-acs-signature-nonce", &self.nonce),
            ("x-acs-version", &self.version),
        ];
        let names = headers.map(|(name, _)| name).join(";");
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let canonical = format!("{}\n/\n{}\n{lines}\n{names}\n{hash}", self.method, sorted(&self.pairs));
        let text = format!(
            "ACS3-HMAC-SHA256\n{}",
            hex::encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
        );
        let signature = hex::encode(sign(hmac::HMAC_SHA256, key.secret.as_bytes(), &text));
        let mut request =
            Request::builder().method(self.method.as_str()).uri(format!("/?{}", sorted(&self.pairs)));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let value =
            format!("ACS3-HMAC-SHA256 Credential={},SignedHeaders={names},Signature={signature}", key.id);
        request.header("authorization", value).body(body.into()).unwrap()
    }

    /// Signature version 1.0.
    pub(crate) fn rpc(&self, key: &Key, format: Option<&str>) -> Request<Body> {
        let mut pairs = self.pairs.clone();
        let at = self.at.to_string();
        let common = [
            ("Action", self.action.as_str()),
            ("Version", &self.version),
            ("AccessKeyId", &key.id),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", &self.nonce),
            ("Timestamp", &at),
        ];
        pairs.extend(common.map(|(name, value)| (name.to_owned(), value.to_owned())));
        pairs.extend(format.map(|format| ("Format".to_owned(), format.to_owned())));
        let text = format!("{}&%2F&{}", self.method, encode(&sorted(&pairs)));
        let secret = format!("{}&", key.secret);
        let signature = STANDARD.encode(sign(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes(), &text));
        pairs.push(("Signature".to_owned(), signature));
        let request = Request::builder().method(self.method.as_str()).uri(format!("/?{}", sorted(&pairs)));
        request.header("host", HOST).body(Body::empty()).unwrap()
    }
}

fn sign(algorithm: hmac::Algorithm, key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), text.as_bytes()).as_ref().to_vec()
}

/// Strict RFC 3986.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn sorted(pairs: &[(String, String)]) -> String {
    let mut pairs = pairs.to_vec();
    pairs.sort();
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// A call of Tencent's API.
#[derive(Clone, Debug)]
pub(crate) struct TencentCall {
    pub(crate) action: String,
    pub(crate) body: Vec<u8>,
    pub(crate) at: i64,
    pub(crate) region: String,
    pub(crate) version: String,
}

impl TencentCall {
    pub(crate) fn new(action: &str, body: &Value) -> Self {
        Self {
            action: action.to_owned(),
            body: body.to_string().into_bytes(),
            at: now().as_micros() / 1_000_000,
            region: "ap-guangzhou".to_owned(),
            version: "2018-05-25".to_owned(),
        }
    }

    pub(crate) fn signed(&self, key: &Key) -> Request<Body> {
        let at = self.at.to_string();
        let headers = [
            ("content-type", "application/json"),
            ("host", "tke.test:1"),
            ("x-tc-action", self.action.as_str()),
            ("x-tc-version", &self.version),
            ("x-tc-timestamp", &at),
            ("x-tc-region", &self.region),
        ];
        let bytes: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let asked = CloudRequest { method: "POST", path: "/", query: "", headers: &bytes, body: &self.body };
        let signed =
            clouds::tencent::authorize(&asked, &key.id, key.secret.as_bytes(), "content-type;host").unwrap();
        let mut request = Request::post("/").header("authorization", signed);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.body(self.body.clone().into()).unwrap()
    }
}

/// Status and document of an answer to Alibaba's; what must hold of every one is asserted here.
pub(crate) fn read(response: &Response<Vec<u8>>) -> (u16, Value) {
    let text = String::from_utf8_lossy(response.body());
    let headers = response.headers();
    assert_eq!(headers["content-type"], "application/json;charset=utf-8", "{text}");
    let document: Value = serde_json::from_slice(response.body()).expect(&text);
    assert_eq!(document["RequestId"], headers["x-acs-request-id"].to_str().unwrap(), "{text}");
    if response.status() != 200 {
        assert!(document["Code"].is_string() && document["Message"].is_string(), "{text}");
        assert!(document["HostId"].is_string(), "{text}");
    }
    (response.status().as_u16(), document)
}

/// What Tencent's API answers; what must hold of every answer is asserted here.
pub(crate) fn read_tencent(response: &Response<Vec<u8>>) -> Value {
    let text = String::from_utf8_lossy(response.body());
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/json".parse().unwrap()),
        "{text}"
    );
    let mut document: Value = serde_json::from_slice(response.body()).expect(&text);
    let inner = document["Response"].take();
    assert_eq!(inner["RequestId"].as_str().unwrap().len(), 36, "{text}");
    inner
}

impl super::Place {
    /// What Alibaba's API answers.
    pub(crate) async fn alibaba(&self, request: Request<Body>) -> (u16, Value) {
        read(&ask(self.harness.strangers(), request).await)
    }

    /// What Alibaba's API answers a call that is as it should be.
    pub(crate) async fn done(&self, action: &str, pairs: &[(&str, &str)]) -> Value {
        let (status, document) = self.alibaba(Call::new(action, pairs).acs3(&self.key)).await;
        assert_eq!(status, 200, "{action}: {document}");
        document
    }

    /// Status and code with which Alibaba's API refuses.
    pub(crate) async fn refused(&self, request: Request<Body>) -> (u16, String) {
        let (status, document) = self.alibaba(request).await;
        assert_ne!(status, 200, "{document}");
        (status, document["Code"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn tencent(&self, call: &TencentCall) -> Value {
        self.tencent_as(&self.key, call).await
    }

    pub(crate) async fn tencent_as(&self, key: &Key, call: &TencentCall) -> Value {
        read_tencent(&ask(self.harness.strangers(), call.signed(key)).await)
    }

    /// The code with which Tencent's API refuses.
    pub(crate) async fn refused_by_tencent(&self, call: &TencentCall) -> String {
        code(&self.tencent(call).await)
    }
}

/// The code of a refusal of Tencent's.
pub(crate) fn code(answer: &Value) -> String {
    answer["Error"]["Code"].as_str().unwrap_or_else(|| panic!("no refusal: {answer}")).to_owned()
}
