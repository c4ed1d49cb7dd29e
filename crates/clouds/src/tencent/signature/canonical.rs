//! The canonical form of a request, over which TC3 signs.

use crate::CloudRequest;

use super::super::{Code, Error};
use super::sha256_hex;

/// What `X-TC-Content-SHA256` says where the body is not signed; it is hashed in its place.
pub(in crate::tencent) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

pub(super) fn canonical_request(request: &CloudRequest<'_>, signed_headers: &str) -> Result<Vec<u8>, Error> {
    let is_get = request.method == "GET";
    let payload = match request.header("x-tc-content-sha256").map(str::trim) {
        Some(UNSIGNED_PAYLOAD) => UNSIGNED_PAYLOAD.as_bytes(),
        _ if is_get => b"",
        _ => request.body,
    };
    // Not sorted and not encoded again: clients sign what they send.
    let query = if is_get { request.query } else { "" };
    let mut canonical = format!("{}\n{}\n{query}\n", request.method, request.path).into_bytes();
    for name in signed_headers.split(';') {
        canonical.extend_from_slice(name.as_bytes());
        canonical.push(b':');
        let value = only_value(request, name)?;
        match name {
            "x-tc-action" => canonical.extend(value.iter().map(u8::to_ascii_lowercase)),
            _ => canonical.extend_from_slice(value),
        }
        canonical.push(b'\n');
    }
    canonical.extend_from_slice(format!("\n{signed_headers}\n{}", sha256_hex(payload)).as_bytes());
    Ok(canonical)
}

/// A header that is missing or there twice is not what the client signed.
fn only_value<'a>(request: &CloudRequest<'a>, name: &str) -> Result<&'a [u8], Error> {
    let mut values = request.headers.iter().filter(|(known, _)| *known == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Ok(value.trim_ascii()),
        _ => Err(Error::of(Code::SignatureFailure)),
    }
}

#[cfg(test)]
pub(super) fn canonical_text(request: &CloudRequest<'_>, signed_headers: &str) -> String {
    String::from_utf8(canonical_request(request, signed_headers).unwrap()).unwrap()
}
