//! The life of a cache in a server: asked for, built in turn, changed, gone back with, deleted; accounts apart.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{CacheUpdate, DeleteMode, Deletion, Error, FailureKind, NewCacheRequest};
use metastore::{Admitted, CacheFilter, Page, SqliteMetastore};
use model::rules::Quotas;
use model::{
    AccountId, ByteSize, CachePolicy, CacheState, Clock as _, Elimination, EventReason, ImageCache, Percent,
    Subject,
};
use registry::Credentials;
use testkit::Reply;

use crate::service::{DAY, Ground, Service, app, image_of, request, request_of, server_with};
use crate::support::{blob_path, local};

fn images(image: &str) -> CacheUpdate {
    CacheUpdate { images: Some(vec![image.parse().unwrap()]), ..CacheUpdate::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_before_its_build_and_the_same_token_gives_the_same_answer() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let new = NewCacheRequest { token: Some("once".parse().unwrap()), ..request("web", &app(&server, "1")) };
    let Admitted::Now(cache) = service.engine.request_cache(new.clone()).await.unwrap() else {
        panic!("it is new")
    };
    assert_eq!((cache.state, cache.size_limit), (CacheState::Preparing, ByteSize::gib(20)));
    service.settle().await;
    let Admitted::Before(again) = service.engine.request_cache(new.clone()).await.unwrap() else {
        panic!("it was asked for before")
    };
    assert_eq!((again.id, again.state, again.progress), (cache.id, CacheState::Ready, Percent::ALL));
    let other = NewCacheRequest { size_limit: Some(ByteSize::gib(1)), ..new.clone() };
    let error = service.engine.request_cache(other).await.unwrap_err();
    assert!(matches!(error, Error::Records(metastore::Error::TokenMismatch { .. })), "{error}");
    let reasons: Vec<_> = service.events(&cache).await.iter().map(|event| event.reason).collect();
    assert_eq!(reasons[..2], [EventReason::Created, EventReason::BuildStarted]);
    // A day later the word means nothing any more.
    service.after(DAY * 2).await;
    assert!(matches!(service.engine.request_cache(new).await.unwrap(), Admitted::Now(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_run_in_fair_turns_and_no_more_at_once_than_fit() {
    let server = server_with(&["1", "2", "3"]);
    for tag in ["1", "2", "3"] {
        let layer = image_of(tag).layers[0].clone();
        server.always(&blob_path(&layer), Reply::blob(&layer.blob).held());
    }
    let mut ground = Ground::in_memory(&server);
    (ground.settings.builds_at_once, ground.settings.builds_per_account) = (2, 1);
    let mut service = ground.service();
    let (one, two): (AccountId, AccountId) = ("one".parse().unwrap(), "two".parse().unwrap());
    let mut caches = Vec::new();
    for (account, tag) in [(&one, "1"), (&one, "2"), (&two, "3")] {
        let new = request_of(account, "web", &app(&server, tag));
        caches.push(service.engine.request_cache(new).await.unwrap().into_cache());
    }
    service.reconcilers.pass_of("builds").await.unwrap();
    let mut states = Vec::new();
    for cache in &caches {
        states.push(service.cache(cache.id).await.state);
    }
    assert_eq!(states, [CacheState::Creating, CacheState::Preparing, CacheState::Creating]);
    server.release();
    service.settle().await;
    for cache in &caches {
        assert_eq!(service.cache(cache.id).await.state, CacheState::Ready);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_built_beside_what_serves_and_can_be_gone_back_from() {
    let server = server_with(&["1", "2"]);
    let mut service = Ground::in_memory(&server).service();
    let first = service.built(request("web", &app(&server, "1"))).await;
    let update = CacheUpdate { name: Some("site".parse().unwrap()), ..images(&app(&server, "2")) };
    let updating = service.engine.update_cache(&local(), "web", &update, None).await.unwrap().into_cache();
    assert_eq!((updating.state, updating.snapshot), (CacheState::Updating, first.snapshot));
    assert_eq!((updating.name.as_str(), &updating.images), ("site", &first.images));
    service.settle().await;
    let second = service.cache(first.id).await;
    assert_eq!((second.state, &second.images), (CacheState::Ready, update.images.as_ref().unwrap()));
    assert_ne!(second.snapshot, first.snapshot);
    assert_eq!(second.generations.len(), 1);
    let back = service.engine.roll_back(&local(), "site", None).await.unwrap();
    assert_eq!((back.snapshot, &back.images), (first.snapshot, &first.images));
    let forth = service.engine.roll_back(&local(), "site", second.snapshot).await.unwrap();
    assert_eq!(forth.snapshot, second.snapshot);
    service.settle().await;
    assert!(service.has_event(&first, EventReason::RolledBack).await);
    // The earlier snapshot goes a week after it was replaced, with its document.
    assert_eq!(service.documents().await, 2);
    service.after(DAY * 8).await;
    assert_eq!(service.cache(first.id).await.generations, []);
    assert_eq!(service.documents().await, 1);
    let error = service.engine.roll_back(&local(), "site", None).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_waits_is_not_told_as_the_build_before() {
    let server = server_with(&["1", "2"]);
    let mut service = Ground::in_memory(&server).service();
    let percent = async |service: &Service, cache: &model::ImageCache| {
        service.engine.build_progress(cache).await.unwrap().map(|seen| seen.percent())
    };
    let built = service.built(request("web", &app(&server, "1"))).await;
    assert_eq!(percent(&service, &built).await, Some(100));
    let update = images(&app(&server, "2"));
    let updating = service.engine.update_cache(&local(), "web", &update, None).await.unwrap().into_cache();
    assert_eq!(percent(&service, &updating).await, None);
    assert!(service.engine.cache_details(&local(), "web").await.unwrap().progress.is_none());
    service.settle().await;
    assert_eq!(percent(&service, &service.cache(built.id).await).await, Some(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_update_leaves_what_serves_and_the_next_one_may_end_well() {
    let server = server_with(&["1", "2"]);
    let mut service = Ground::in_memory(&server).service();
    let first = service.built(request("web", &app(&server, "1"))).await;
    service.engine.update_cache(&local(), "web", &images(&app(&server, "none")), None).await.unwrap();
    service.settle().await;
    let failed = service.cache(first.id).await;
    assert_eq!(failed.state, CacheState::UpdateFailed);
    assert_eq!((failed.snapshot, &failed.images), (first.snapshot, &first.images));
    assert_eq!(failed.failure.unwrap().reason, "not-found");
    let smaller = CacheUpdate { size_limit: Some(ByteSize::bytes(10)), ..CacheUpdate::default() };
    let refused = service.engine.update_cache(&local(), "web", &smaller, None).await.unwrap_err();
    assert_eq!(refused.kind(), FailureKind::SizeTooSmall, "{refused}");
    let smaller = CacheUpdate { size_limit: smaller.size_limit, ..images(&app(&server, "2")) };
    service.engine.update_cache(&local(), "web", &smaller, None).await.unwrap();
    service.settle().await;
    let failed = service.cache(first.id).await;
    assert_eq!((failed.state, failed.size_limit), (CacheState::UpdateFailed, first.size_limit));
    assert_eq!(failed.failure.unwrap().reason, "size-too-small");
    service.engine.update_cache(&local(), "web", &images(&app(&server, "2")), None).await.unwrap();
    service.settle().await;
    assert_eq!(service.cache(first.id).await.state, CacheState::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_is_changed_at_once_and_builds_nothing() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let first = service.built(request("web", &app(&server, "1"))).await;
    server.serve_image("app", "1", &image_of("moved"));
    let larger = CacheUpdate { size_limit: Some(ByteSize::gib(40)), ..CacheUpdate::default() };
    service.engine.update_cache(&local(), "web", &larger, None).await.unwrap();
    service.settle().await;
    let now = service.cache(first.id).await;
    assert_eq!((now.state, now.size_limit), (CacheState::Ready, ByteSize::gib(40)));
    assert_eq!((now.snapshot, now.generations), (first.snapshot, first.generations));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_images_again_are_looked_up_anew() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let first = service.built(request("web", &app(&server, "1"))).await;
    server.serve_image("app", "1", &image_of("moved"));
    service.engine.update_cache(&local(), "web", &images(&app(&server, "1")), None).await.unwrap();
    service.settle().await;
    let second = service.cache(first.id).await;
    let digest = |snapshot: &model::ImageSnapshot| snapshot.images[0].manifest_digest;
    let (old, new) = (
        service.engine.snapshot_of(&first).await.unwrap().unwrap(),
        service.engine.snapshot_of(&second).await.unwrap().unwrap(),
    );
    assert_ne!(digest(&old), digest(&new));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_refused_or_kept_in_mind_while_an_instance_runs() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let cache = service.built(request("web", &app(&server, "1"))).await;
    let instance = service.start_instance(&cache).await;
    let refused = service.engine.delete_cache(&local(), "web", DeleteMode::Refuse).await.unwrap_err();
    assert!(matches!(refused, Error::Records(metastore::Error::CacheInUse { .. })), "{refused}");
    let asked = service.engine.delete_cache(&local(), "web", DeleteMode::WhenUnused).await.unwrap();
    let Deletion::Asked(asked) = asked else { panic!("it is in use") };
    assert!(!asked.is_usable());
    service.settle().await;
    assert!(!service.is_gone(&cache).await);
    service.end_instance(&instance).await;
    service.settle().await;
    assert!(service.is_gone(&cache).await);
    assert_eq!(service.documents().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_cache_that_is_built_ends_its_build() {
    let server = server_with(&["1"]);
    let layer = image_of("1").layers[0].clone();
    server.always(&blob_path(&layer), Reply::blob(&layer.blob).hang_after(100));
    let mut service = Ground::in_memory(&server).service();
    let cache = service.engine.request_cache(request("web", &app(&server, "1"))).await.unwrap().into_cache();
    service.reconcilers.pass_of("builds").await.unwrap();
    server.wait_for_requests(&blob_path(&layer), 1);
    // At once where its build has ended by then, else soon.
    service.engine.delete_cache(&local(), "web", DeleteMode::WhenUnused).await.unwrap();
    service.settle().await;
    assert!(service.is_gone(&cache).await);
    // One that waits goes at once.
    service.engine.request_cache(request("later", &app(&server, "1"))).await.unwrap();
    let deletion = service.engine.delete_cache(&local(), "later", DeleteMode::WhenUnused).await.unwrap();
    assert!(matches!(deletion, Deletion::Done(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_quota_room_is_made_only_by_those_that_allow_it() {
    let server = server_with(&["1"]);
    let mut ground = Ground::in_memory(&server);
    ground.settings.quotas = Quotas { manual: 2, automatic: 1 };
    let mut service = ground.service();
    let keep = service.built(request("keep", &app(&server, "1"))).await;
    let policy = CachePolicy { elimination: Elimination::Lru, ..CachePolicy::default() };
    let lru = NewCacheRequest { policy, ..request("lru", &app(&server, "1")) };
    let lru = service.built(lru).await;
    let third = service.built(request("third", &app(&server, "1"))).await;
    assert!(service.is_gone(&lru).await && !service.is_gone(&keep).await);
    assert!(service.has_event(&lru, EventReason::Evicted).await);
    let error = service.engine.request_cache(request("fourth", &app(&server, "1"))).await.unwrap_err();
    assert!(matches!(error, Error::Records(metastore::Error::QuotaReached { .. })), "{error}");
    assert_eq!(service.cache(third.id).await.state, CacheState::Ready);
    assert_eq!(service.engine.usage(&local()).await.unwrap().usage.manual, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_at_once_both_find_room_under_a_quota() {
    let (server, folder) = (server_with(&["1"]), testkit::data_dir());
    // Writers of a file queue up, so that both requests are refused before either has made room.
    let records = Arc::new(SqliteMetastore::open(&folder.path().join("imc.db")).await.unwrap());
    let mut ground = Ground { records, ..Ground::in_memory(&server) };
    ground.settings.quotas = Quotas { manual: 2, automatic: 1 };
    let mut service = ground.service();
    let policy = CachePolicy { elimination: Elimination::Lru, ..CachePolicy::default() };
    let lru = |name| NewCacheRequest { policy: policy.clone(), ..request(name, &app(&server, "1")) };
    let before = [service.built(lru("one")).await, service.built(lru("two")).await];
    let (three, four) =
        tokio::join!(service.engine.request_cache(lru("three")), service.engine.request_cache(lru("four")));
    let made = [three.unwrap().into_cache(), four.unwrap().into_cache()];
    assert!(service.is_gone(&before[0]).await && service.is_gone(&before[1]).await);
    assert!(!service.is_gone(&made[0]).await && !service.is_gone(&made[1]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_sees_and_changes_nothing_of_anothers() {
    let server = server_with(&["1"]);
    let mut service = Ground::in_memory(&server).service();
    let (ours, theirs): (AccountId, AccountId) = ("ours".parse().unwrap(), "theirs".parse().unwrap());
    let cache = service.built(request_of(&theirs, "web", &app(&server, "1"))).await;
    let engine = &service.engine;
    let id = cache.id.to_string();
    for word in ["web", &id] {
        assert_eq!(engine.cache_details(&ours, word).await.unwrap_err().kind(), FailureKind::NotFound);
        let update = CacheUpdate { name: Some("stolen".parse().unwrap()), ..CacheUpdate::default() };
        let error = engine.update_cache(&ours, word, &update, None).await.unwrap_err();
        assert_eq!(error.kind(), FailureKind::NotFound);
        for mode in [DeleteMode::Refuse, DeleteMode::WhenUnused] {
            let error = engine.delete_cache(&ours, word, mode).await.unwrap_err();
            assert_eq!(error.kind(), FailureKind::NotFound);
        }
        assert_eq!(engine.roll_back(&ours, word, None).await.unwrap_err().kind(), FailureKind::NotFound);
        assert_eq!(engine.cancel_build(&ours, word).await.unwrap_err().kind(), FailureKind::NotFound);
    }
    assert_eq!(engine.events(&ours, Subject::Cache(cache.id)).await.unwrap(), []);
    let everything = CacheFilter { account: Some(theirs.clone()), ..CacheFilter::default() };
    let page = engine.describe_caches(&ours, &everything, Page::first()).await.unwrap();
    assert_eq!((page.caches.len(), page.total), (0, 0));
    // The same layers are stored once: deleting one of the caches frees nothing, and no more is told. Each account has fetched
    // them for itself.
    let own = service.built(request_of(&ours, "web", &app(&server, "1"))).await;
    assert_eq!(server.requests_for(&blob_path(&image_of("1").layers[0])).len(), 2);
    let details = service.engine.cache_details(&ours, "web").await.unwrap();
    assert_eq!(details.view.cache.id, own.id);
    assert_eq!((details.sizes.exclusive, details.sizes.shared), (ByteSize::ZERO, details.sizes.unpacked()));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_server_are_for_the_local_account_alone() {
    let server = server_with(&[]);
    let service = Ground::in_memory(&server).service();
    for image in ["oci:/etc", "docker-archive:/etc/shadow"] {
        let new = request_of(&"guest".parse().unwrap(), "web", image);
        let error = service.engine.request_cache(new).await.unwrap_err();
        assert_eq!(error.kind(), FailureKind::Input, "{error}");
        assert!(service.engine.request_cache(request("web", image)).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caches_credentials_are_used_for_it_and_for_no_other() {
    let server = server_with(&["1"]);
    server.require("Basic dTpzZWNyZXQ=", "Basic realm=\"x\"");
    let mut ground = Ground::in_memory(&server);
    ground.plain_http.clear();
    let mut service = ground.service();
    let mut new = request("private", &app(&server, "1"));
    new.access.plain_http.insert(server.host().parse().unwrap());
    let without = service.built(NewCacheRequest { name: "without".parse().unwrap(), ..new.clone() }).await;
    assert_eq!(without.failure.unwrap().reason, "unauthorized");
    new.credentials = BTreeMap::from([(server.host().parse().unwrap(), Credentials::basic("u", "secret"))]);
    let with = service.built(new).await;
    assert_eq!(with.state, CacheState::Ready, "{:?}", with.failure);
    // Whoever has none of its own profits from none of another's.
    let update = CacheUpdate { credentials: Some(BTreeMap::new()), ..images(&app(&server, "1")) };
    service.engine.update_cache(&local(), "private", &update, None).await.unwrap();
    service.settle().await;
    let after = service.cache(with.id).await;
    assert_eq!(after.state, CacheState::UpdateFailed);
    let texts: Vec<String> = service.events(&with).await.iter().map(|event| event.message.clone()).collect();
    assert!(!texts.concat().contains("secret"), "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn details_tell_what_is_shared_and_what_it_cost() {
    let server = server_with(&["1", "2"]);
    let mut ground = Ground::in_memory(&server);
    ground.settings.prices.snapshot_gib_hour = 1000.0;
    let mut service = ground.service();
    service.built(request("one", &app(&server, "1"))).await;
    let both = NewCacheRequest {
        images: vec![app(&server, "1").parse().unwrap(), app(&server, "2").parse().unwrap()],
        ..request("both", &app(&server, "1"))
    };
    let both = service.built(both).await;
    ground.time.advance(DAY);
    let details = service.engine.cache_details(&local(), "both").await.unwrap();
    assert_eq!(details.sizes.shared.plus(details.sizes.exclusive), details.sizes.unpacked());
    assert!(details.sizes.shared > ByteSize::ZERO && details.sizes.exclusive > ByteSize::ZERO);
    assert!(details.cost.amount > 0.0 && details.build.is_none());
    let snapshot = details.snapshot.unwrap();
    assert_eq!((snapshot.images.len(), Some(snapshot.id)), (2, both.snapshot));
    assert_eq!(details.view.expires, None);
    let page = Page { limit: 1, ..Page::first() };
    let first = service.engine.describe_caches(&local(), &CacheFilter::default(), page).await.unwrap();
    assert_eq!((first.caches.len(), first.total), (1, 2));
    let page = Page { after: first.next, ..page };
    let second = service.engine.describe_caches(&local(), &CacheFilter::default(), page).await.unwrap();
    assert_eq!((second.caches[0].cache.id, second.next), (both.id, None));
    assert!(ground.time.now() > both.created);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_means_the_only_usable_cache_to_an_update_and_a_rollback() {
    let server = server_with(&["1", "2"]);
    let mut service = Ground::in_memory(&server).service();
    let usable = service.built(request("web", &app(&server, "1"))).await;
    let failed = service.built(request("web", &app(&server, "none"))).await;
    let update =
        CacheUpdate { images: Some(vec![app(&server, "2").parse().unwrap()]), ..CacheUpdate::default() };
    let updated = service.engine.update_cache(&local(), "web", &update, None).await.unwrap().into_cache();
    assert_eq!(updated.id, usable.id);
    service.settle().await;
    let back = service.engine.roll_back(&local(), "web", None).await.unwrap();
    assert_eq!((back.id, back.snapshot), (usable.id, usable.snapshot));
    // A deletion is not undone: it is refused, as is a change where two are usable.
    let told = |error: Error, ids: [&ImageCache; 2]| {
        let message = error.to_string();
        assert!(matches!(error, Error::AmbiguousCache { .. }), "{message}");
        assert!(ids.iter().all(|cache| message.contains(&cache.id.to_string())), "{message}");
    };
    let refused = service.engine.delete_cache(&local(), "web", DeleteMode::Refuse).await.unwrap_err();
    told(refused, [&usable, &failed]);
    let second = service.built(request("web", &app(&server, "1"))).await;
    let refused = service.engine.update_cache(&local(), "web", &update, None).await.unwrap_err();
    told(refused, [&usable, &second]);
    told(service.engine.roll_back(&local(), "web", None).await.unwrap_err(), [&usable, &second]);
}
