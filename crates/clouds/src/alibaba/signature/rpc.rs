//! Signature version 1.0 of the RPC style: over all parameters, base64 of an HMAC with the secret and `&` as key.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Timestamp;

use super::{Signed, check_nonce, encoding, mac, matches, mismatch, time};
use crate::CloudRequest;
use crate::alibaba::error::{ErrorCode, Refusal};
use crate::alibaba::parameters::Pairs;

/// The one parameter that is not signed.
const SIGNATURE: &str = "Signature";

/// The older SDKs split this message at its colon and compare what comes then with what they signed. There must be exactly one colon,
/// and the string to sign has none.
const MISMATCH: &str = "Specified signature is not matched with our calculation. server string to sign is:";

/// What a request says of its signature.
pub(in crate::alibaba) struct Rpc {
    pub(in crate::alibaba) access_key_id: String,
    signature: String,
    algorithm: hmac::Algorithm,
    timestamp: String,
    nonce: String,
}

impl Rpc {
    pub(in crate::alibaba) fn read(pairs: &Pairs) -> Result<Self, Refusal> {
        let access_key_id = pairs.required("AccessKeyId")?.to_owned();
        let signature = pairs.required(SIGNATURE)?.to_owned();
        let algorithm = match pairs.required("SignatureMethod")? {
            "HMAC-SHA1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            "HMAC-SHA256" => hmac::HMAC_SHA256,
            _ => return Err(Refusal::new(ErrorCode::InvalidSignatureMethod)),
        };
        if pairs.required("SignatureVersion")? != "1.0" {
            return Err(Refusal::invalid("SignatureVersion"));
        }
        // Present and empty where an older SDK sends it; a bearer token or a private key is none of ours.
        if pairs.get("SignatureType").is_some() {
            return Err(Refusal::invalid("SignatureType"));
        }
        let timestamp = pairs.required("Timestamp")?.to_owned();
        let nonce = check_nonce(pairs.get("SignatureNonce"), "SignatureNonce")?.to_owned();
        Ok(Self { access_key_id, signature, algorithm, timestamp, nonce })
    }

    pub(in crate::alibaba) fn verify(
        &self,
        request: &CloudRequest<'_>,
        pairs: &Pairs,
        secret: &[u8],
        now: Timestamp,
        skew_seconds: u32,
    ) -> Result<Signed, Refusal> {
        let signed_at = time::check(&self.timestamp, now, skew_seconds)?;
        let text = string_to_sign(request.method, pairs);
        let key = [secret, b"&"].concat();
        let expected = mac(self.algorithm, &key, &text, |bytes| STANDARD.encode(bytes));
        matches(&expected, &self.signature).map_err(|_| mismatch(MISMATCH, text))?;
        Ok(Signed { access_key_id: self.access_key_id.clone(), nonce: self.nonce.clone(), signed_at })
    }
}

fn string_to_sign(method: &str, pairs: &Pairs) -> String {
    let canonical = encoding::canonical_query(pairs.iter().filter(|(name, _)| *name != SIGNATURE));
    let mut text = format!("{method}&%2F&");
    encoding::encode_into(&mut text, &canonical);
    text
}
