//! Requests as text, and a signer of its own, written from the description of the schemes rather than from the code under test.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clouds::CloudRequest;
use clouds::alibaba::{Call, ErrorCode, Operation, SKEW_SECONDS, Signed};
use model::Timestamp;

pub(crate) const KEY: &str = "testak";
pub(crate) const SECRET: &[u8] = b"testsecret";

/// A request that owns its parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    /// Of a captured request: its line, its headers.
    pub(crate) fn captured(text: &str) -> Self {
        let mut lines = text.trim().lines();
        let mut line = lines.next().unwrap().split(' ');
        let (method, target) = (line.next().unwrap(), line.next().unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
            body: Vec::new(),
        }
    }

    pub(crate) fn with<T>(&self, read: impl FnOnce(CloudRequest<'_>) -> T) -> T {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        read(CloudRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            body: &self.body,
        })
    }

    /// Read and verified.
    pub(crate) fn verify(&self, now: Timestamp) -> Result<Signed, (ErrorCode, String)> {
        self.with(|request| Call::read(request)?.verify(SECRET, now, SKEW_SECONDS))
            .map_err(|refusal| (refusal.code(), refusal.message().into_owned()))
    }

    /// Read, without a look at the signature.
    pub(crate) fn operation(&self) -> Result<Operation, (ErrorCode, String)> {
        self.with(|request| Call::read(request)?.operation())
            .map_err(|refusal| (refusal.code(), refusal.message().into_owned()))
    }

    pub(crate) fn header_mut(&mut self, name: &str) -> &mut String {
        &mut self.headers.iter_mut().find(|(known, _)| known == name).unwrap().1
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).unwrap()
}

/// Strict RFC 3986.
pub(crate) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// As a form has it: a space as `+`, `*` bare.
pub(crate) fn encode_form(text: &str) -> String {
    encode(text).replace("%20", "+").replace("%2A", "*")
}

pub(crate) type Pairs = Vec<(String, String)>;

pub(crate) fn pairs(list: &[(&str, &str)]) -> Pairs {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn query(pairs: &[(String, String)], encode: fn(&str) -> String) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn sorted(pairs: &[(String, String)]) -> String {
    let mut pairs = pairs.to_vec();
    pairs.sort();
    query(&pairs, encode)
}

/// Where parameters are put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Query,
    Form,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedAt<'a> {
    pub(crate) time: &'a str,
    pub(crate) nonce: &'a str,
}

pub(crate) const WHEN: SignedAt<'static> = SignedAt { time: "2026-11-21T17:03:24Z", nonce: "n-1" };

/// Signature version 1.0.
pub(crate) fn rpc(action: &str, method: &str, sha256: bool, place: Place, more: &[(String, String)]) -> Sent {
    let mut all = pairs(&[
        ("Action", action),
        ("Version", "2018-08-08"),
        ("Format", "JSON"),
        ("AccessKeyId", KEY),
        ("SignatureMethod", if sha256 { "HMAC-SHA256" } else { "HMAC-SHA1" }),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", WHEN.nonce),
        ("Timestamp", WHEN.time),
    ]);
    all.extend_from_slice(more);
    let text = format!("{method}&%2F&{}", encode(&sorted(&all)));
    let algorithm = if sha256 { hmac::HMAC_SHA256 } else { hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY };
    let key = hmac::Key::new(algorithm, &[SECRET, b"&"].concat());
    all.push(("Signature".to_owned(), STANDARD.encode(hmac::sign(&key, text.as_bytes()))));
    let text = query(&all, encode_form);
    let (query, body) = if place == Place::Query { (text, String::new()) } else { (String::new(), text) };
    Sent {
        method: method.to_owned(),
        path: "/".to_owned(),
        query,
        headers: Vec::new(),
        body: body.into_bytes(),
    }
}

/// ACS3.
pub(crate) fn acs3(action: &str, method: &str, place: Place, more: &[(String, String)]) -> Sent {
    acs3_with(action, method, place, more, |_| ())
}

/// ACS3, over headers that are edited before they are signed.
pub(crate) fn acs3_with(
    action: &str,
    method: &str,
    place: Place,
    more: &[(String, String)],
    edit: impl FnOnce(&mut Pairs),
) -> Sent {
    let body = if place == Place::Form { query(more, encode_form) } else { String::new() };
    let sha256 = |bytes: &[u8]| hex::encode(digest::digest(&digest::SHA256, bytes));
    let mut headers = pairs(&[
        ("host", "127.0.0.1:18912"),
        ("x-acs-action", action),
        ("x-acs-content-sha256", &sha256(body.as_bytes())),
        ("x-acs-date", WHEN.time),
        ("x-acs-signature-nonce", WHEN.nonce),
        ("x-acs-version", "2018-08-08"),
    ]);
    edit(&mut headers);
    let in_query = if place == Place::Form { &[][..] } else { more };
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let request = format!("{method}\n/\n{}\n{lines}\n{names}\n{}", sorted(in_query), sha256(body.as_bytes()));
    let text = format!("ACS3-HMAC-SHA256\n{}", sha256(request.as_bytes()));
    let signature = hex::encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), text.as_bytes()));
    let authorization =
        format!("ACS3-HMAC-SHA256 Credential={KEY},SignedHeaders={names},Signature={signature}");
    headers.push(("authorization".to_owned(), authorization));
    Sent {
        method: method.to_owned(),
        path: "/".to_owned(),
        query: query(in_query, encode_form),
        headers,
        body: body.into_bytes(),
    }
}
