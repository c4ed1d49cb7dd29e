//! Accounts and access keys: what signs requests to the clouds' interfaces.

use clouds::alibaba::ram::Policy;
use model::{AccessKeyId, AccountId};
use secrecy::SecretString;

/// An access key to record.
#[derive(Clone, Debug)]
pub struct NewAccessKey {
    /// Its id.
    pub id: AccessKeyId,
    /// In whose name it signs.
    pub account: AccountId,
    /// What it signs with. Kept sealed.
    pub secret: SecretString,
    /// What it allows: a policy document that was read once.
    pub policy: String,
    /// What it is for.
    pub label: String,
}

/// An access key as whoever checks what it signed knows it.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// In whose name it signs.
    pub account: AccountId,
    /// What it signs with.
    pub secret: SecretString,
    /// What it allows.
    pub policy: Policy,
    /// Whether it signs now.
    pub is_enabled: bool,
}
