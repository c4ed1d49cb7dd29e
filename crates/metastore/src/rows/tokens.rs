use super::Columns;
use crate::{Result, TokenRecord};

pub(crate) fn token(row: &impl Columns) -> Result<TokenRecord> {
    Ok(TokenRecord {
        digest: row.digest("digest")?,
        account: row.parsed("account")?,
        label: row.text("label")?.to_owned(),
        scopes: row.json("scopes")?,
        created: row.time("created")?,
        expires: row.optional_time("expires")?,
        revoked: row.optional_time("revoked")?,
        last_used: row.optional_time("last_used")?,
    })
}
