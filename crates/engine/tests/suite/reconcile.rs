//! The reconcilers over weeks: what is over goes, tags are looked at, what was left is gone on with.

use std::sync::Arc;
use std::time::Duration;

use engine::{
    BuildProgress, Daemon, DeleteMode, Groups, InstanceOptions, Instances, NewCacheRequest, NewInstance,
    StalenessWish, StartOutcome, StartWish, Watched,
};
use metastore::fault::FaultMetastore;
use metastore::verbs::*;
use metastore::{ChangeKind, ErrorKind, MemoryMetastore, ProcessIdentity};
use model::{
    AccountId, BlobKey, CachePolicy, CacheState, Event, EventKind, EventReason, InstanceId, Origin, Percent,
    RetentionDays, Staleness, Subject,
};
use testkit::Reply;

use crate::instances::MemoryHost;
use crate::service::{DAY, Ground, app, image_of, request, server_with};
use crate::support::{blob_path, image, local, noise};

fn kept(days: u32, new: NewCacheRequest) -> NewCacheRequest {
    let policy = CachePolicy { retention: Some(RetentionDays::try_from(days).unwrap()), ..new.policy };
    NewCacheRequest { policy, ..new }
}

fn refreshed(new: NewCacheRequest) -> NewCacheRequest {
    let staleness = Staleness::Refresh { interval_seconds: 3600.try_into().unwrap() };
    NewCacheRequest { policy: CachePolicy { staleness, ..new.policy }, ..new }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_cache_goes_when_its_time_is_over() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let image = app(&server, "1");
    let ever = service.built(request("ever", &image)).await;
    let days = service.built(kept(3, request("days", &image))).await;
    let failed = service.built(request("failed", &app(&server, "none"))).await;
    let automatic = |name| NewCacheRequest { origin: Origin::Automatic, ..request(name, &image) };
    let unused = service.built(automatic("unused")).await;
    let used = service.built(automatic("used")).await;
    let instance = service.start_instance(&used).await;
    service.end_instance(&instance).await;
    let mut gone = Vec::new();
    for day in 1..=40 {
        service.after(DAY).await;
        for cache in [&ever, &days, &failed, &unused, &used] {
            if service.is_gone(cache).await && !gone.iter().any(|(name, _)| name == cache.name.as_str()) {
                gone.push((cache.name.to_string(), day));
            }
        }
    }
    let expected = [("failed", 1), ("days", 3), ("unused", 7), ("used", 30)];
    assert_eq!(gone, expected.map(|(name, day)| (name.to_owned(), day)));
    // Their events are kept for a week beyond them, and then forgotten.
    assert_eq!(service.events(&failed).await, []);
    assert_eq!(service.documents().await, 1);
    assert!(!service.is_gone(&ever).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn being_picked_by_a_match_is_a_use() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let cache = service.built(request("web", &app(&server, "1"))).await;
    assert_eq!(cache.last_used, None);
    service.engine.note_match(&local(), cache.id).await.unwrap();
    let used = service.cache(cache.id).await;
    assert!(used.last_used.is_some());
    assert_eq!(used.savings, cache.savings);
    let other = "other".parse::<AccountId>().unwrap();
    let refused = service.engine.note_match(&other, cache.id).await;
    assert!(matches!(refused, Err(engine::Error::UnknownCache { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_over_waits_for_its_last_instance() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let cache = service.built(kept(1, request("web", &app(&server, "1")))).await;
    let instance = service.start_instance(&cache).await;
    service.after(DAY * 3).await;
    assert!(!service.is_gone(&cache).await);
    service.end_instance(&instance).await;
    service.settle().await;
    assert!(service.is_gone(&cache).await && service.has_event(&cache, EventReason::Expired).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_moved_is_built_anew_and_a_registry_that_is_down_harms_nothing() {
    let mut server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let pinned = service.built(request("pinned", &app(&server, "1"))).await;
    let cache = service.built(refreshed(request("web", &app(&server, "1")))).await;
    let hour = Duration::from_secs(3600);
    service.after(hour).await;
    let checked = service.cache(cache.id).await;
    assert_eq!(checked.snapshot, cache.snapshot);
    assert!(checked.checked > Some(cache.created));
    assert!(!service.has_event(&cache, EventReason::TagMoved).await);
    server.serve_image("app", "1", &image_of("moved"));
    service.after(hour / 2).await;
    assert_eq!(service.cache(cache.id).await.snapshot, cache.snapshot);
    service.after(hour / 2).await;
    let moved = service.cache(cache.id).await;
    assert_ne!(moved.snapshot, cache.snapshot);
    assert_eq!(moved.state, CacheState::Ready);
    assert!(service.has_event(&cache, EventReason::TagMoved).await);
    assert_eq!(service.cache(pinned.id).await.snapshot, pinned.snapshot);
    server.stop();
    service.after(hour).await;
    let still = service.cache(cache.id).await;
    assert_eq!((still.state, still.snapshot), (CacheState::Ready, moved.snapshot));
    assert!(still.checked > moved.checked);
    assert!(service.has_event(&cache, EventReason::RefreshFailed).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_is_refused_is_no_look_at_the_tags() {
    for others in 0.. {
        let server = server_with(&["1"]);
        let records = Arc::new(FaultMetastore::new(MemoryMetastore::default(), None));
        let ground = Ground { records: Arc::clone(&records) as _, ..Ground::in_memory(&server) };
        let mut service = ground.service();
        let cache = service.built(refreshed(request("web", &app(&server, "1")))).await;
        server.serve_image("app", "1", &image_of("moved"));
        ground.time.advance(Duration::from_secs(3600));
        let before = records.calls();
        records.fail_after(others, ErrorKind::Refused);
        let looked = service.reconcilers.pass_of("refresh").await;
        let calls = records.calls() - before;
        let after = records.inner().cache(cache.id).await.unwrap();
        // A look that failed is one, and says so.
        let events = records.inner().events(Subject::Cache(cache.id)).await.unwrap();
        let has_failed = events.iter().any(|event| event.reason == EventReason::RefreshFailed);
        if looked.is_ok() && after.checked.is_some() && !has_failed {
            assert_eq!(after.state, CacheState::Updating, "after {others} others");
        }
        if calls <= others {
            return assert_eq!(after.state, CacheState::Updating);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_wants_it_has_the_tags_of_a_pinned_cache_looked_at() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let cache = service.built(request("web", &app(&server, "1"))).await;
    let images = vec![app(&server, "1").parse().unwrap()];
    let wish = StartWish {
        staleness: Some(StalenessWish::Refresh),
        ..StartWish::new(InstanceId::generate(), images, cache.platform.clone())
    };
    let instances = Instances::new(service.engine.clone(), Arc::new(MemoryHost::default()));
    server.serve_image("app", "1", &image_of("moved"));
    let new = NewInstance {
        wish,
        name: None,
        options: InstanceOptions::default(),
        remove_on_exit: false,
        runtime: None,
    };
    let created = instances.create(&local(), new, &BuildProgress::default()).await.unwrap();
    assert_eq!((created.outcome, created.instance.snapshot), (StartOutcome::Hit, cache.snapshot.unwrap()));
    service.settle().await;
    let after = service.cache(cache.id).await;
    assert!(after.snapshot != cache.snapshot && service.has_event(&cache, EventReason::TagMoved).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_server_left_is_gone_on_with_so_many_times() {
    let server = server_with(&["1"]);
    let layer = image_of("1").layers[0].clone();
    server.always(&blob_path(&layer), Reply::blob(&layer.blob).hang_after(100));
    let mut ground = Ground::in_memory(&server);
    ground.settings.build_attempts = 3;
    let first = ground.service();
    let cache = first.engine.request_cache(request("web", &app(&server, "1"))).await.unwrap().into_cache();
    for number in 1..=3 {
        let mut doomed = ground.doomed(number);
        doomed.reconcilers.pass_of("builds").await.unwrap();
        server.wait_for_requests(&blob_path(&layer), usize::try_from(number).unwrap());
        doomed.reconcilers.abandon().await;
        assert_eq!(ground.records.cache(cache.id).await.unwrap().state, CacheState::Creating);
    }
    let mut service = ground.service();
    service.settle().await;
    let failed = service.cache(cache.id).await;
    assert_eq!((failed.state, failed.failure.unwrap().reason.as_str()), (CacheState::Failed, "interrupted"));
    assert!(service.has_event(&cache, EventReason::BuildResumed).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_was_taken_and_forgotten_is_taken_up_again() {
    let server = server_with(&["1"]);
    let ground = Ground::in_memory(&server);
    let mut service = ground.service();
    let cache = service.engine.request_cache(request("web", &app(&server, "1"))).await.unwrap().into_cache();
    // As where the records' answer is lost.
    let us = ProcessIdentity::current().unwrap();
    let turns = metastore::Turns { per_account: 1 };
    let now = model::Clock::now(&ground.time);
    ground.records.take_queued_build(&us, turns, now).await.unwrap().unwrap();
    service.settle().await;
    assert_eq!(service.cache(cache.id).await.state, CacheState::Creating);
    service.after(Duration::from_secs(61)).await;
    assert_eq!(service.cache(cache.id).await.state, CacheState::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_tells_how_far_it_is_and_learns_of_its_end_by_the_records() {
    let server = server_with(&[]);
    let layer = noise("large", 4_000_000);
    server.serve_image("app", "1", &image([layer.clone()]));
    let half = layer.blob.len() / 2;
    server.always(&blob_path(&layer), Reply::blob(&layer.blob).hang_after(half as u64));
    let ground = Ground::in_memory(&server);
    let mut one = ground.service();
    let cache = one.engine.request_cache(request("web", &app(&server, "1"))).await.unwrap().into_cache();
    one.reconcilers.pass_of("builds").await.unwrap();
    let progress = loop {
        ground.time.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
        let progress = one.cache(cache.id).await.progress;
        if progress > Percent::ZERO {
            break progress;
        }
    };
    assert!(progress < Percent::ALL, "{progress}");
    // Another server is asked to end it.
    let two = ground.doomed(7);
    two.engine.cancel_build(&local(), "web").await.unwrap();
    while one.cache(cache.id).await.state != CacheState::Failed {
        ground.time.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert_eq!(one.cache(cache.id).await.failure.unwrap().reason, "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_gone_from_the_store_makes_its_cache_say_so() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let cache = service.built(request("web", &app(&server, "1"))).await;
    service.ground.store.delete_snapshot(cache.snapshot.unwrap()).await.unwrap();
    // Until somebody has looked, it is shown without what is gone.
    let shown = service.engine.cache_details(&local(), "web").await.unwrap();
    assert_eq!((shown.view.cache.snapshot, shown.snapshot), (cache.snapshot, None));
    service.settle().await;
    let lost = service.cache(cache.id).await;
    assert_eq!((lost.state, lost.failure.unwrap().reason.as_str()), (CacheState::Failed, "snapshot-lost"));
    assert!(service.has_event(&cache, EventReason::SnapshotLost).await);
}

/// Waits until something is so that other tasks bring about; what is seen instead is told where it never comes.
async fn until(is_so: &dyn Fn() -> bool, seen: &dyn Fn() -> String) {
    let there = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), there).await;
    waited.unwrap_or_else(|_| panic!("{}", seen()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_does_all_of_it_by_itself_and_ends_in_time() {
    let server = server_with(&["1"]);
    let ground = Ground::in_memory(&server);
    let service = ground.service();
    let in_use = Arc::new(std::collections::BTreeSet::<BlobKey>::new());
    let mut watcher = service.engine.watch_changes();
    let daemon = Daemon::start(service.engine.clone(), in_use).await.unwrap();
    assert!(service.engine.is_served().await.unwrap());
    let cache = service.engine.request_cache(request("web", &app(&server, "1"))).await.unwrap().into_cache();
    let follow = async {
        let mut saw_reading = false;
        while service.cache(cache.id).await.state != CacheState::Ready {
            service.ground.time.advance(Duration::from_secs(1));
            saw_reading |= watcher.next().await == Some(Watched::ReadAnew);
        }
        assert!(saw_reading);
        service.engine.delete_cache(&local(), "web", DeleteMode::WhenUnused).await.unwrap();
        loop {
            service.ground.time.advance(Duration::from_secs(1));
            match watcher.next().await {
                Some(Watched::Change(change)) if change.kind == ChangeKind::Gone => break change,
                Some(_) => {}
                None => panic!("the engine is there"),
            }
        }
    };
    let gone =
        tokio::time::timeout(Duration::from_secs(30), follow).await.expect("it is told of each change");
    assert_eq!((gone.subject, gone.account), (Subject::Cache(cache.id), local()));
    // The indexes are filled without being asked, and hold up nobody for ever; a collection has time.
    let unseen = || {
        let unseen = daemon.status().into_iter().filter(|status| status.passes == 0);
        unseen.map(|status| status.name).collect::<Vec<_>>()
    };
    until(&|| unseen() == ["collection"], &|| format!("{:?}", daemon.status())).await;
    let status = daemon.status();
    assert!(status.iter().all(|status| status.failures == 0), "{status:?}");
    assert_eq!(daemon.drain(Duration::from_secs(1)).await, engine::Drained::default());
    assert!(!service.engine.is_served().await.unwrap());
}

/// What reads every cache, a page after the other.
const READ_ALL: [&str; 4] = ["find_caches", "list_caches", "outline_caches", "outline_caches_and_snapshots"];

#[tokio::test(flavor = "multi_thread")]
async fn only_those_wait_until_the_indexes_are_filled_that_look_at_every_cache() {
    let server = server_with(&["1"]);
    let records = Arc::new(FaultMetastore::new(MemoryMetastore::default(), None));
    let ground = Ground { records: Arc::clone(&records) as _, ..Ground::in_memory(&server) };
    let mut service = ground.service();
    service.built(request("web", &app(&server, "1"))).await;
    // The next server, whose indexes are empty.
    let service = ground.service();
    let groups = Groups::new(Instances::new(service.engine.clone(), Arc::new(MemoryHost::default())));
    records.hold("outline_caches_and_snapshots");
    records.forget_called();
    let in_use = Arc::new(std::collections::BTreeSet::<BlobKey>::new());
    let daemon = Daemon::start_with_groups(groups, in_use).await.unwrap();
    let looked = || {
        let looked = daemon.status().into_iter().filter(|status| status.passes > 0);
        looked.map(|status| status.name).collect::<std::collections::BTreeSet<_>>()
    };
    let read = || READ_ALL.into_iter().filter(|verb| records.called().contains(verb)).collect::<Vec<_>>();
    let seen = || format!("{:?}: {:?}", records.called(), daemon.status());
    let others = ["builds", "changes", "forgetting", "groups"];
    until(&|| others.iter().all(|name| looked().contains(name)) && !read().is_empty(), &seen).await;
    assert_eq!(looked().len(), others.len(), "{:?}", daemon.status());
    // They need not wait: none of them reads every cache, which the indexes alone are about to.
    assert_eq!(read(), ["outline_caches_and_snapshots"]);
    records.let_go();
    let waiting = ["indexes", "expiry", "refresh", "copies"];
    until(&|| waiting.iter().all(|name| looked().contains(name)), &seen).await;
    assert_eq!(daemon.drain(Duration::from_secs(1)).await, engine::Drained::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_too_slowly_is_told_to_read_anew() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    service.settle().await;
    let mut watcher = service.engine.watch_changes();
    let cache = service.engine.request_cache(request("web", &app(&server, "1"))).await.unwrap().into_cache();
    for number in 0..5000 {
        let message = format!("{number}");
        let now = model::Clock::now(&service.ground.time);
        let event =
            Event::once(Subject::Cache(cache.id), EventKind::Normal, EventReason::Updated, message, now);
        service.ground.records.append_events(&[event]).await.unwrap();
    }
    service.reconcilers.pass_of("changes").await.unwrap();
    assert_eq!(watcher.next().await, Some(Watched::ReadAnew));
    assert!(matches!(watcher.next().await, Some(Watched::Change(_))));
    // Whoever comes back after what is forgotten reads anew as well.
    let newest = service.engine.newest_change().await.unwrap();
    service.ground.records.forget_changes(10).await.unwrap();
    assert_eq!(service.engine.changes_after(metastore::ChangeNumber(0), 10).await.unwrap(), None);
    assert_eq!(service.engine.changes_after(newest, 10).await.unwrap(), Some(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_beside_a_server_leaves_it_its_builds() {
    let server = server_with(&["1"]);
    let ground = Ground::in_memory(&server);
    let service = ground.service();
    let cache = service.engine.request_cache(request("web", &app(&server, "1"))).await.unwrap().into_cache();
    let dead = ProcessIdentity { start_ticks: 1, ..ProcessIdentity::current().unwrap() };
    let now = model::Clock::now(&ground.time);
    let turns = metastore::Turns { per_account: 1 };
    ground.records.take_queued_build(&dead, turns, now).await.unwrap().unwrap();
    let lease = ground.store.lease("server", &[], blobstore::LeaseTerm::Held).await.unwrap();
    service.engine.fail_interrupted().await.unwrap();
    assert_eq!(service.cache(cache.id).await.state, CacheState::Creating);
    lease.release().await.unwrap();
    service.engine.fail_interrupted().await.unwrap();
    assert_eq!(service.cache(cache.id).await.state, CacheState::Failed);
    let account: AccountId = "other".parse().unwrap();
    assert!(service.engine.list_caches(&account).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_tells_what_was_left_in_the_middle_and_the_next_server_goes_on_with_it() {
    let server = server_with(&["1"]);
    let layer = image_of("1").layers[0].clone();
    server.script(&blob_path(&layer), [Reply::blob(&layer.blob).hang_after(100)]);
    let ground = Ground::in_memory(&server);
    let doomed = ground.doomed(1);
    let in_use = Arc::new(std::collections::BTreeSet::<BlobKey>::new());
    let cache = doomed.engine.request_cache(request("web", &app(&server, "1"))).await.unwrap().into_cache();
    let daemon = Daemon::start(doomed.engine.clone(), in_use).await.unwrap();
    server.wait_for_requests(&blob_path(&layer), 1);
    let build = ground.records.build_of_cache(cache.id).await.unwrap().unwrap();
    let time_goes_by = async {
        loop {
            ground.time.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    let drained = tokio::select! {
        drained = daemon.drain(Duration::from_secs(30)) => drained,
        never = time_goes_by => never,
    };
    // Which reconcilers are at work when that much time has gone by in no time is chance.
    assert_eq!(drained.builds, [build.id]);
    let mut service = ground.service();
    service.settle().await;
    assert_eq!(service.cache(cache.id).await.state, CacheState::Ready);
}
