//! Page tokens: where the next page of a listing begins. Only this server makes them, and each is for one query.

use aws_lc_rs::{digest, hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::ProblemKind;

use crate::random;
use crate::refusal::Refusal;

/// The first byte of every token: how the rest is to be read.
const VERSION: u8 = 1;
/// Bytes of the hash of the query.
const QUERY: usize = 8;
/// Bytes of the signature.
const TAG: usize = 16;
/// No token is longer; an id is 36 characters.
const LONGEST: usize = 256;

/// Signs page tokens.
#[derive(Clone)]
pub struct PageKey(hmac::Key);

impl std::fmt::Debug for PageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageKey")
    }
}

impl PageKey {
    /// The key that follows from the server's secret key. All servers with that secret take each other's tokens.
    #[must_use]
    pub fn derived_from(secret: &[u8]) -> Self {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"imc").extract(secret);
        let okm = prk.expand(&[b"page tokens v1"], hkdf::HKDF_SHA256).expect("32 bytes are not too many");
        let mut key = [0; 32];
        okm.fill(&mut key).expect("as long as was asked for");
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// A key of this process alone.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn random() -> std::io::Result<Self> {
        let mut key = [0; 32];
        random::fill(&mut key)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// The token for the page behind `after` of that query.
    pub(crate) fn issue(&self, query: &str, after: &str) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&query_hash(query));
        bytes.extend_from_slice(after.as_bytes());
        let tag = hmac::sign(&self.0, &bytes);
        bytes.extend_from_slice(&tag.as_ref()[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Where the page of that token begins.
    pub(crate) fn read(&self, query: &str, token: &str) -> Result<String, Refusal> {
        let refused = |why: &str| {
            Refusal::new(ProblemKind::PageToken)
                .detail(format!("failed to take the page token: {why}"))
                .field("page")
                .allowed(["the value of `next` in an answer to the same query"])
        };
        let not_ours = || refused("this server did not make it");
        if token.len() > LONGEST {
            return Err(not_ours());
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| not_ours())?;
        if bytes.len() < 1 + QUERY + TAG || bytes[0] != VERSION {
            return Err(not_ours());
        }
        let (signed, tag) = bytes.split_at(bytes.len() - TAG);
        let right = hmac::sign(&self.0, signed);
        aws_lc_rs::constant_time::verify_slices_are_equal(&right.as_ref()[..TAG], tag)
            .map_err(|_| not_ours())?;
        if signed[1..=QUERY] != query_hash(query) {
            return Err(refused("it is of another query"));
        }
        String::from_utf8(signed[1 + QUERY..].to_vec()).map_err(|_| not_ours())
    }
}

fn query_hash(query: &str) -> [u8; QUERY] {
    let hash = digest::digest(&digest::SHA256, query.as_bytes());
    hash.as_ref()[..QUERY].try_into().expect("SHA-256 is longer")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_is_for_its_query_and_its_key_alone() {
        let key = PageKey::derived_from(b"secret");
        let token = key.issue("a", "imc-1");
        assert_eq!(key.read("a", &token).unwrap(), "imc-1");
        assert!(PageKey::derived_from(b"secret").read("a", &token).is_ok());
        let detail = key.read("b", &token).unwrap_err().0.detail.unwrap();
        assert!(detail.contains("another query"), "{detail}");
        assert!(PageKey::derived_from(b"other").read("a", &token).is_err());
        assert!(PageKey::random().unwrap().read("a", &token).is_err());
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_token(text in "[A-Za-z0-9_-]{0,90}", flip in 0usize..40) {
            let key = PageKey::derived_from(b"secret");
            prop_assert!(key.read("a", &text).is_err());
            let mut bytes = URL_SAFE_NO_PAD.decode(key.issue("a", "imc-1")).unwrap();
            let at = flip % bytes.len();
            bytes[at] ^= 1;
            prop_assert!(key.read("a", &URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }
    }
}
