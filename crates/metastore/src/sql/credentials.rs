//! Sealed credentials.

use super::Connection;
use super::caches;
use super::writing::Writing;
use crate::error::failed;
use crate::rows::{self, parse};
use crate::{CredentialOwner, Error, PAGE_LIMIT, Result, SealedCredential, rules};

const PUT: &str = "INSERT INTO credentials (owner, registry, sealed) VALUES ($1, $2, $3) \
     ON CONFLICT (owner, registry) DO UPDATE SET sealed = excluded.sealed";

fn key(owner: CredentialOwner) -> String {
    let CredentialOwner::Cache(id) = owner;
    id.to_string()
}

pub(super) async fn of(connection: &mut Connection, owner: CredentialOwner) -> Result<Vec<SealedCredential>> {
    let rows = sqlx::query("SELECT * FROM credentials WHERE owner = $1 ORDER BY registry")
        .bind(key(owner))
        .fetch_all(connection)
        .await
        .map_err(failed("read the credentials"))?;
    rows.iter().map(rows::credential).collect()
}

/// Puts credentials in the place of those that the owner has.
pub(super) async fn replace(
    connection: &mut Connection,
    owner: CredentialOwner,
    credentials: &[SealedCredential],
) -> Result<()> {
    let failed = failed("write the credentials");
    let gone = sqlx::query("DELETE FROM credentials WHERE owner = $1").bind(key(owner));
    gone.execute(&mut *connection).await.map_err(&failed)?;
    for credential in credentials {
        let put = sqlx::query(PUT).bind(key(owner)).bind(credential.registry.as_str());
        let put = put.bind(credential.sealed.as_slice()).execute(&mut *connection).await;
        put.map_err(&failed)?;
    }
    Ok(())
}

pub(super) async fn reseal(
    writing: &mut Writing,
    owner: CredentialOwner,
    from: &[SealedCredential],
    to: &[SealedCredential],
) -> Result<bool> {
    let CredentialOwner::Cache(id) = owner;
    match caches::locked(writing, id).await {
        Ok(_) => {}
        Err(Error::NoCache(_)) => return Ok(from.is_empty()),
        Err(error) => return Err(error),
    }
    let is_known = rules::are_same(&of(writing, owner).await?, from);
    if is_known {
        replace(writing, owner, to).await?;
    }
    Ok(is_known)
}

pub(super) async fn owners(
    connection: &mut Connection,
    after: Option<CredentialOwner>,
    limit: u32,
) -> Result<Vec<CredentialOwner>> {
    let owners: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT owner FROM credentials WHERE owner > $1 ORDER BY owner LIMIT $2")
            .bind(after.map(key).unwrap_or_default())
            .bind(i64::from(limit.min(PAGE_LIMIT)))
            .fetch_all(connection)
            .await
            .map_err(failed("find the owners of credentials"))?;
    owners.into_iter().map(|id| parse("owner", &id).map(CredentialOwner::Cache)).collect()
}
