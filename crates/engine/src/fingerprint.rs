//! What tells a request from another one that comes with the same client token.

use std::collections::BTreeMap;

use model::{Algorithm, Digest, RegistryHost};
use registry::Credentials;
use serde::Serialize;

/// SHA-256 over the request's business fields as JSON, in the order of their declaration.
pub(crate) fn fingerprint(business: &impl Serialize) -> [u8; 32] {
    let document = serde_json::to_vec(business).expect("plain fields with text keys are JSON");
    match Digest::of(Algorithm::Sha256, &document) {
        Digest::Sha256(bytes) => bytes,
        Digest::Sha512(_) => unreachable!("a SHA-256 was asked for"),
    }
}

/// Credentials as a fingerprint may know them: whose, and for whom. A hash over a password would help to guess it.
pub(crate) fn named(credentials: &BTreeMap<RegistryHost, Credentials>) -> BTreeMap<&RegistryHost, &str> {
    credentials.iter().map(|(host, credentials)| (host, name(credentials))).collect()
}

fn name(credentials: &Credentials) -> &str {
    match credentials {
        Credentials::Basic { username, .. } => username,
        Credentials::IdentityToken(_) => "",
    }
}
