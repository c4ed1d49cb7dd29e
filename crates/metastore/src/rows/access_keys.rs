use model::{AccessKey, AccessKeyStatus, Account, SealedSecret};

use super::Columns;
use crate::Result;

pub(crate) fn account(row: &impl Columns) -> Result<Account> {
    Ok(Account { id: row.parsed("id")?, label: row.text("label")?.to_owned(), created: row.time("created")? })
}

pub(crate) fn access_key(row: &impl Columns) -> Result<AccessKey> {
    Ok(AccessKey {
        id: row.parsed("id")?,
        account: row.parsed("account")?,
        secret: SealedSecret::from_bytes(row.bytes("secret")?),
        status: row.one_of("status", &AccessKeyStatus::ALL, AccessKeyStatus::as_str)?,
        policy: row.text("policy")?.to_owned(),
        label: row.text("label")?.to_owned(),
        created: row.time("created")?,
        last_used: row.optional_time("last_used")?,
    })
}
