//! Whom a secret belongs to.

use std::fmt;

/// The account and the record that a secret belongs to. Only they get it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    account: String,
    record: String,
}

impl Owner {
    /// That account's record of that id.
    #[must_use]
    pub fn new(account: &impl fmt::Display, record: &impl fmt::Display) -> Self {
        Self { account: account.to_string(), record: record.to_string() }
    }

    /// Both ids so that no other pair gives the same bytes, behind the sealed form's head.
    pub(crate) fn associated_data(&self, head: &[u8]) -> Vec<u8> {
        let length = (self.account.len() as u64).to_be_bytes();
        [head, &length, self.account.as_bytes(), self.record.as_bytes()].concat()
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.record, self.account)
    }
}
