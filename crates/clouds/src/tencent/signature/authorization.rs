//! The `Authorization` header:
//! `TC3-HMAC-SHA256 Credential=<SecretId>/<date>/tke/tc3_request, SignedHeaders=<names>, Signature=<64 hex digits>`.

use super::super::Error;
use super::{ALGORITHM, SERVICE, TERMINATOR};

/// The longest SecretId; the vendor's have 36 characters.
const LONGEST_SECRET_ID: usize = 128;
/// The most headers that a signature covers; the vendor's clients sign two or three.
const MOST_SIGNED_HEADERS: usize = 32;

/// The header, taken apart.
#[derive(Clone, Copy, Debug)]
pub(in crate::tencent) struct Authorization<'a> {
    pub(in crate::tencent) secret_id: &'a str,
    /// `YYYY-MM-DD` as sent; not yet compared with the timestamp.
    pub(in crate::tencent) date: &'a str,
    /// Names as sent, joined by `;`; `content-type` and `host` are among them, none is there twice.
    pub(in crate::tencent) signed_headers: &'a str,
    pub(in crate::tencent) signature: [u8; 32],
}

impl<'a> Authorization<'a> {
    pub(in crate::tencent) fn parse(header: &'a str) -> Result<Self, Error> {
        let wrong = Error::authorization;
        let parts = match header.trim().split_once(' ') {
            Some((ALGORITHM, parts)) => parts,
            _ => return Err(wrong("expected the scheme `TC3-HMAC-SHA256`")),
        };
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in parts.split(',') {
            let (name, value) =
                part.trim().split_once('=').ok_or_else(|| wrong("expected `name=value` parts"))?;
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(wrong("expected `Credential`, `SignedHeaders` and `Signature` alone")),
            };
            if slot.replace(value).is_some() {
                return Err(wrong("one of its parts is there twice"));
            }
        }
        let credential = credential.ok_or_else(|| wrong("`Credential` is missing"))?;
        let signed_headers = signed_headers.ok_or_else(|| wrong("`SignedHeaders` is missing"))?;
        let signature = signature.ok_or_else(|| wrong("`Signature` is missing"))?;
        let (secret_id, date) = parse_credential(credential)?;
        check_signed_headers(signed_headers)?;
        Ok(Self { secret_id, date, signed_headers, signature: parse_signature(signature)? })
    }

    /// Whether the signature covers that (lower-case) header.
    pub(in crate::tencent) fn covers(&self, name: &str) -> bool {
        self.signed_headers.split(';').any(|signed| signed == name)
    }
}

fn parse_credential(credential: &str) -> Result<(&str, &str), Error> {
    let wrong = || {
        Error::authorization("expected `Credential=<SecretId>/<YYYY-MM-DD>/tke/tc3_request`, the date in UTC")
    };
    let mut parts = credential.split('/');
    let (Some(id), Some(date), Some(SERVICE), Some(TERMINATOR), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    let id_fits = (1..=LONGEST_SECRET_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    let date_fits = date.len() == 10
        && date.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    if id_fits && date_fits { Ok((id, date)) } else { Err(wrong()) }
}

fn check_signed_headers(names: &str) -> Result<(), Error> {
    let wrong = Error::authorization;
    let fits = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
    };
    let mut seen: Vec<&str> = Vec::new();
    for name in names.split(';') {
        if !fits(name) {
            return Err(wrong("expected lower-case header names joined by `;` as `SignedHeaders`"));
        }
        if seen.contains(&name) || seen.len() == MOST_SIGNED_HEADERS {
            return Err(wrong("a header is in `SignedHeaders` twice, or too many are"));
        }
        seen.push(name);
    }
    if seen.contains(&"content-type") && seen.contains(&"host") {
        Ok(())
    } else {
        Err(wrong("`SignedHeaders` must have `content-type` and `host`"))
    }
}

fn parse_signature(text: &str) -> Result<[u8; 32], Error> {
    let wrong = || Error::authorization("expected 64 lower-case hexadecimal digits as `Signature`");
    let mut signature = [0; 32];
    if !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(wrong());
    }
    hex::decode_to_slice(text, &mut signature).map_err(|_| wrong())?;
    Ok(signature)
}
