//! `ACS3-HMAC-SHA256`: over method, path, query, some headers and the body's digest, with the plain secret as key.

mod authorization;

use aws_lc_rs::{digest, hmac};
use model::Timestamp;

use super::{Signed, check_nonce, encoding, mac, matches, mismatch, time};
use crate::CloudRequest;
use crate::alibaba::error::{ErrorCode, Refusal};
use crate::alibaba::parameters::Pairs;

pub(in crate::alibaba) use authorization::is_acs3;

/// The scheme's name, as header and string to sign have it.
const ALGORITHM: &str = "ACS3-HMAC-SHA256";
const DATE: &str = "x-acs-date";
const NONCE: &str = "x-acs-signature-nonce";
const BODY_DIGEST: &str = "x-acs-content-sha256";
/// What is read of the headers must be signed.
const SIGNED_AT_LEAST: [&str; 6] = ["host", "x-acs-action", "x-acs-version", DATE, NONCE, BODY_DIGEST];

const MISMATCH: &str = "Specified signature does not match our calculation. server StringToSign is [";

/// What a request says of its signature.
pub(in crate::alibaba) struct Acs3 {
    pub(in crate::alibaba) access_key_id: String,
    signed_headers: String,
    signature: String,
    date: String,
    nonce: String,
}

impl Acs3 {
    pub(in crate::alibaba) fn read(request: &CloudRequest<'_>) -> Result<Self, Refusal> {
        let header = authorization::parse(request.header("authorization").unwrap_or_default())?;
        let listed: Vec<&str> = header.signed_headers.split(';').collect();
        let times = |name: &str| request.headers.iter().filter(|(known, _)| *known == name).count();
        for name in SIGNED_AT_LEAST {
            if times(name) == 0 {
                return Err(Refusal::missing(name));
            }
            if !listed.contains(&name) {
                return Err(incomplete());
            }
        }
        // Which of two equal headers was signed cannot be told.
        if listed.iter().any(|name| times(name) != 1) {
            return Err(incomplete());
        }
        let date = request.header(DATE).unwrap_or_default().trim().to_owned();
        let nonce = request.header(NONCE).map(str::trim);
        Ok(Self {
            access_key_id: header.credential.to_owned(),
            signed_headers: header.signed_headers.to_owned(),
            signature: header.signature.to_owned(),
            date,
            nonce: check_nonce(nonce, NONCE)?.to_owned(),
        })
    }

    pub(in crate::alibaba) fn verify(
        &self,
        request: &CloudRequest<'_>,
        pairs: &Pairs,
        secret: &[u8],
        now: Timestamp,
        skew_seconds: u32,
    ) -> Result<Signed, Refusal> {
        let signed_at = time::check(&self.date, now, skew_seconds)?;
        let body_digest = sha256_hex(request.body);
        let canonical = self.canonical_request(request, pairs, &body_digest)?;
        let text = format!("{ALGORITHM}\n{}", sha256_hex(canonical.as_bytes()));
        let expected = mac(hmac::HMAC_SHA256, secret, &text, |bytes| hex::encode(bytes));
        // The digest that the client claims is signed as a header; the body itself must have it too.
        let claimed = request.header(BODY_DIGEST).map(str::trim) == Some(body_digest.as_str());
        if matches(&expected, &self.signature).is_err() || !claimed {
            return Err(mismatch(MISMATCH, format!("{text}] server CanonicalRequest is [{canonical}]")));
        }
        Ok(Signed { access_key_id: self.access_key_id.clone(), nonce: self.nonce.clone(), signed_at })
    }

    /// Headers come in the order that the request lists them in. A form's parameters are signed by the body's digest alone.
    fn canonical_request(
        &self,
        request: &CloudRequest<'_>,
        pairs: &Pairs,
        body_digest: &str,
    ) -> Result<String, Refusal> {
        let query = encoding::canonical_query(pairs.of_query());
        let mut text = format!("{}\n{}\n{query}\n", request.method, request.path);
        for name in self.signed_headers.split(';') {
            let value = request.header(name).ok_or_else(incomplete)?;
            text.extend([name, ":", value.trim(), "\n"]);
        }
        text.extend(["\n", &self.signed_headers, "\n", body_digest]);
        Ok(text)
    }
}

fn incomplete() -> Refusal {
    Refusal::new(ErrorCode::IncompleteSignature)
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}
