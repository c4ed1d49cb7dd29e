//! Signatures: which scheme a request uses, and whether the secret's owner made it.

mod acs3;
pub(super) mod encoding;
mod rpc;
pub(super) mod time;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use model::Timestamp;

pub(super) use acs3::{Acs3, is_acs3};
pub(super) use rpc::Rpc;

use super::error::{ErrorCode, Refusal};

/// How many seconds the clocks of caller and server may differ.
pub const SKEW_SECONDS: u32 = 15 * 60;

/// Longer nonces are refused, since they are kept for as long as their request could come again.
const LONGEST_NONCE: usize = 128;

/// What a request that was signed with the secret says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Whose secret it was.
    pub access_key_id: String,
    /// Not to be seen twice from this key within twice the skew.
    pub nonce: String,
    /// When it was signed.
    pub signed_at: Timestamp,
}

/// A nonce that is there and short enough to be kept.
fn check_nonce<'a>(nonce: Option<&'a str>, name: &str) -> Result<&'a str, Refusal> {
    match nonce {
        None | Some("") => Err(Refusal::missing(name)),
        Some(nonce) if nonce.len() > LONGEST_NONCE => Err(Refusal::invalid(name)),
        Some(nonce) => Ok(nonce),
    }
}

/// The text's HMAC, printed.
fn mac(algorithm: hmac::Algorithm, key: &[u8], text: &str, print: fn(&[u8]) -> String) -> String {
    print(hmac::sign(&hmac::Key::new(algorithm, key), text.as_bytes()).as_ref())
}

/// Compares what is printed, in time that does not tell where they differ. Other spellings of the same bytes are no match.
fn matches(expected: &str, given: &str) -> Result<(), aws_lc_rs::error::Unspecified> {
    verify_slices_are_equal(expected.as_bytes(), given.as_bytes())
}

/// A refusal that tells the caller what the server signed, so that an SDK can find out what was wrong.
fn mismatch(message: &str, echo: String) -> Refusal {
    Refusal::new(ErrorCode::SignatureDoesNotMatch).saying(message).echoing(echo)
}
