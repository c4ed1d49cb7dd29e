//! What every metastore does: cases over a fresh one, to be run by [`metastore_conformance!`](crate::metastore_conformance).
//!
//! A case panics where the metastore does not keep its contract.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "test code, compiled for tests only")]

pub mod builds;
pub mod caches;
pub mod events;
pub mod faults;
pub mod instances;

use model::{
    Algorithm, BuildId, ByteSize, CacheId, CacheState, Digest, Event, EventKind, EventReason, ImageCache,
    ImageSnapshotId, Instance, InstanceId, InstanceState, ManifestDigest, Subject, Timestamp,
};

use crate::{CacheChange, Metastore, NewBuild, ProcessIdentity, SnapshotRecord};

/// Makes one asynchronous test for each case. `$make` is an async expression-function that gives a fresh metastore and
/// whatever must live as long as it does: `async fn make() -> (impl Metastore, Guard)`.
#[macro_export]
macro_rules! metastore_conformance {
    ($make:path) => {
        $crate::metastore_conformance! { $make;
            caches: records_and_reads, refuses_what_is_not_new, resolves_by_id_and_name, finds_by_filter_and_page,
                notes_use_and_never_moves_back, deletes_and_releases, refuses_to_delete_in_use,
                refuses_to_delete_while_building;
            builds: first_build_steps, one_build_at_a_time, update_swaps_the_snapshot, failed_update_stays_usable,
                only_its_owner_ends_it, claims_once, claims_what_the_dead_left, retains_planned_snapshots,
                created_with_its_build_or_not_at_all, records_layers;
            instances: lives, lives_after_all, names_are_unique, holds_its_snapshot, refuses_without_snapshot, first_end_stays,
                finds_by_filter_and_page;
            events: counts_equal_ones, drops_the_oldest, drops_those_of_layers_first, go_with_the_verb, forgets_those_of_the_gone;
        }
    };
    ($make:path; $($module:ident: $($case:ident),+;)+) => {
        $(mod $module {
            $(#[tokio::test]
            async fn $case() {
                let (store, _guard) = $make().await;
                $crate::conformance::$module::$case(&store).await;
            })+
        })+
    };
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
}

pub fn cache_named(name: &str, created: Timestamp) -> ImageCache {
    ImageCache {
        id: CacheId::generate(),
        name: name.parse().unwrap(),
        state: CacheState::Preparing,
        images: vec!["registry.example/app:1".parse().unwrap(), "oci:/srv/layout:v1".parse().unwrap()],
        platform: "linux/amd64".parse().unwrap(),
        size_limit: ByteSize::gib(20),
        snapshot: None,
        unpacked_size: None,
        failure: None,
        created,
        updated: created,
        last_used: None,
    }
}

pub fn process(pid: u32) -> ProcessIdentity {
    ProcessIdentity { pid, start_ticks: u64::from(pid) * 1000, boot_id: "boot".to_owned() }
}

pub fn build_of(cache: &ImageCache, owner: &ProcessIdentity, now: Timestamp) -> NewBuild {
    NewBuild {
        id: BuildId::generate(),
        cache: cache.id,
        snapshot: ImageSnapshotId::generate(),
        owner: owner.clone(),
        started: now,
    }
}

pub fn snapshot_of(build: &NewBuild, now: Timestamp) -> SnapshotRecord {
    SnapshotRecord { id: build.snapshot, created: now, size: ByteSize::mib(700) }
}

pub fn instance_of(name: &str, cache: &ImageCache, now: Timestamp) -> Instance {
    Instance {
        id: InstanceId::generate(),
        name: name.parse().unwrap(),
        image: cache.images[0].clone(),
        manifest_digest: ManifestDigest::new(Digest::of(Algorithm::Sha256, name.as_bytes())),
        snapshot: cache.snapshot.unwrap_or_else(ImageSnapshotId::generate),
        cache: Some(cache.id),
        command: vec!["sh".to_owned(), "-c".to_owned(), "echo \"ü\"".to_owned()],
        state: InstanceState::Creating,
        pid: None,
        remove_on_exit: true,
        created: now,
        started: None,
        finished: None,
    }
}

pub fn event(subject: Subject, reason: EventReason, message: &str, now: Timestamp) -> Event {
    Event::once(subject, EventKind::Normal, reason, message, now)
}

/// A cache that has been built once.
pub async fn ready_cache(store: &dyn Metastore, name: &str, now: Timestamp) -> ImageCache {
    let cache = cache_named(name, now);
    store.create_cache(&cache, &[]).await.unwrap();
    build_again(store, &cache, now).await.cache
}

/// One more build of the cache, ended well.
pub async fn build_again(store: &dyn Metastore, cache: &ImageCache, now: Timestamp) -> CacheChange {
    let build = build_of(cache, &process(1), now);
    store.begin_build(&build, &[]).await.unwrap();
    store.finish_build(build.id, &build.owner, &snapshot_of(&build, now), &[], now).await.unwrap()
}
