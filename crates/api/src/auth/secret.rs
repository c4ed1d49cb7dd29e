//! The text of bearer tokens. It is told once; kept is its digest.

use std::collections::BTreeSet;

use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{AccountId, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use wire::Scope;

use crate::service::TokenRecord;

/// What every token begins with, so that one that lies about is recognised.
const PREFIX: &str = "imct_";
/// Random bytes of a token.
const RANDOM: usize = 32;

/// The text of a token.
#[derive(Clone, Debug)]
pub struct TokenSecret(SecretString);

impl TokenSecret {
    /// A fresh one.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn generate() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut bytes = [0; RANDOM];
        rand::fill(&mut bytes)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)).into()))
    }

    /// What somebody says is one; `None` where it cannot be.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let random = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        (random.len() == RANDOM).then(|| Self(text.to_owned().into()))
    }

    /// The text, to be told once.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// SHA-256 of the text: what is kept of it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let digest = digest::digest(&digest::SHA256, self.0.expose_secret().as_bytes());
        digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

/// A fresh token with its record, to be recorded.
///
/// # Errors
/// Where the system gives no random bytes.
pub fn new_token(
    account: AccountId,
    label: String,
    scopes: BTreeSet<Scope>,
    created: Timestamp,
    expires: Option<Timestamp>,
) -> Result<(TokenSecret, TokenRecord), aws_lc_rs::error::Unspecified> {
    let secret = TokenSecret::generate()?;
    let record = token_of(&secret, account, label, scopes, created, expires);
    Ok((secret, record))
}

/// The record of a token, to be recorded.
pub(crate) fn token_of(
    secret: &TokenSecret,
    account: AccountId,
    label: String,
    scopes: BTreeSet<Scope>,
    created: Timestamp,
    expires: Option<Timestamp>,
) -> TokenRecord {
    let digest = secret.digest();
    TokenRecord {
        id: hex::encode(&digest[..8]),
        digest,
        account,
        label,
        scopes,
        created,
        expires,
        revoked: None,
        last_used: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_recognised_and_not_shown() {
        let secret = TokenSecret::generate().unwrap();
        assert_eq!(TokenSecret::parse(secret.expose()).unwrap().digest(), secret.digest());
        assert_ne!(TokenSecret::generate().unwrap().digest(), secret.digest());
        assert!(!format!("{secret:?}").contains(secret.expose()));
        for other in ["", "imct_", "imct_abc", &secret.expose()[1..], &format!("{}x", secret.expose())] {
            assert!(TokenSecret::parse(other).is_none(), "{other}");
        }
    }
}
