//! A process that writes records is killed in the middle: what it was told is done is done, and nothing is done by half.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use metastore::conformance::faults::check_invariants;
use metastore::conformance::{
    at, build_and_keep, build_of, cache_named, create, event, instance_of, process, ready_cache,
};
use metastore::verbs::*;
use metastore::{SqliteMetastore, claim_interrupted_builds};
use model::{CacheId, EventReason, Subject};
use tempfile::TempDir;

const DIRECTORY: &str = "IMC_TEST_RECORDS";

/// What the killed process does: it writes until it is killed, and says each cache that was recorded.
#[tokio::test]
async fn child() {
    let Ok(dir) = std::env::var(DIRECTORY) else { return };
    let store = SqliteMetastore::open(&std::path::Path::new(&dir).join("records.db")).await.unwrap();
    for round in 0..100_000 {
        let cache = ready_cache(&store, "web", at(round)).await;
        let instance = instance_of(&format!("i{round}"), &cache, at(round));
        store.create_instance(&instance, &[]).await.unwrap();
        build_and_keep(&store, &cache, Some(at(round + 9)), at(round)).await;
        let open = cache_named("open", at(round));
        let news = event(Subject::Cache(open.id), EventReason::Created, "created", at(round));
        create(&store, &open, &build_of(&open, &process(1), at(round)), &[news]).await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "recorded {}", open.id).unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn a_killed_writer_leaves_whole_records() {
    for rounds in [1, 4, 9] {
        let dir = TempDir::new().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child", "--nocapture"]).env(DIRECTORY, dir.path()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let told: Vec<CacheId> =
            lines.filter_map(|line| line.split_once("recorded ")?.1.parse().ok()).take(rounds).collect();
        assert_eq!(told.len(), rounds);
        child.kill().unwrap();
        child.wait().unwrap();
        let store = SqliteMetastore::open(&dir.path().join("records.db")).await.unwrap();
        check_invariants(&store).await;
        for id in &told {
            store.cache(*id).await.unwrap();
            assert_eq!(store.events(Subject::Cache(*id)).await.unwrap().len(), 1);
        }
        let claimed = claim_interrupted_builds(&store, &process(2), &|_| false, at(0)).await.unwrap();
        assert!(told.iter().all(|id| claimed.iter().any(|build| build.cache == *id)));
    }
}
