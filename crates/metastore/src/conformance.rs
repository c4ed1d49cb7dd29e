//! What every metastore does: cases over a fresh one, to be run by [`metastore_conformance!`](crate::metastore_conformance).
//!
//! A case panics where the metastore does not keep its contract.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "test code, compiled for tests only")]

pub mod access_keys;
pub mod accounts;
pub mod admission;
pub mod answers;
pub mod builds;
pub mod caches;
pub mod changes;
pub mod counts;
pub mod credentials;
pub mod deletion;
pub mod events;
pub mod faults;
pub mod find;
pub mod generations;
pub mod groups;
pub mod instances;
pub mod snapshots;
pub mod tokens;
pub mod turns;
pub mod update;

use model::{
    AccountId, Algorithm, BuildFailure, BuildId, ByteSize, CachePolicy, CopyState, DiffId, Digest, Event,
    EventKind, EventReason, ImageCache, ImageSnapshotId, ImageSource, Instance, InstanceId, InstanceState,
    ManifestDigest, NewImageCache, Origin, RegistryAccess, SnapshotCopies, SnapshotSummary, Subject,
    SummaryImage, SummaryLayer, Timestamp,
};

use crate::{Admission, BuildPlan, CacheChange, Metastore, NewBuild, ProcessIdentity, SnapshotRecord};

/// Makes one asynchronous test for each case. `$make` is an async expression-function that gives a fresh metastore and
/// whatever must live as long as it does: `async fn make() -> (impl Metastore, Guard)`. Tests run beside each other, so what it
/// gives is each test's own: a file, a database. With `if $is_there`, a function that says whether what it takes is installed
/// here, all is skipped where it is not.
#[macro_export]
macro_rules! metastore_conformance {
    ($make:path) => {
        $crate::metastore_conformance! { $make, if $crate::conformance::always }
    };
    ($make:path, if $is_there:path) => {
        $crate::metastore_conformance! { $make, $is_there;
            access_keys: belong_to_accounts, accounts_are_there_once, come_and_go, are_labelled_as_every_database_holds,
                are_enabled_and_disabled, are_listed_by_account_and_page, are_used_by_the_hour, are_resealed_once,
                are_never_shown;
            accounts: names_are_apart, ids_of_others_are_unknown, quotas_are_apart, tells_whose_a_subject_is;
            admission: counts_each_origin, names_what_makes_room, keeps_what_is_needed, counts_no_cache_that_goes,
                answers_a_token_once, refuses_a_token_of_another_request, forgets_tokens_in_time,
                a_refused_request_leaves_no_token, quota_of_nothing;
            answers: are_given_once, another_request_with_the_word_is_refused, are_taken_up_from_the_dead,
                given_up_are_as_if_they_had_not_come, are_forgotten_in_time, go_to_one_of_many_at_once;
            builds: first_build_steps, one_build_at_a_time, update_swaps_the_snapshot, failed_update_stays_usable,
                a_further_one_forgets_the_ended, a_failure_is_returned_as_it_is_kept, only_its_owner_ends_it, claims_once,
                claims_what_the_dead_left, unfinished_ones_of_some_caches, retains_planned_snapshots, created_with_its_build_or_not_at_all, records_layers;
            caches: records_and_reads, refuses_what_is_not_new, resolves_by_id_and_name, notes_use_and_never_moves_back,
                notes_looks_at_tags, notes_copies, loses_its_snapshot;
            changes: come_in_order, tell_what_is_gone, come_with_events, are_forgotten, none_without_news,
                come_in_order_from_many;
            credentials: come_and_go_with_the_cache, are_resealed_once, are_listed_by_owner, are_never_shown;
            deletion: deletes_and_releases, refuses_to_delete_in_use, refuses_to_delete_while_building,
                deletes_what_only_waits, asked_once_and_serves_no_more, ends_the_build_that_waits, cancels_the_build_that_runs;
            events: counts_equal_ones, keeps_what_every_database_holds, drops_the_oldest, drops_those_of_layers_first,
                go_with_the_verb, forgets_those_of_the_gone,
                of_a_page_of_caches;
            find: finds_by_filter_and_page, finds_by_image_and_repository, finds_by_tags, finds_by_labels, finds_what_is_to_last,
                finds_nothing_among_none, outlines_every_cache, follows_changes, pages_there_and_back, lists_by_page,
                passes_over_what_is_skipped;
            generations: keeps_the_one_before, rolls_back_and_forth, refuses_what_it_does_not_have, drops_and_releases,
                a_generation_in_use_holds_the_cache, rolls_back_after_a_loss;
            groups: come_and_go, are_each_accounts_own, step_by_their_revision, hold_their_snapshot,
                are_deleted_once_empty, are_found_by_filter_and_page, are_resealed_once, swap_what_a_cloud_said;
            instances: lives, lives_after_all, names_are_unique, holds_its_snapshot, refuses_without_snapshot, first_end_stays,
                finds_by_filter_and_page;
            snapshots: are_in_the_store_that_was_said_first, are_indexed_with_their_summaries, of_an_instance_come_and_go_with_it,
                of_an_instance_come_with_it_or_not_at_all;
            tokens: recorded_and_found_by_digest, labelled_as_every_database_holds, revoked_once, used_by_the_hour,
                listed_by_account;
            turns: waits_for_an_owner, the_one_with_fewest_running_first, the_longest_waiting_first, each_goes_to_one,
                beats_and_tells, cancelled_while_waiting, cancelled_while_running, a_lost_build_beats_no_more;
            update: changes_what_is_said, changes_only_what_is_said, changes_tags_over_what_they_are, keeps_what_a_cloud_said,
                changes_nothing_of_what_is_deleted, changes_a_size_that_its_images_fit, builds_what_is_new, answers_a_token_once,
                with_a_build_or_not_at_all;
        }
    };
    ($make:path, $is_there:path; $($module:ident: $($case:ident),+;)+) => {
        $(mod $module {
            $(#[tokio::test]
            async fn $case() {
                if !$is_there() {
                    return;
                }
                let (store, _guard) = $make().await;
                $crate::conformance::$module::$case(&store).await;
                $crate::conformance::counts::agree(&store).await;
            })+
        })+
    };
}

#[must_use]
pub fn always() -> bool {
    true
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
}

pub fn account(name: &str) -> AccountId {
    name.parse().unwrap()
}

pub fn cache_named(name: &str, created: Timestamp) -> ImageCache {
    cache_of(&AccountId::local(), name, created)
}

pub fn cache_of(account: &AccountId, name: &str, created: Timestamp) -> ImageCache {
    let new = NewImageCache {
        account: account.clone(),
        name: name.parse().unwrap(),
        origin: Origin::Manual,
        images: vec!["registry.example/app:1".parse().unwrap(), "oci:/srv/layout:v1".parse().unwrap()],
        platform: "linux/amd64".parse().unwrap(),
        size_limit: ByteSize::gib(20),
        policy: CachePolicy::default(),
        access: RegistryAccess::default(),
        notes: None,
    };
    ImageCache::asked_for(new, created)
}

pub fn failure() -> BuildFailure {
    BuildFailure { reason: "image-not-found".to_owned(), message: "no such tag".to_owned() }
}

pub fn process(pid: u32) -> ProcessIdentity {
    ProcessIdentity { pid, start_ticks: u64::from(pid) * 1000, boot_id: "boot".to_owned() }
}

pub fn plan_of(cache: &ImageCache) -> BuildPlan {
    BuildPlan { images: cache.images.clone(), size_limit: cache.size_limit }
}

/// A build that `owner` runs.
pub fn build_of(cache: &ImageCache, owner: &ProcessIdentity, now: Timestamp) -> NewBuild {
    NewBuild { owner: Some(owner.clone()), ..waiting_build_of(cache, now) }
}

/// A build that waits for an owner.
pub fn waiting_build_of(cache: &ImageCache, now: Timestamp) -> NewBuild {
    NewBuild {
        id: BuildId::generate(),
        cache: cache.id,
        snapshot: ImageSnapshotId::generate(),
        plan: plan_of(cache),
        owner: None,
        now,
    }
}

pub fn snapshot_of(build: &NewBuild, now: Timestamp) -> SnapshotRecord {
    let layer = SummaryLayer {
        diff_id: DiffId::new(Digest::sha256(build.snapshot.to_string().as_bytes())),
        compressed_size: ByteSize::mib(300),
        blob_size: ByteSize::mib(700),
    };
    let image = |source: &ImageSource| SummaryImage {
        source: source.clone(),
        manifest_digest: ManifestDigest::new(Digest::sha256(source.to_string().as_bytes())),
        index_digest: None,
        layers: vec![0],
    };
    let images = build.plan.images.iter().map(image).collect();
    let summary = SnapshotSummary { layers: vec![layer], images };
    SnapshotRecord { id: build.snapshot, created: now, size: ByteSize::mib(700), summary }
}

pub fn whole() -> SnapshotCopies {
    SnapshotCopies { flash: CopyState::Complete, standard: CopyState::Complete }
}

pub fn instance_of(name: &str, cache: &ImageCache, now: Timestamp) -> Instance {
    Instance {
        id: InstanceId::generate(),
        name: name.parse().unwrap(),
        account: cache.account.clone(),
        image: cache.images[0].clone(),
        manifest_digest: ManifestDigest::new(Digest::of(Algorithm::Sha256, name.as_bytes())),
        snapshot: cache.snapshot.unwrap_or_else(ImageSnapshotId::generate),
        cache: Some(cache.id),
        group: None,
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

/// Records a cache with its first build, with nothing asked beside.
pub async fn create(
    store: &dyn Metastore,
    cache: &ImageCache,
    build: &NewBuild,
    events: &[Event],
) -> crate::Result<ImageCache> {
    store.create_cache(cache, build, &Admission::default(), events).await.map(crate::Admitted::into_cache)
}

/// Records a cache whose first build waits.
pub async fn create_waiting(store: &dyn Metastore, cache: &ImageCache) -> (ImageCache, NewBuild) {
    let build = waiting_build_of(cache, cache.created);
    (create(store, cache, &build, &[]).await.unwrap(), build)
}

/// Records a cache whose first build runs.
pub async fn create_running(store: &dyn Metastore, cache: &ImageCache) -> (ImageCache, NewBuild) {
    let build = build_of(cache, &process(1), cache.created);
    (create(store, cache, &build, &[]).await.unwrap(), build)
}

/// A cache that has been built once.
pub async fn ready_cache(store: &dyn Metastore, name: &str, now: Timestamp) -> ImageCache {
    make_ready(store, &cache_named(name, now), now).await
}

/// Records that cache and has it built.
pub async fn make_ready(store: &dyn Metastore, cache: &ImageCache, now: Timestamp) -> ImageCache {
    let build = build_of(cache, &process(1), now);
    create(store, cache, &build, &[]).await.unwrap();
    finish(store, &build, None, now).await.unwrap().cache
}

/// Ends the build well.
pub async fn finish(
    store: &dyn Metastore,
    build: &NewBuild,
    keep: Option<Timestamp>,
    now: Timestamp,
) -> crate::Result<CacheChange> {
    let owner = build.owner.clone().unwrap_or_else(|| process(1));
    let snapshot = snapshot_of(build, now);
    store.finish_build(build.id, &owner, &snapshot, whole(), keep, &[], now).await
}

/// Ends the build badly.
pub async fn fail(store: &dyn Metastore, build: &NewBuild, now: Timestamp) -> crate::Result<ImageCache> {
    let owner = build.owner.clone().unwrap_or_else(|| process(1));
    store.fail_build(build.id, &owner, &failure(), &[], now).await
}

/// One more build of the cache, ended well; the snapshot before it is let go.
pub async fn build_again(store: &dyn Metastore, cache: &ImageCache, now: Timestamp) -> CacheChange {
    build_and_keep(store, cache, None, now).await
}

/// One more build of the cache, ended well; the snapshot before it is kept until then.
pub async fn build_and_keep(
    store: &dyn Metastore,
    cache: &ImageCache,
    keep: Option<Timestamp>,
    now: Timestamp,
) -> CacheChange {
    let build = build_of(cache, &process(1), now);
    store.begin_build(&build, &[]).await.unwrap();
    finish(store, &build, keep, now).await.unwrap()
}
