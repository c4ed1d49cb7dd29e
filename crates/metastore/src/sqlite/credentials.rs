//! Credentials, sealed.

use sqlx::SqliteConnection;

use crate::error::failed;
use crate::rows::{self, parse};
use crate::{CredentialOwner, PAGE_LIMIT, Result, SealedCredential, rules};

const PUT: &str = "INSERT INTO credentials (owner, registry, sealed) VALUES (?, ?, ?) \
     ON CONFLICT (owner, registry) DO UPDATE SET sealed = excluded.sealed";

fn text(owner: CredentialOwner) -> String {
    match owner {
        CredentialOwner::Cache(id) => id.to_string(),
    }
}

pub(super) async fn of(
    connection: &mut SqliteConnection,
    owner: CredentialOwner,
) -> Result<Vec<SealedCredential>> {
    let rows = sqlx::query("SELECT * FROM credentials WHERE owner = ? ORDER BY registry")
        .bind(text(owner))
        .fetch_all(connection)
        .await
        .map_err(failed("read the credentials"))?;
    rows.iter().map(rows::credential).collect()
}

/// Puts these in the place of those that the owner has.
pub(super) async fn replace(
    connection: &mut SqliteConnection,
    owner: CredentialOwner,
    credentials: &[SealedCredential],
) -> Result<()> {
    let dropped = sqlx::query("DELETE FROM credentials WHERE owner = ?").bind(text(owner));
    dropped.execute(&mut *connection).await.map_err(failed("drop the credentials"))?;
    for credential in credentials {
        sqlx::query(PUT)
            .bind(text(owner))
            .bind(credential.registry.as_str())
            .bind(credential.sealed.as_slice())
            .execute(&mut *connection)
            .await
            .map_err(failed("record the credentials"))?;
    }
    Ok(())
}

pub(super) async fn reseal(
    connection: &mut SqliteConnection,
    owner: CredentialOwner,
    from: &[SealedCredential],
    to: &[SealedCredential],
) -> Result<bool> {
    if !rules::are_same(&of(connection, owner).await?, from) {
        return Ok(false);
    }
    replace(connection, owner, to).await?;
    Ok(true)
}

pub(super) async fn owners(
    connection: &mut SqliteConnection,
    after: Option<CredentialOwner>,
    limit: u32,
) -> Result<Vec<CredentialOwner>> {
    let owners: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT owner FROM credentials WHERE owner > ? ORDER BY owner LIMIT ?")
            .bind(after.map(text).unwrap_or_default())
            .bind(i64::from(limit.min(PAGE_LIMIT)))
            .fetch_all(connection)
            .await
            .map_err(failed("find the owners of credentials"))?;
    owners.into_iter().map(|owner| parse("owner", &owner).map(CredentialOwner::Cache)).collect()
}
