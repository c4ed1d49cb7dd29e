//! Instances: created, started, ended, removed.

use model::{AccountId, CloudNotes, ExitStatus, Instance, InstanceId, Subject, Timestamp};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::page::after;
use super::{changes, snapshots};
use crate::error::{failed, taken};
use crate::rows::{self, parse, to_json};
use crate::{
    Error, InstanceFilter, InstanceRef, InstanceRemoval, Order, PAGE_LIMIT, Page, Result, SnapshotRecord,
    rules,
};

const INSERT: &str = "INSERT INTO instances (id, name, account, image, manifest_digest, snapshot, cache, command, state, \
     ended, pid, remove_on_exit, created, started, finished, notes, in_group) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
     ON CONFLICT (id) DO NOTHING";

const SAVE: &str =
    "UPDATE instances SET state = ?, ended = ?, pid = ?, started = ?, finished = ?, notes = ? WHERE id = ?";

pub(super) async fn create(connection: &mut SqliteConnection, instance: &Instance) -> Result<()> {
    rules::check_new_instance(instance)?;
    let holder: Option<String> =
        sqlx::query_scalar("SELECT id FROM instances WHERE account = ? AND name = ?")
            .bind(instance.account.as_str())
            .bind(instance.name.as_str())
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed("look for the instance's name"))?;
    if let Some(by) = holder {
        return Err(Error::NameTaken { name: instance.name.clone(), by: parse("id", &by)? });
    }
    if snapshots::get(connection, instance.snapshot).await?.is_none() {
        return Err(Error::NoSnapshot(instance.snapshot));
    }
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
        .bind(instance.notes.as_ref().map(to_json))
        .bind(instance.group.map(|id| id.to_string()))
        .execute(&mut *connection)
        .await
        .map_err(failed("record the instance"))?;
    if done.rows_affected() == 0 {
        return Err(taken("instance", instance.id));
    }
    changes::arrive(connection, Subject::Instance(instance.id)).await
}

pub(super) async fn create_with_snapshot(
    connection: &mut SqliteConnection,
    instance: &Instance,
    snapshot: &SnapshotRecord,
) -> Result<()> {
    rules::check_own_snapshot(instance, snapshot)?;
    snapshots::add(connection, snapshot).await?;
    create(connection, instance).await
}

async fn save(connection: &mut SqliteConnection, instance: &Instance) -> Result<()> {
    sqlx::query(SAVE)
        .bind(to_json(&instance.state))
        .bind(instance.state.has_ended())
        .bind(instance.pid.map(i64::from))
        .bind(instance.started.map(Timestamp::as_micros))
        .bind(instance.finished.map(Timestamp::as_micros))
        .bind(instance.notes.as_ref().map(to_json))
        .bind(instance.id.to_string())
        .execute(connection)
        .await
        .map_err(failed("change the instance"))?;
    Ok(())
}

async fn get(connection: &mut SqliteConnection, id: InstanceId) -> Result<Instance> {
    let row = sqlx::query("SELECT * FROM instances WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed("read the instance"))?;
    row.as_ref().map(rows::instance).transpose()?.ok_or(Error::NoInstance(id))
}

pub(super) async fn resolve(
    connection: &mut SqliteConnection,
    account: &AccountId,
    wanted: &InstanceRef,
) -> Result<Instance> {
    let name = match wanted {
        InstanceRef::Id(id) => {
            let instance = get(connection, *id).await?;
            return Some(instance).filter(|one| one.account == *account).ok_or(Error::NoInstance(*id));
        }
        InstanceRef::Name(name) => name,
    };
    let row = sqlx::query("SELECT * FROM instances WHERE account = ? AND name = ?")
        .bind(account.as_str())
        .bind(name.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed("find the instance by name"))?;
    row.as_ref().map(rows::instance).transpose()?.ok_or_else(|| Error::NoInstanceOfName(name.clone()))
}

/// Put together from fixed fragments; all values are bound.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    filter: &InstanceFilter,
    page: Page<InstanceId>,
) -> Result<Vec<Instance>> {
    let (beyond, order) = match page.order {
        Order::OldestFirst => (" > ", ""),
        Order::NewestFirst => (" < ", " DESC"),
    };
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM instances WHERE id");
    query.push(beyond).push_bind(after(page));
    if let Some(account) = &filter.account {
        query.push(" AND account = ").push_bind(account.as_str().to_owned());
    }
    if let Some(snapshot) = filter.snapshot {
        query.push(" AND snapshot = ").push_bind(snapshot.to_string());
    }
    if let Some(cache) = filter.cache {
        query.push(" AND cache = ").push_bind(cache.to_string());
    }
    if let Some(group) = filter.group {
        query.push(" AND in_group = ").push_bind(group.to_string());
    }
    if filter.unfinished {
        query.push(" AND NOT ended");
    }
    query.push(" ORDER BY id").push(order);
    query.push(" LIMIT ").push_bind(i64::from(page.limit.min(PAGE_LIMIT)));
    let rows = query.build().fetch_all(connection).await.map_err(failed("find instances"))?;
    rows.iter().map(rows::instance).collect()
}

pub(super) async fn started(
    connection: &mut SqliteConnection,
    id: InstanceId,
    pid: u32,
    now: Timestamp,
) -> Result<Instance> {
    let instance = get(connection, id).await?;
    let instance = rules::instance_started(instance, pid, now)?;
    save(connection, &instance).await?;
    Ok(instance)
}

/// The instance as it is now, and whether that was news.
pub(super) async fn exited(
    connection: &mut SqliteConnection,
    id: InstanceId,
    status: ExitStatus,
    now: Timestamp,
) -> Result<(Instance, bool)> {
    let known = get(connection, id).await?;
    match rules::instance_exited(&known, status, now) {
        None => Ok((known, false)),
        Some(instance) => {
            save(connection, &instance).await?;
            Ok((instance, true))
        }
    }
}

pub(super) async fn set_notes(
    connection: &mut SqliteConnection,
    id: InstanceId,
    notes: &CloudNotes,
) -> Result<Instance> {
    let instance = Instance { notes: Some(notes.clone()), ..get(connection, id).await? };
    save(connection, &instance).await?;
    Ok(instance)
}

pub(super) async fn remove(connection: &mut SqliteConnection, id: InstanceId) -> Result<InstanceRemoval> {
    let instance = get(connection, id).await?;
    rules::check_removal(&instance)?;
    sqlx::query("DELETE FROM instances WHERE id = ?")
        .bind(id.to_string())
        .execute(&mut *connection)
        .await
        .map_err(failed("remove the instance"))?;
    let released = snapshots::release(connection, &[instance.snapshot]).await?.pop();
    Ok(InstanceRemoval { instance, released })
}
