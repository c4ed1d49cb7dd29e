//! A client that signs as the SDKs do.

use clouds::CloudRequest;
use clouds::tencent::{Call, Code, Error, Operation, SKEW_SECONDS, authorize};
use model::Timestamp;

pub(crate) const SECRET_ID: &str = "AKIDEXAMPLE0000000000000000000000000";
pub(crate) const SECRET_KEY: &[u8] = b"SecretKeyExample0000000000000000";
pub(crate) const SECONDS: i64 = 1_795_279_870;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// A request whose parts can be changed after it was signed.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    pub(crate) fn post(action: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::unsigned("POST", action, "", body.into()).signed("content-type;host")
    }

    pub(crate) fn get(action: &str, query: &str) -> Self {
        Self::unsigned("GET", action, query, Vec::new()).signed("content-type;host")
    }

    pub(crate) fn unsigned(method: &str, action: &str, query: &str, body: Vec<u8>) -> Self {
        let content_type = match method {
            "GET" => "application/x-www-form-urlencoded",
            _ => "application/json",
        };
        let seconds = SECONDS.to_string();
        let headers = [
            ("content-type", content_type),
            ("host", "127.0.0.1:18099"),
            ("x-tc-action", action),
            ("x-tc-version", "2018-05-25"),
            ("x-tc-timestamp", seconds.as_str()),
            ("x-tc-region", "ap-guangzhou"),
        ];
        Self {
            method: method.to_owned(),
            path: "/".to_owned(),
            query: query.to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                .collect(),
            body,
        }
    }

    pub(crate) fn signed(self, signed_headers: &str) -> Self {
        let header = self.with(|request| authorize(request, SECRET_ID, SECRET_KEY, signed_headers)).unwrap();
        self.header("authorization", &header)
    }

    /// Sets a header, or takes it away where the value is empty.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        }
        self
    }

    pub(crate) fn with<T>(&self, read: impl FnOnce(&CloudRequest<'_>) -> T) -> T {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        read(&CloudRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            body: &self.body,
        })
    }

    /// The whole way, where one key is known and every region but `nowhere` is served.
    pub(crate) fn arrives(&self) -> Result<Operation, Error> {
        self.arrives_at(SECONDS)
    }

    pub(crate) fn arrives_at(&self, now: i64) -> Result<Operation, Error> {
        self.with(|request| {
            let call = Call::read(request)?;
            // The signature does not cover the id: the key that it leads to decides.
            if call.secret_id() != SECRET_ID {
                return Err(Error::of(Code::SecretIdNotFound));
            }
            let signed = call.verify(SECRET_KEY, at(now), SKEW_SECONDS)?;
            signed.operation(|region| region != "nowhere")
        })
    }
}
