//! Container groups.

use model::{AccountId, CloudNotes, Group, GroupId, SealedSecret, Subject, Timestamp};

use super::changes::Touch;
use super::writing::Writing;
use super::{Connection, events, pages, snapshots};
use crate::error::{failed, taken};
use crate::rows::{self, signed, to_json};
use crate::{ChangeKind, Error, GroupChange, GroupFilter, GroupStep, Page, Result, rules};

const INSERT: &str = "INSERT INTO groups (id, account, name, spec, status, snapshot, ended, revision, created, updated, notes) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING";

const SAVE: &str = "UPDATE groups SET status = $1, snapshot = $2, ended = $3, revision = $4, updated = $5, notes = $6 \
     WHERE id = $7";

const GET: &str = "SELECT * FROM groups WHERE id = $1";

const LOCK: &str = concat!("SELECT * FROM groups WHERE id = $1", for_update!());

const PUT_SECRET: &str = "INSERT INTO group_secrets (in_group, part, sealed) VALUES ($1, $2, $3)";

const SECRETS: &str = "SELECT sealed FROM group_secrets WHERE in_group = $1 ORDER BY part";

const IS_USED: &str = "SELECT EXISTS (SELECT 1 FROM instances WHERE in_group = $1)";

fn touch(writing: &mut Writing, group: &Group, kind: ChangeKind) {
    let touch = Touch { account: group.account.clone(), kind, at: group.updated };
    writing.touched.insert(Subject::Group(group.id), touch);
}

async fn one(connection: &mut Connection, statement: &'static str, id: GroupId) -> Result<Option<Group>> {
    let query = sqlx::query(statement).bind(id.to_string());
    let row = query.fetch_optional(connection).await.map_err(failed("read the container group"))?;
    row.as_ref().map(rows::group).transpose()
}

async fn present(connection: &mut Connection, statement: &'static str, id: GroupId) -> Result<Group> {
    one(connection, statement, id).await?.ok_or(Error::NoGroup(id))
}

async fn insert(connection: &mut Connection, group: &Group) -> Result<()> {
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

async fn save(writing: &mut Writing, group: &Group) -> Result<()> {
    sqlx::query(SAVE)
        .bind(to_json(&group.status))
        .bind(rules::snapshot_of(&group.status).map(|id| id.to_string()))
        .bind(rules::is_finished(&group.status))
        .bind(signed("group's revision", group.revision)?)
        .bind(group.updated.as_micros())
        .bind(group.notes.as_ref().map(to_json))
        .bind(group.id.to_string())
        .execute(&mut **writing)
        .await
        .map_err(failed("change the container group"))?;
    touch(writing, group, ChangeKind::Put);
    Ok(())
}

async fn put_secrets(connection: &mut Connection, id: GroupId, secrets: &[SealedSecret]) -> Result<()> {
    for (part, secret) in (0_i64..).zip(secrets) {
        let query = sqlx::query(PUT_SECRET).bind(id.to_string()).bind(part).bind(secret.as_bytes());
        query.execute(&mut *connection).await.map_err(failed("record the container group's secrets"))?;
    }
    Ok(())
}

pub(super) async fn secrets(connection: &mut Connection, id: GroupId) -> Result<Vec<SealedSecret>> {
    let sealed: Vec<Vec<u8>> = sqlx::query_scalar(SECRETS)
        .bind(id.to_string())
        .fetch_all(connection)
        .await
        .map_err(failed("read the container group's secrets"))?;
    Ok(sealed.into_iter().map(SealedSecret::from_bytes).collect())
}

/// The snapshots are locked after the group, as those of an instance are after the instance.
pub(super) async fn step(
    writing: &mut Writing,
    step: &GroupStep,
    now: Timestamp,
) -> Result<Option<GroupChange>> {
    let known = one(writing, LOCK, step.id).await?;
    let Some(known) = known.filter(|group| group.revision == step.revision) else { return Ok(None) };
    if let Some(made) = &step.made {
        snapshots::add(writing, made).await?;
    }
    let before = rules::snapshot_of(&known.status);
    let named = rules::snapshot_of(&step.status);
    if let Some(snapshot) = named.filter(|_| named != before)
        && !snapshots::is_held(writing, snapshot).await?
    {
        return Err(Error::NoSnapshot(snapshot));
    }
    let group = rules::stepped(known, &step.status, now);
    save(writing, &group).await?;
    let let_go: Vec<_> = before.filter(|_| named != before).into_iter().collect();
    let released = snapshots::release(writing, &let_go).await?.pop();
    Ok(Some(GroupChange { group, released }))
}

pub(super) async fn ask_deletion(
    writing: &mut Writing,
    id: GroupId,
    force: bool,
    now: Timestamp,
) -> Result<(Group, bool)> {
    let group = present(writing, LOCK, id).await?;
    let Some(group) = rules::to_be_deleted(&group, force, now) else { return Ok((group, false)) };
    save(writing, &group).await?;
    Ok((group, true))
}

pub(super) async fn remove(writing: &mut Writing, id: GroupId) -> Result<GroupChange> {
    let group = present(writing, LOCK, id).await?;
    let is_used: bool = sqlx::query_scalar(IS_USED)
        .bind(id.to_string())
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("look for the container group's instances"))?;
    if is_used {
        return Err(Error::GroupInUse(id));
    }
    let gone = sqlx::query("DELETE FROM groups WHERE id = $1").bind(id.to_string());
    gone.execute(&mut **writing).await.map_err(failed("remove the container group"))?;
    let named: Vec<_> = rules::snapshot_of(&group.status).into_iter().collect();
    let released = snapshots::release(writing, &named).await?.pop();
    events::depart(writing, Subject::Group(id), Some(&group.account)).await?;
    touch(writing, &group, ChangeKind::Gone);
    Ok(GroupChange { group, released })
}

pub(super) async fn create(writing: &mut Writing, group: &Group, secrets: &[SealedSecret]) -> Result<()> {
    insert(writing, group).await?;
    put_secrets(writing, group.id, secrets).await?;
    events::arrive(writing, Subject::Group(group.id)).await?;
    touch(writing, group, ChangeKind::Put);
    Ok(())
}

pub(super) async fn of_account(
    connection: &mut Connection,
    account: &AccountId,
    id: GroupId,
) -> Result<Group> {
    let group = present(connection, GET, id).await?;
    Some(group).filter(|group| group.account == *account).ok_or(Error::NoGroup(id))
}

pub(super) async fn find(
    connection: &mut Connection,
    filter: &GroupFilter,
    page: Page<GroupId>,
) -> Result<Vec<Group>> {
    let mut statement = pages::Statement::new("SELECT * FROM groups WHERE true");
    if let Some(account) = &filter.account {
        statement.push(" AND account = ").push_bind(account.as_str().to_owned());
    }
    if filter.unfinished {
        statement.push(" AND NOT ended");
    }
    pages::push_page(&mut statement, &page);
    let rows = statement.build().fetch_all(connection).await.map_err(failed("find container groups"))?;
    rows.iter().map(rows::group).collect()
}

/// The group with these notes, where those are known.
pub(super) async fn swap_notes(
    writing: &mut Writing,
    id: GroupId,
    from: &CloudNotes,
    to: &CloudNotes,
) -> Result<Option<Group>> {
    let known = present(writing, LOCK, id).await?;
    if known.notes.as_ref() != Some(from) {
        return Ok(None);
    }
    let group = Group { notes: Some(to.clone()), revision: known.revision + 1, ..known };
    save(writing, &group).await?;
    Ok(Some(group))
}

pub(super) async fn reseal(
    writing: &mut Writing,
    id: GroupId,
    from: &[SealedSecret],
    to: &[SealedSecret],
) -> Result<bool> {
    if one(writing, LOCK, id).await?.is_none() || secrets(writing, id).await? != from {
        return Ok(false);
    }
    let dropped = sqlx::query("DELETE FROM group_secrets WHERE in_group = $1").bind(id.to_string());
    dropped.execute(&mut **writing).await.map_err(failed("drop the container group's secrets"))?;
    put_secrets(writing, id, to).await?;
    Ok(true)
}
