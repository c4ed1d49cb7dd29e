//! TC3-HMAC-SHA256.
//!
//! Source: Tencent's pages on signature v3 and the SDKs' calls, recomputed. The older signature (`HmacSHA1`, `HmacSHA256`
//! among the parameters) is refused: every SDK signs by TC3 unless told otherwise.

mod authorization;
mod canonical;

use aws_lc_rs::hmac;

use crate::CloudRequest;

use super::{Code, Error};

pub(super) use authorization::Authorization;
pub(super) use canonical::UNSIGNED_PAYLOAD;
use canonical::canonical_request;

/// The scheme, as the header and the string to sign have it.
const ALGORITHM: &str = "TC3-HMAC-SHA256";
/// The service in credential scopes.
const SERVICE: &str = "tke";
/// What ends a credential scope.
const TERMINATOR: &str = "tc3_request";

fn keyed(key: &[u8], message: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message)
}

/// The key that signs that day's calls.
fn signing_key(secret_key: &[u8], date: &str) -> hmac::Tag {
    let of_date = keyed(&[b"TC3", secret_key].concat(), date.as_bytes());
    let of_service = keyed(of_date.as_ref(), SERVICE.as_bytes());
    keyed(of_service.as_ref(), TERMINATOR.as_bytes())
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

/// `timestamp` is the text of `X-TC-Timestamp`.
fn string_to_sign(timestamp: &str, date: &str, canonical: &[u8]) -> String {
    format!("{ALGORITHM}\n{timestamp}\n{date}/{SERVICE}/{TERMINATOR}\n{}", sha256_hex(canonical))
}

/// The UTC date of a time in Unix seconds; `None` beyond the years that have four digits.
pub(super) fn utc_date(seconds: i64) -> Option<String> {
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    Some(time.strftime("%Y-%m-%d").to_string())
}

/// Whether the signature is the one that this secret makes, compared in constant time.
pub(super) fn verify(
    request: &CloudRequest<'_>,
    authorization: &Authorization<'_>,
    timestamp: &str,
    secret_key: &[u8],
) -> Result<(), Error> {
    let canonical = canonical_request(request, authorization.signed_headers)?;
    let message = string_to_sign(timestamp, authorization.date, &canonical);
    let key = signing_key(secret_key, authorization.date);
    hmac::verify(
        &hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()),
        message.as_bytes(),
        &authorization.signature,
    )
    .map_err(|_| Error::of(Code::SignatureFailure))
}

/// The `Authorization` header that a client would send with this request, for tests and tools: `signed_headers` is the
/// list as sent, such as `content-type;host`. The request must have `X-TC-Timestamp` and every header of the list.
///
/// # Errors
/// `MissingParameter` or `InvalidParameter` for the timestamp; `AuthFailure.SignatureFailure` where a header of the list is
/// missing or there twice.
pub fn authorize(
    request: &CloudRequest<'_>,
    secret_id: &str,
    secret_key: &[u8],
    signed_headers: &str,
) -> Result<String, Error> {
    let timestamp =
        request.header("x-tc-timestamp").map(str::trim).ok_or_else(|| Error::missing("Timestamp"))?;
    let date = timestamp.parse().ok().and_then(utc_date).ok_or_else(|| Error::wrong_type("Timestamp"))?;
    let canonical = canonical_request(request, signed_headers)?;
    let message = string_to_sign(timestamp, &date, &canonical);
    let key = signing_key(secret_key, &date);
    let signature = hex::encode(keyed(key.as_ref(), message.as_bytes()));
    Ok(format!(
        "{ALGORITHM} Credential={secret_id}/{date}/{SERVICE}/{TERMINATOR}, SignedHeaders={signed_headers}, \
         Signature={signature}"
    ))
}

#[cfg(test)]
mod tests;
