//! Container groups.

use async_trait::async_trait;
use model::{AccountId, CloudNotes, Event, Group, GroupId, SealedSecret, Subject, Timestamp};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::changes::Touched;
use super::page::after;
use super::{SqliteMetastore, changes, snapshots};
use crate::error::{failed, taken};
use crate::groups::{GroupChange, GroupFilter, GroupStep, GroupStore};
use crate::rows::{self, signed, to_json};
use crate::{Error, Order, PAGE_LIMIT, Page, Result, rules};

const INSERT: &str = "INSERT INTO groups (id, account, name, spec, status, snapshot, ended, revision, created, updated, notes) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";

const SAVE: &str = "UPDATE groups SET status = ?, snapshot = ?, ended = ?, revision = ?, updated = ?, notes = ? WHERE id = ?";

const PUT_SECRET: &str = "INSERT INTO group_secrets (in_group, part, sealed) VALUES (?, ?, ?)";

const SECRETS: &str = "SELECT sealed FROM group_secrets WHERE in_group = ? ORDER BY part";

const IS_USED: &str = "SELECT EXISTS (SELECT 1 FROM instances WHERE in_group = ?)";

async fn get(connection: &mut SqliteConnection, id: GroupId) -> Result<Option<Group>> {
    let query = sqlx::query("SELECT * FROM groups WHERE id = ?").bind(id.to_string());
    let row = query.fetch_optional(connection).await.map_err(failed("read the container group"))?;
    row.as_ref().map(rows::group).transpose()
}

async fn present(connection: &mut SqliteConnection, id: GroupId) -> Result<Group> {
    get(connection, id).await?.ok_or(Error::NoGroup(id))
}

async fn insert(connection: &mut SqliteConnection, group: &Group) -> Result<()> {
    let done = sqlx::query(INSERT)
        .bind(group.id.to_string())
        .bind(group.account.as_str())
        .bind(group.name.as_str())
        .bind(to_json(&group.spec))
        .bind(to_json(&group.status))
        .bind(rules::snapshot_of(&group.status).map(|id| id.to_string()))
        .bind(rules::is_finished(&group.status))
        .bind(signed("group's revision", group.revision)?)
        .bind(group.created.as_micros())
        .bind(group.updated.as_micros())
        .bind(group.notes.as_ref().map(to_json))
        .execute(connection)
        .await
        .map_err(failed("record the container group"))?;
    if done.rows_affected() == 0 { Err(taken("container group", group.id)) } else { Ok(()) }
}

async fn save(connection: &mut SqliteConnection, group: &Group) -> Result<()> {
    sqlx::query(SAVE)
        .bind(to_json(&group.status))
        .bind(rules::snapshot_of(&group.status).map(|id| id.to_string()))
        .bind(rules::is_finished(&group.status))
        .bind(signed("group's revision", group.revision)?)
        .bind(group.updated.as_micros())
        .bind(group.notes.as_ref().map(to_json))
        .bind(group.id.to_string())
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed("change the container group"))
}

async fn put_secrets(connection: &mut SqliteConnection, id: GroupId, secrets: &[SealedSecret]) -> Result<()> {
    for (part, secret) in (0_i64..).zip(secrets) {
        let query = sqlx::query(PUT_SECRET).bind(id.to_string()).bind(part).bind(secret.as_bytes());
        query.execute(&mut *connection).await.map_err(failed("record the container group's secrets"))?;
    }
    Ok(())
}

async fn secrets(connection: &mut SqliteConnection, id: GroupId) -> Result<Vec<SealedSecret>> {
    let sealed: Vec<Vec<u8>> = sqlx::query_scalar(SECRETS)
        .bind(id.to_string())
        .fetch_all(connection)
        .await
        .map_err(failed("read the container group's secrets"))?;
    Ok(sealed.into_iter().map(SealedSecret::from_bytes).collect())
}

async fn step(
    connection: &mut SqliteConnection,
    step: &GroupStep,
    now: Timestamp,
) -> Result<Option<GroupChange>> {
    let known = get(connection, step.id).await?;
    let Some(known) = known.filter(|group| group.revision == step.revision) else { return Ok(None) };
    if let Some(made) = &step.made {
        snapshots::add(connection, made).await?;
    }
    let before = rules::snapshot_of(&known.status);
    let named = rules::snapshot_of(&step.status);
    if let Some(snapshot) = named.filter(|_| named != before)
        && snapshots::get(connection, snapshot).await?.is_none()
    {
        return Err(Error::NoSnapshot(snapshot));
    }
    let group = rules::stepped(known, &step.status, now);
    save(connection, &group).await?;
    let let_go: Vec<_> = before.filter(|_| named != before).into_iter().collect();
    let released = snapshots::release(connection, &let_go).await?.pop();
    Ok(Some(GroupChange { group, released }))
}

/// Put together from fixed fragments; all values are bound.
async fn find(
    connection: &mut SqliteConnection,
    filter: &GroupFilter,
    page: Page<GroupId>,
) -> Result<Vec<Group>> {
    let (beyond, order) = match page.order {
        Order::OldestFirst => (" > ", ""),
        Order::NewestFirst => (" < ", " DESC"),
    };
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM groups WHERE id");
    query.push(beyond).push_bind(after(page));
    if let Some(account) = &filter.account {
        query.push(" AND account = ").push_bind(account.as_str().to_owned());
    }
    if filter.unfinished {
        query.push(" AND NOT ended");
    }
    query.push(" ORDER BY id").push(order);
    query.push(" LIMIT ").push_bind(i64::from(page.limit.min(PAGE_LIMIT)));
    let rows = query.build().fetch_all(connection).await.map_err(failed("find container groups"))?;
    rows.iter().map(rows::group).collect()
}

async fn remove(connection: &mut SqliteConnection, id: GroupId) -> Result<GroupChange> {
    let group = present(connection, id).await?;
    let is_used: bool = sqlx::query_scalar(IS_USED)
        .bind(id.to_string())
        .fetch_one(&mut *connection)
        .await
        .map_err(failed("look for the container group's instances"))?;
    if is_used {
        return Err(Error::GroupInUse(id));
    }
    let gone = sqlx::query("DELETE FROM groups WHERE id = ?").bind(id.to_string());
    gone.execute(&mut *connection).await.map_err(failed("remove the container group"))?;
    let named: Vec<_> = rules::snapshot_of(&group.status).into_iter().collect();
    let released = snapshots::release(connection, &named).await?.pop();
    Ok(GroupChange { group, released })
}

#[async_trait]
impl GroupStore for SqliteMetastore {
    async fn create_group(&self, group: &Group, secrets: &[SealedSecret], news: &[Event]) -> Result<()> {
        let mut writing = self.writing("create the container group").await?;
        insert(&mut writing.transaction, group).await?;
        put_secrets(&mut writing.transaction, group.id, secrets).await?;
        changes::arrive(&mut writing.transaction, Subject::Group(group.id)).await?;
        writing.conclude(Some(Touched::from(group)), news, Some(group.created)).await
    }

    async fn group(&self, account: &AccountId, id: GroupId) -> Result<Group> {
        let group = present(&mut *self.reading("find the container group").await?, id).await?;
        Some(group).filter(|group| group.account == *account).ok_or(Error::NoGroup(id))
    }

    async fn find_groups(&self, filter: &GroupFilter, page: Page<GroupId>) -> Result<Vec<Group>> {
        find(&mut *self.reading("find container groups").await?, filter, page).await
    }

    async fn step_group(
        &self,
        wanted: &GroupStep,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Option<GroupChange>> {
        let mut writing = self.writing("note how the container group is").await?;
        let Some(change) = step(&mut writing.transaction, wanted, now).await? else { return Ok(None) };
        writing.conclude(Some(Touched::from(&change.group)), news, Some(now)).await?;
        Ok(Some(change))
    }

    async fn ask_group_deletion(
        &self,
        id: GroupId,
        force: bool,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Group> {
        let mut writing = self.writing("ask for the container group's deletion").await?;
        let group = present(&mut writing.transaction, id).await?;
        let Some(group) = rules::to_be_deleted(&group, force, now) else { return Ok(group) };
        save(&mut writing.transaction, &group).await?;
        writing.conclude(Some(Touched::from(&group)), news, Some(now)).await?;
        Ok(group)
    }

    async fn set_group_notes(&self, id: GroupId, notes: &CloudNotes) -> Result<Group> {
        let mut writing = self.writing("note what is said of the container group").await?;
        let group = present(&mut writing.transaction, id).await?;
        let group = Group { notes: Some(notes.clone()), revision: group.revision + 1, ..group };
        save(&mut writing.transaction, &group).await?;
        writing.conclude(Some(Touched::from(&group)), &[], None).await?;
        Ok(group)
    }

    async fn remove_group(&self, id: GroupId, news: &[Event]) -> Result<GroupChange> {
        let mut writing = self.writing("remove the container group").await?;
        let change = remove(&mut writing.transaction, id).await?;
        writing.conclude(Some(Touched::from(&change.group).gone()), news, None).await?;
        Ok(change)
    }

    async fn group_secrets(&self, id: GroupId) -> Result<Vec<SealedSecret>> {
        secrets(&mut *self.reading("read the container group's secrets").await?, id).await
    }

    async fn reseal_group(&self, id: GroupId, from: &[SealedSecret], to: &[SealedSecret]) -> Result<bool> {
        let mut writing = self.writing("seal the container group's secrets anew").await?;
        if get(&mut writing.transaction, id).await?.is_none()
            || secrets(&mut writing.transaction, id).await? != from
        {
            return Ok(false);
        }
        let dropped = sqlx::query("DELETE FROM group_secrets WHERE in_group = ?").bind(id.to_string());
        dropped
            .execute(&mut *writing.transaction)
            .await
            .map_err(failed("drop the container group's secrets"))?;
        put_secrets(&mut writing.transaction, id, to).await?;
        writing.commit().await?;
        Ok(true)
    }
}
