//! Container groups.

use async_trait::async_trait;
use model::{AccountId, CloudNotes, Event, Group, GroupId, SealedSecret, Subject, Timestamp};
use sqlx::PgConnection;

use super::changes::Touch;
use super::{PostgresMetastore, Verb, Writing, events, find, snapshots};
use crate::error::{failed, taken};
use crate::groups::{GroupChange, GroupFilter, GroupStep, GroupStore};
use crate::rows::{self, signed, to_json};
use crate::{ChangeKind, Error, Page, Result, rules};

const INSERT: &str = "INSERT INTO groups (id, account, name, spec, status, snapshot, ended, revision, created, updated, notes) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING";

const SAVE: &str = "UPDATE groups SET status = $1, snapshot = $2, ended = $3, revision = $4, updated = $5, notes = $6 \
     WHERE id = $7";

const GET: &str = "SELECT * FROM groups WHERE id = $1";

const LOCK: &str = "SELECT * FROM groups WHERE id = $1 FOR UPDATE";

const PUT_SECRET: &str = "INSERT INTO group_secrets (in_group, part, sealed) VALUES ($1, $2, $3)";

const SECRETS: &str = "SELECT sealed FROM group_secrets WHERE in_group = $1 ORDER BY part";

const IS_USED: &str = "SELECT EXISTS (SELECT 1 FROM instances WHERE in_group = $1)";

fn touch(writing: &mut Writing, group: &Group, kind: ChangeKind) {
    let touch = Touch { account: group.account.clone(), kind, at: group.updated };
    writing.touched.insert(Subject::Group(group.id), touch);
}

async fn one(connection: &mut PgConnection, statement: &'static str, id: GroupId) -> Result<Option<Group>> {
    let query = sqlx::query(statement).bind(id.to_string());
    let row = query.fetch_optional(connection).await.map_err(failed("read the container group"))?;
    row.as_ref().map(rows::group).transpose()
}

async fn present(connection: &mut PgConnection, statement: &'static str, id: GroupId) -> Result<Group> {
    one(connection, statement, id).await?.ok_or(Error::NoGroup(id))
}

async fn insert(connection: &mut PgConnection, group: &Group) -> Result<()> {
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

async fn put_secrets(connection: &mut PgConnection, id: GroupId, secrets: &[SealedSecret]) -> Result<()> {
    for (part, secret) in (0_i64..).zip(secrets) {
        let query = sqlx::query(PUT_SECRET).bind(id.to_string()).bind(part).bind(secret.as_bytes());
        query.execute(&mut *connection).await.map_err(failed("record the container group's secrets"))?;
    }
    Ok(())
}

async fn secrets(connection: &mut PgConnection, id: GroupId) -> Result<Vec<SealedSecret>> {
    let sealed: Vec<Vec<u8>> = sqlx::query_scalar(SECRETS)
        .bind(id.to_string())
        .fetch_all(connection)
        .await
        .map_err(failed("read the container group's secrets"))?;
    Ok(sealed.into_iter().map(SealedSecret::from_bytes).collect())
}

/// The snapshots are locked after the group, as those of an instance are after the instance.
async fn step(writing: &mut Writing, step: &GroupStep, now: Timestamp) -> Result<Option<GroupChange>> {
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

async fn ask_deletion(
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

async fn remove(writing: &mut Writing, id: GroupId) -> Result<GroupChange> {
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

#[async_trait]
impl GroupStore for PostgresMetastore {
    async fn create_group(&self, group: &Group, secrets: &[SealedSecret], news: &[Event]) -> Result<()> {
        let verb = Verb::durable("create the container group", news, Some(group.created));
        self.write(verb, async |writing: &mut Writing| {
            insert(writing, group).await?;
            put_secrets(writing, group.id, secrets).await?;
            events::arrive(writing, Subject::Group(group.id)).await?;
            touch(writing, group, ChangeKind::Put);
            Ok(())
        })
        .await
    }

    async fn group(&self, account: &AccountId, id: GroupId) -> Result<Group> {
        let group = self
            .read("find the container group", async |connection: &mut PgConnection| {
                present(connection, GET, id).await
            })
            .await?;
        Some(group).filter(|group| group.account == *account).ok_or(Error::NoGroup(id))
    }

    async fn find_groups(&self, filter: &GroupFilter, page: Page<GroupId>) -> Result<Vec<Group>> {
        self.read("find container groups", async |connection: &mut PgConnection| {
            let mut statement = find::Statement::new("SELECT * FROM groups WHERE true");
            if let Some(account) = &filter.account {
                statement.push(" AND account = ").push_bind(account.as_str().to_owned());
            }
            if filter.unfinished {
                statement.push(" AND NOT ended");
            }
            find::push_page(&mut statement, &page);
            let rows = statement.build().fetch_all(connection).await;
            rows.map_err(failed("find container groups"))?.iter().map(rows::group).collect()
        })
        .await
    }

    async fn step_group(
        &self,
        wanted: &GroupStep,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Option<GroupChange>> {
        let verb = Verb::durable("note how the container group is", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| {
            let change = step(writing, wanted, now).await?;
            let is_news = change.is_some();
            Ok((change, is_news))
        })
        .await
    }

    async fn ask_group_deletion(
        &self,
        id: GroupId,
        force: bool,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Group> {
        let verb = Verb::durable("ask for the container group's deletion", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| ask_deletion(writing, id, force, now).await).await
    }

    async fn set_group_notes(&self, id: GroupId, notes: &CloudNotes) -> Result<Group> {
        let verb = Verb::durable("note what is said of the container group", &[], None);
        self.write(verb, async |writing: &mut Writing| {
            let group = present(writing, LOCK, id).await?;
            let group = Group { notes: Some(notes.clone()), revision: group.revision + 1, ..group };
            save(writing, &group).await?;
            Ok(group)
        })
        .await
    }

    async fn remove_group(&self, id: GroupId, news: &[Event]) -> Result<GroupChange> {
        let verb = Verb::durable("remove the container group", news, None);
        self.write(verb, async |writing: &mut Writing| remove(writing, id).await).await
    }

    async fn group_secrets(&self, id: GroupId) -> Result<Vec<SealedSecret>> {
        self.read("read the container group's secrets", async |connection: &mut PgConnection| {
            secrets(connection, id).await
        })
        .await
    }

    async fn reseal_group(&self, id: GroupId, from: &[SealedSecret], to: &[SealedSecret]) -> Result<bool> {
        let verb = Verb::durable("seal the container group's secrets anew", &[], None);
        self.write(verb, async |writing: &mut Writing| {
            if one(writing, LOCK, id).await?.is_none() || secrets(writing, id).await? != from {
                return Ok(false);
            }
            let dropped = sqlx::query("DELETE FROM group_secrets WHERE in_group = $1").bind(id.to_string());
            dropped.execute(&mut **writing).await.map_err(failed("drop the container group's secrets"))?;
            put_secrets(writing, id, to).await?;
            Ok(true)
        })
        .await
    }
}
