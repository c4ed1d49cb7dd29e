//! Instances: created, started, ended, removed.

use model::{AccountId, ExitStatus, Instance, InstanceId, Subject, Timestamp};

use super::changes::Touch;
use super::writing::Writing;
use super::{Connection, events, locks, pages, snapshots};
use crate::error::{failed, taken};
use crate::rows::{self, Columns as _, parse, to_json};
use crate::{
    ChangeKind, Error, InstanceFilter, InstanceRef, InstanceRemoval, Page, Result, SnapshotRecord, rules,
};

const INSERT: &str = "INSERT INTO instances (id, name, account, image, manifest_digest, snapshot, cache, command, state, \
     ended, pid, remove_on_exit, created, started, finished, in_group) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (id) DO NOTHING";

const SAVE: &str =
    "UPDATE instances SET state = $1, ended = $2, pid = $3, started = $4, finished = $5 WHERE id = $6";

const GET: &str = "SELECT * FROM instances WHERE id = $1";

const LOCK: &str = concat!("SELECT * FROM instances WHERE id = $1", for_update!());

fn touch(writing: &mut Writing, instance: &Instance, kind: ChangeKind) {
    let at = instance.finished.or(instance.started).unwrap_or(instance.created);
    let touch = Touch { account: instance.account.clone(), kind, at };
    writing.touched.insert(Subject::Instance(instance.id), touch);
}

async fn one(connection: &mut Connection, statement: &'static str, id: InstanceId) -> Result<Instance> {
    let row = sqlx::query(statement).bind(id.to_string()).fetch_optional(connection).await;
    let row = row.map_err(failed("read the instance"))?;
    row.as_ref().map(rows::instance).transpose()?.ok_or(Error::NoInstance(id))
}

pub(super) async fn get(
    connection: &mut Connection,
    account: &AccountId,
    wanted: &InstanceRef,
) -> Result<Instance> {
    let name = match wanted {
        InstanceRef::Id(id) => {
            let instance = one(connection, GET, *id).await?;
            return (instance.account == *account).then_some(instance).ok_or(Error::NoInstance(*id));
        }
        InstanceRef::Name(name) => name,
    };
    let query = sqlx::query("SELECT * FROM instances WHERE account = $1 AND name = $2");
    let query = query.bind(account.as_str()).bind(name.as_str());
    let row = query.fetch_optional(connection).await.map_err(failed("find the instance by name"))?;
    row.as_ref().map(rows::instance).transpose()?.ok_or_else(|| Error::NoInstanceOfName(name.clone()))
}

pub(super) async fn find(
    connection: &mut Connection,
    filter: &InstanceFilter,
    page: Page<InstanceId>,
) -> Result<Vec<Instance>> {
    let mut statement = pages::instances("SELECT * FROM instances", filter);
    pages::push_page(&mut statement, &page);
    let rows = statement.build().fetch_all(connection).await.map_err(failed("find instances"))?;
    rows.iter().map(rows::instance).collect()
}

pub(super) async fn count(connection: &mut Connection, filter: &InstanceFilter) -> Result<u64> {
    let mut statement = pages::instances("SELECT count(*) AS count FROM instances", filter);
    let row = statement.build().fetch_one(connection).await.map_err(failed("count instances"))?;
    row.unsigned("count")
}

pub(super) async fn create(writing: &mut Writing, instance: &Instance) -> Result<()> {
    rules::check_new_instance(instance)?;
    locks::account(writing, &instance.account).await?;
    let holder: Option<String> =
        sqlx::query_scalar("SELECT id FROM instances WHERE account = $1 AND name = $2")
            .bind(instance.account.as_str())
            .bind(instance.name.as_str())
            .fetch_optional(&mut **writing)
            .await
            .map_err(failed("look for the instance's name"))?;
    if let Some(by) = holder {
        return Err(Error::NameTaken { name: instance.name.clone(), by: parse("id", &by)? });
    }
    if !snapshots::is_held(writing, instance.snapshot).await? {
        return Err(Error::NoSnapshot(instance.snapshot));
    }
    insert(writing, instance).await?;
    events::arrive(writing, Subject::Instance(instance.id)).await?;
    touch(writing, instance, ChangeKind::Put);
    Ok(())
}

pub(super) async fn create_with_snapshot(
    writing: &mut Writing,
    instance: &Instance,
    snapshot: &SnapshotRecord,
) -> Result<()> {
    rules::check_own_snapshot(instance, snapshot)?;
    snapshots::add(writing, snapshot).await?;
    create(writing, instance).await
}

async fn insert(connection: &mut Connection, instance: &Instance) -> Result<()> {
    let done = sqlx::query(INSERT)
        .bind(instance.id.to_string())
        .bind(instance.name.as_str())
        .bind(instance.account.as_str())
        .bind(instance.image.to_string())
        .bind(instance.manifest_digest.to_string())
        .bind(instance.snapshot.to_string())
        .bind(instance.cache.map(|id| id.to_string()))
        .bind(to_json(&instance.command))
        .bind(to_json(&instance.state))
        .bind(instance.state.has_ended())
        .bind(instance.pid.map(i64::from))
        .bind(instance.remove_on_exit)
        .bind(instance.created.as_micros())
        .bind(instance.started.map(Timestamp::as_micros))
        .bind(instance.finished.map(Timestamp::as_micros))
        .bind(instance.group.map(|id| id.to_string()))
        .execute(connection)
        .await
        .map_err(failed("record the instance"))?;
    if done.rows_affected() == 0 {
        return Err(taken("instance", instance.id));
    }
    Ok(())
}

async fn save(writing: &mut Writing, instance: &Instance) -> Result<()> {
    sqlx::query(SAVE)
        .bind(to_json(&instance.state))
        .bind(instance.state.has_ended())
        .bind(instance.pid.map(i64::from))
        .bind(instance.started.map(Timestamp::as_micros))
        .bind(instance.finished.map(Timestamp::as_micros))
        .bind(instance.id.to_string())
        .execute(&mut **writing)
        .await
        .map_err(failed("change the instance"))?;
    touch(writing, instance, ChangeKind::Put);
    Ok(())
}

pub(super) async fn started(
    writing: &mut Writing,
    id: InstanceId,
    pid: u32,
    now: Timestamp,
) -> Result<Instance> {
    let instance = rules::instance_started(one(writing, LOCK, id).await?, pid, now)?;
    save(writing, &instance).await?;
    Ok(instance)
}

/// The instance as it is now, and whether that was news.
pub(super) async fn exited(
    writing: &mut Writing,
    id: InstanceId,
    status: ExitStatus,
    now: Timestamp,
) -> Result<(Instance, bool)> {
    let known = one(writing, LOCK, id).await?;
    let Some(instance) = rules::instance_exited(&known, status, now) else { return Ok((known, false)) };
    save(writing, &instance).await?;
    Ok((instance, true))
}

pub(super) async fn remove(writing: &mut Writing, id: InstanceId) -> Result<InstanceRemoval> {
    // One of the same name that is being created would hold its snapshot and wait for our name.
    let account = events::account_of(writing, Subject::Instance(id)).await?.ok_or(Error::NoInstance(id))?;
    locks::account(writing, &account).await?;
    let instance = one(writing, LOCK, id).await?;
    rules::check_removal(&instance)?;
    let gone = sqlx::query("DELETE FROM instances WHERE id = $1").bind(id.to_string());
    gone.execute(&mut **writing).await.map_err(failed("remove the instance"))?;
    let released = snapshots::release(writing, &[instance.snapshot]).await?.pop();
    events::depart(writing, Subject::Instance(id), Some(&instance.account)).await?;
    touch(writing, &instance, ChangeKind::Gone);
    Ok(InstanceRemoval { instance, released })
}
