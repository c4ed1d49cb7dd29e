//! What goes back: status, headers, and a document as JSON or XML.

mod xml;

use std::fmt;

use serde::Serialize;

use super::request::OperationName;

/// How a call wants its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/json;charset=utf-8`
    Json,
    /// `text/xml;charset=utf-8`, which the SDKs compare letter by letter.
    Xml,
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json;charset=utf-8",
            Self::Xml => "text/xml;charset=utf-8",
        }
    }
}

/// Names one call, for who asks about it later: printed as an upper-case UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(u128);

impl RequestId {
    /// Of random bits.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(bits)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032X}", self.0);
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        f.write_str(&parts.join("-"))
    }
}

/// To whom an answer goes.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The call's id.
    pub request_id: RequestId,
    /// How the answer is wanted: [`super::Call::format`], or where the call could not be read, [`super::Call::format_of`].
    pub format: Format,
    /// The host that was called, as its header has it.
    pub host: &'a str,
    /// The page that a refusal points to, if there is one; the code goes behind it as `?q=`.
    pub troubleshooting: Option<&'a str>,
}

/// An answer as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers: lower-case names, values without control characters.
    pub headers: Vec<(&'static str, String)>,
    /// The document.
    pub body: Vec<u8>,
}

impl Reply {
    /// Prints a document; `root` is the name of its outermost element where it is XML.
    pub(super) fn print(status: u16, root: &str, document: &impl Serialize, caller: &Caller<'_>) -> Self {
        let body = match caller.format {
            Format::Json => {
                serde_json::to_vec(document).expect("our documents have string keys and no failing parts")
            }
            Format::Xml => xml::print(root, document)
                .expect("our documents are of structs, lists and texts")
                .into_bytes(),
        };
        let headers = vec![
            ("content-type", caller.format.content_type().to_owned()),
            ("x-acs-request-id", caller.request_id.to_string()),
            ("x-acs-trace-id", format!("{:032x}", caller.request_id.0)),
        ];
        Self { status, headers, body }
    }

    /// Prints the answer of an operation: the request id, then the parts of the document.
    pub(super) fn answer(operation: OperationName, document: &impl Serialize, caller: &Caller<'_>) -> Self {
        let root = format!("{operation}Response");
        Self::print(200, &root, &Envelope { request_id: caller.request_id.to_string(), document }, caller)
    }
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    #[serde(rename = "RequestId")]
    request_id: String,
    #[serde(flatten)]
    document: &'a T,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_an_upper_case_uuid() {
        let id = RequestId::from_bits(0x0E23_4675_3465_4CC3_9D0F_9A86_4BC3_91DD);
        assert_eq!(id.to_string(), "0E234675-3465-4CC3-9D0F-9A864BC391DD");
    }
}
