//! One request and its answer.

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{ACCOUNT_HEADER, IdempotencyKey, Problem};

use crate::transport::ByteStream;
use crate::{Client, Error, Result, TransportError};

/// No answer of this API is longer.
const LONGEST_ANSWER: usize = 64 << 20;

/// A request in the making.
pub(crate) struct Call {
    operation: &'static str,
    method: Method,
    path: String,
    query: url::form_urlencoded::Serializer<'static, String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

impl Call {
    /// `operation` is what is asked for, in words, as `create a cache`.
    pub(crate) fn new(operation: &'static str, method: Method, path: impl Into<String>) -> Self {
        let query = url::form_urlencoded::Serializer::new(String::new());
        Self { operation, method, path: path.into(), query, headers: Vec::new(), body: Bytes::new() }
    }

    /// On the thing that the word names, below `path`.
    pub(crate) fn on(
        operation: &'static str,
        method: Method,
        path: &str,
        word: &str,
        below: &str,
    ) -> Result<Self> {
        // Dots alone are taken for steps in the path, and would lead to another operation.
        if matches!(word, "" | "." | "..") {
            return Err(Error::Word { operation, word: word.to_owned() });
        }
        let mut encoded = String::new();
        for byte in word.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    encoded.push(char::from(byte));
                }
                other => encoded.push_str(&format!("%{other:02X}")),
            }
        }
        Ok(Self::new(operation, method, format!("{path}/{encoded}{below}")))
    }

    pub(crate) fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.query.append_pair(name, value.as_ref());
        self
    }

    pub(crate) fn maybe_query(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value.to_string()),
            None => self,
        }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("our own words have no control characters");
        self.headers.push((name, value));
        self
    }

    pub(crate) fn body<T: Serialize>(mut self, document: &T) -> Self {
        let text = serde_json::to_vec(document).expect("our documents have no key that is no text");
        self.body = text.into();
        self.header(CONTENT_TYPE, "application/json")
    }

    fn request(mut self, client: &Client) -> Result<Request<Bytes>> {
        let operation = self.operation;
        let invalid =
            |error: http::Error| Error::Unreachable { operation, source: TransportError::because(error) };
        let query = self.query.finish();
        let is_action = self.method != Method::GET;
        let uri = if query.is_empty() { self.path } else { format!("{}?{query}", self.path) };
        let mut request = Request::builder().method(self.method).uri(uri);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if let Some(token) = &client.token {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
            let mut value = value.map_err(|error| invalid(error.into()))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(account) = &client.account {
            request = request.header(ACCOUNT_HEADER, account.as_str());
        }
        if let Some(key) = client.key.as_ref().filter(|_| is_action) {
            request = request.header(IdempotencyKey::HEADER, key.as_str());
        }
        request.body(self.body).map_err(invalid)
    }

    async fn send(self, client: &Client) -> Result<Response<ByteStream>> {
        let operation = self.operation;
        let request = self.request(client)?;
        let answer = client.transport.send(request).await;
        let answer = answer.map_err(|source| match source.is_about_certificate() {
            true => Error::Untrusted { operation, source },
            false => Error::Unreachable { operation, source },
        })?;
        if answer.status().is_success() { Ok(answer) } else { Err(refusal(operation, answer).await) }
    }

    /// The answer's document.
    pub(crate) async fn fetch<T: DeserializeOwned>(self, client: &Client) -> Result<T> {
        let operation = self.operation;
        let answer = self.send(client).await?;
        let status = answer.status().as_u16();
        let bytes = collect(operation, answer.into_body()).await?;
        serde_json::from_slice(&bytes).map_err(|source| Error::Answer {
            operation,
            status,
            source: Some(source),
        })
    }

    /// The answer's text.
    pub(crate) async fn text(self, client: &Client) -> Result<String> {
        let operation = self.operation;
        let answer = self.send(client).await?;
        let bytes = collect(operation, answer.into_body()).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The answer's stream.
    pub(crate) async fn stream(self, client: &Client) -> Result<ByteStream> {
        let call = self.header(ACCEPT, "text/event-stream");
        Ok(call.send(client).await?.into_body())
    }
}

async fn refusal(operation: &'static str, answer: Response<ByteStream>) -> Error {
    let status = answer.status().as_u16();
    match collect(operation, answer.into_body()).await {
        Ok(bytes) => match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => Error::Refused(Box::new(problem)),
            Err(source) => Error::Answer { operation, status, source: Some(source) },
        },
        Err(error) => error,
    }
}

async fn collect(operation: &'static str, mut body: ByteStream) -> Result<Bytes> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(
            &chunk.map_err(|source| Error::BrokenOff { operation, source: Some(source) })?,
        );
        if bytes.len() > LONGEST_ANSWER {
            return Err(Error::BrokenOff {
                operation,
                source: Some(TransportError::because("it is too long")),
            });
        }
    }
    Ok(bytes.freeze())
}
