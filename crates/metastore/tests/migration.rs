//! Records of the first schema, as the program that knew only that one left them, are brought up and read right.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;

use metastore::conformance::faults::check_invariants;
use metastore::conformance::{at, build_and_keep, finish, whole};
use metastore::verbs::*;
use metastore::{
    BuildState, CacheFilter, CacheRef, InstanceRef, NewBuild, Page, ProcessIdentity, SqliteMetastore, Usage,
};
use model::{
    Account, AccountId, BuildId, ByteSize, CacheId, CachePolicy, CacheState, ImageSnapshotId, InstanceId,
    Origin, Percent, Savings, SnapshotCopies, Subject, Timestamp,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;

const FIRST: &str = include_str!("../migrations/0001_records.sql");
const SECOND: &str = include_str!("../migrations/0002_life.sql");

/// Where the ids of these rows end; all else of them is zeros.
fn id(prefix: &str, end: &str) -> String {
    format!("{prefix}-{end:0>32}")
}

/// A cache of each kind, an instance, and builds: of cache 1 one that ended, of cache 2 one that runs.
fn rows() -> String {
    let images = r#"["docker.io/library/nginx:1","r.example:5000/team/app@DIGEST","oci:/srv/img:v1","docker.io/library/nginx:1"]"#;
    let platform = r#"{"os":"linux","architecture":"amd64"}"#;
    let mut script = format!(
        "INSERT INTO snapshots VALUES ('{}', 5, 700), ('{}', 5, 700);",
        id("isn", "1"),
        id("isn", "3")
    );
    for (end, name, state, snapshot) in [
        ("1", "web", "Ready", Some("1")),
        ("2", "new", "Creating", None),
        ("3", "old", "Updating", Some("3")),
        ("4", "bad", "Failed", None),
    ] {
        let snapshot = snapshot.map_or("NULL, NULL".to_owned(), |end| format!("'{}', 700", id("isn", end)));
        let failure = if state == "Failed" { "'x', 'y'" } else { "NULL, NULL" };
        script += &format!(
            "INSERT INTO caches VALUES ('{}', '{name}', '{state}', '{images}', '{platform}', 1024, {snapshot}, {failure}, 10, 20, 30);",
            id("imc", end)
        );
    }
    for (end, cache, snapshot, state, finished) in [
        ("1", "1", "1", "Succeeded", "15"),
        ("2", "2", "2", "Running", "NULL"),
        ("3", "3", "33", "Running", "NULL"),
    ] {
        script += &format!(
            "INSERT INTO builds VALUES ('{}', '{}', '{}', '{state}', 7, 7000, 'boot', 2, 11, {finished}, NULL, NULL);",
            id("bld", end),
            id("imc", cache),
            id("isn", snapshot)
        );
    }
    script += &format!(
        "INSERT INTO instances VALUES ('{}', 'one', 'docker.io/library/nginx:1', 'DIGEST', '{}', '{}', '[\"sh\"]',
         '{{\"state\":\"Running\"}}', 0, 42, 1, 12, 13, NULL);",
        id("ins", "1"), id("isn", "1"), id("imc", "1")
    );
    for (subject, message) in [(id("imc", "1"), "living"), (id("imc", "9"), "gone")] {
        script += &format!(
            "INSERT INTO events (subject, kind, reason, message, first, last, count)
             VALUES ('{subject}', 'Normal', 'Created', '{message}', 1, 1, 1);"
        );
    }
    script.replace("DIGEST", &format!("sha256:{:064}", 0))
}

async fn first_schema(path: &Path) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    connection.execute(FIRST).await.unwrap();
    connection.execute(AssertSqlSafe(rows())).await.unwrap();
    connection.execute("PRAGMA user_version = 1").await.unwrap();
    connection.close().await.unwrap();
}

async fn brought_up() -> (SqliteMetastore, TempDir) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("records.db");
    first_schema(&path).await;
    (SqliteMetastore::open(&path).await.unwrap(), dir)
}

fn cache_id(end: &str) -> CacheId {
    id("imc", end).parse().unwrap()
}

#[tokio::test]
async fn caches_are_manual_ones_of_the_local_account() {
    let (store, _dir) = brought_up().await;
    check_invariants(&store).await;
    let local = AccountId::local();
    let caches = store.find_caches(&CacheFilter::default(), Page::first()).await.unwrap();
    let states = [CacheState::Ready, CacheState::Creating, CacheState::Updating, CacheState::Failed];
    assert_eq!(caches.iter().map(|cache| cache.state).collect::<Vec<_>>(), states);
    for cache in &caches {
        assert_eq!(
            (&cache.account, cache.origin, &cache.policy),
            (&local, Origin::Manual, &CachePolicy::default())
        );
        assert!(cache.access.is_empty() && cache.generations.is_empty() && cache.deleting.is_none());
        assert_eq!((cache.savings, cache.checked), (Savings::default(), None));
        assert_eq!((cache.images.len(), cache.size_limit), (4, ByteSize::bytes(1024)));
        let times = [Some(cache.created), Some(cache.updated), cache.last_used];
        assert_eq!(times, [10, 20, 30].map(|micros| Some(Timestamp::from_micros(micros))));
    }
    let progress: Vec<_> = caches.iter().map(|cache| cache.progress).collect();
    assert_eq!(progress, [Percent::ALL, Percent::ZERO, Percent::ZERO, Percent::ZERO]);
    let copies: Vec<_> = caches.iter().map(|cache| cache.copies).collect();
    assert_eq!(copies, [whole(), SnapshotCopies::default(), whole(), SnapshotCopies::default()]);
    assert_eq!(store.usage(&local).await.unwrap(), Usage { manual: 4, automatic: 0 });
    let by_name = CacheRef::Name("web".parse().unwrap());
    assert_eq!(store.resolve_cache(&local, &by_name).await.unwrap().cache, caches[0]);
}

#[tokio::test]
async fn caches_are_found_by_what_they_have() {
    let (store, _dir) = brought_up().await;
    let local = CacheFilter { account: Some(AccountId::local()), ..CacheFilter::default() };
    for (repository, count) in [("library/nginx", 4), ("team/app", 4), ("nginx", 0), ("srv/img", 0)] {
        let filter = CacheFilter { repository: Some(repository.parse().unwrap()), ..local.clone() };
        assert_eq!(store.count_caches(&filter).await.unwrap(), count, "{repository}");
    }
    for image in ["nginx:1", "oci:/srv/img:v1"] {
        let filter = CacheFilter { image: Some(image.parse().unwrap()), ..local.clone() };
        assert_eq!(store.count_caches(&filter).await.unwrap(), 4, "{image}");
    }
}

#[tokio::test]
async fn builds_go_on_and_instances_are_held() {
    let (store, _dir) = brought_up().await;
    let owner = ProcessIdentity { pid: 7, start_ticks: 7000, boot_id: "boot".to_owned() };
    let ended = store.build(id("bld", "1").parse().unwrap()).await.unwrap();
    assert_eq!((ended.state, ended.attempts, ended.cancelled), (BuildState::Succeeded, 2, false));
    assert_eq!((ended.beat, ended.finished), (Timestamp::from_micros(15), Some(Timestamp::from_micros(15))));
    let running = store.build(id("bld", "2").parse::<BuildId>().unwrap()).await.unwrap();
    assert_eq!((running.state, &running.owner), (BuildState::Running, &Some(owner.clone())));
    assert_eq!(
        (running.started, running.queued),
        (Some(Timestamp::from_micros(11)), Timestamp::from_micros(11))
    );
    assert_eq!(store.running_builds(Page::first()).await.unwrap().len(), 2);
    let cache = store.cache(cache_id("2")).await.unwrap();
    let build = NewBuild {
        id: running.id,
        cache: cache.id,
        snapshot: running.snapshot,
        plan: running.plan.clone(),
        owner: Some(owner),
        now: at(0),
    };
    let done = finish(&store, &build, None, at(1)).await.unwrap().cache;
    assert_eq!(
        (done.state, &done.images, done.size_limit),
        (CacheState::Ready, &cache.images, cache.size_limit)
    );
    let instance: InstanceId = id("ins", "1").parse().unwrap();
    let held = store.instance(&AccountId::local(), &InstanceRef::Id(instance)).await.unwrap();
    assert_eq!((held.pid, held.account.as_str(), held.cache), (Some(42), "local", Some(cache_id("1"))));
    // What comes now is as if it had always been so.
    let first = store.cache(cache_id("1")).await.unwrap();
    let updated = build_and_keep(&store, &first, Some(at(9)), at(2)).await.cache;
    assert_eq!(updated.generations.len(), 1);
    check_invariants(&store).await;
}

#[tokio::test]
async fn events_of_what_was_gone_go_in_time() {
    let (store, _dir) = brought_up().await;
    let (living, gone) = (Subject::Cache(cache_id("1")), Subject::Cache(cache_id("9")));
    assert_eq!(store.account_of(gone).await.unwrap(), Some(AccountId::local()));
    assert_eq!(store.forget_events(at(0)).await.unwrap(), 1);
    assert_eq!(store.events(living).await.unwrap().len(), 1);
    assert_eq!(store.account_of(gone).await.unwrap(), None);
    let retained: Vec<ImageSnapshotId> = store.retained_snapshots().await.unwrap();
    assert_eq!(retained, ["1", "2", "3", "33"].map(|end| id("isn", end).parse().unwrap()));
}

#[tokio::test]
async fn whoever_had_anything_has_an_account() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("records.db");
    first_schema(&path).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut connection = options.connect().await.unwrap();
    connection.execute(SECOND).await.unwrap();
    connection
        .execute(
            "INSERT INTO tokens VALUES ('1', x'01', 'shop', 'ci', '[]', 70, NULL, NULL, NULL);
             INSERT INTO tokens VALUES ('2', x'02', 'shop', 'ci', '[]', 60, NULL, NULL, NULL);
             PRAGMA user_version = 2",
        )
        .await
        .unwrap();
    connection.close().await.unwrap();
    let store = SqliteMetastore::open(&path).await.unwrap();
    let shop =
        Account { id: "shop".parse().unwrap(), label: String::new(), created: Timestamp::from_micros(60) };
    assert_eq!(store.accounts().await.unwrap(), [Account::local(), shop]);
    let caches = store.find_caches(&CacheFilter::default(), Page::first()).await.unwrap();
    assert!(caches.len() == 4 && caches.iter().all(|cache| cache.notes.is_none()));
    let instance = InstanceRef::Name("one".parse().unwrap());
    store.instance(&AccountId::local(), &instance).await.unwrap();
}
