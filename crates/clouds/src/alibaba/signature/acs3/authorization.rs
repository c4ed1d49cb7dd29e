//! The `Authorization` header of ACS3.

use super::{ALGORITHM, incomplete};
use crate::alibaba::error::{ErrorCode, Refusal};

/// The parts of `ACS3-HMAC-SHA256 Credential=..,SignedHeaders=..,Signature=..`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Authorization<'a> {
    pub(super) credential: &'a str,
    pub(super) signed_headers: &'a str,
    pub(super) signature: &'a str,
}

/// Whether a header is of this family of schemes, whatever else it says.
pub(in crate::alibaba) fn is_acs3(header: &str) -> bool {
    header.starts_with("ACS3-")
}

pub(super) fn parse(header: &str) -> Result<Authorization<'_>, Refusal> {
    let (algorithm, rest) = header.split_once(' ').unwrap_or((header, ""));
    if algorithm != ALGORITHM {
        return Err(Refusal::new(ErrorCode::InvalidSignatureMethod));
    }
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for part in rest.split(',') {
        let (name, value) = part.trim().split_once('=').ok_or_else(incomplete)?;
        let place = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => return Err(incomplete()),
        };
        if value.is_empty() || place.replace(value).is_some() {
            return Err(incomplete());
        }
    }
    match (credential, signed_headers, signature) {
        (Some(credential), Some(signed_headers), Some(signature)) => {
            Ok(Authorization { credential, signed_headers, signature })
        }
        _ => Err(incomplete()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_in_any_order_with_spaces_or_without() {
        let expected = Authorization { credential: "ak", signed_headers: "host;x-acs-date", signature: "0a" };
        for header in [
            "ACS3-HMAC-SHA256 Credential=ak,SignedHeaders=host;x-acs-date,Signature=0a",
            "ACS3-HMAC-SHA256 Signature=0a, Credential=ak, SignedHeaders=host;x-acs-date",
        ] {
            assert_eq!(parse(header), Ok(Authorization { ..expected }));
        }
    }

    #[test]
    fn what_is_not_whole_is_said_so() {
        for (header, code) in [
            ("ACS3-HMAC-SHA256", ErrorCode::IncompleteSignature),
            ("ACS3-HMAC-SHA256 ", ErrorCode::IncompleteSignature),
            ("ACS3-HMAC-SHA256 Credential=ak,SignedHeaders=host", ErrorCode::IncompleteSignature),
            ("ACS3-HMAC-SHA256 Credential=,SignedHeaders=host,Signature=0a", ErrorCode::IncompleteSignature),
            (
                "ACS3-HMAC-SHA256 Credential=a,Credential=b,SignedHeaders=host,Signature=0a",
                ErrorCode::IncompleteSignature,
            ),
            (
                "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=0a,More=1",
                ErrorCode::IncompleteSignature,
            ),
            ("ACS3-HMAC-SM3 Credential=a,SignedHeaders=host,Signature=0a", ErrorCode::InvalidSignatureMethod),
            ("ACS3-", ErrorCode::InvalidSignatureMethod),
        ] {
            assert_eq!(parse(header).unwrap_err().code(), code, "{header}");
        }
    }
}
