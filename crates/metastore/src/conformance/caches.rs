use model::{
    ByteSize, CacheId, CacheState, CopyState, EventReason, ImageSnapshotId, Percent, RegistryAccess, Savings,
    SnapshotCopies, Subject,
};

use super::{
    at, build_again, build_of, cache_named, create, create_waiting, event, failure, instance_of, process,
    ready_cache, waiting_build_of,
};
use crate::{CacheRef, Error, ErrorKind, Metastore};

pub async fn records_and_reads(store: &dyn Metastore) {
    let mut cache = cache_named("web", at(0));
    cache.last_used = Some(at(5));
    cache.checked = Some(at(6));
    cache.savings = Savings { starts: 3, fetched_bytes: ByteSize::mib(7), milliseconds: 8 };
    cache.origin = model::Origin::Automatic;
    cache.policy = serde_json::from_str(
        r#"{"retention":7,"elimination":"lru","staleness":{"rule":"strict"},"copies":{"flash":true,"standard_copies":3},
        "reuse_layers":false,"tags":{"team":"a","empty":""}}"#,
    )
    .unwrap();
    cache.access = RegistryAccess {
        plain_http: ["one.example:5000".parse().unwrap()].into(),
        insecure: ["two.example".parse().unwrap()].into(),
    };
    let (created, _) = create_waiting(store, &cache).await;
    assert_eq!(created, cache);
    assert_eq!(store.cache(cache.id).await.unwrap(), cache);
    let absent = store.cache(CacheId::generate()).await.unwrap_err();
    assert!(matches!(absent, Error::NoCache(_)), "{absent:?}");
    assert_eq!(absent.kind(), ErrorKind::NotFound);
}

pub async fn refuses_what_is_not_new(store: &dyn Metastore) {
    let cache = cache_named("web", at(0));
    create_waiting(store, &cache).await;
    let again = create(store, &cache, &waiting_build_of(&cache, at(0)), &[]).await;
    assert!(matches!(again, Err(Error::Conflict { object: "cache", .. })), "{again:?}");
    let mut ready = cache_named("web", at(0));
    ready.state = CacheState::Ready;
    let refused = create(store, &ready, &waiting_build_of(&ready, at(0)), &[]).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    assert!(store.cache(ready.id).await.is_err());
    let other = cache_named("web", at(0));
    let refused = create(store, &other, &waiting_build_of(&cache, at(0)), &[]).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    assert!(store.cache(other.id).await.is_err());
}

pub async fn resolves_by_id_and_name(store: &dyn Metastore) {
    let by_name = CacheRef::Name("web".parse().unwrap());
    let local = model::AccountId::local();
    assert!(matches!(store.resolve_cache(&local, &by_name).await, Err(Error::NoCacheOfName(_))));
    let old = ready_cache(store, "web", at(0)).await;
    let other = ready_cache(store, "other", at(9)).await;
    let newer = ready_cache(store, "web", at(1)).await;
    let unbuilt = cache_named("web", at(2));
    create_waiting(store, &unbuilt).await;
    let resolved = store.resolve_cache(&local, &by_name).await.unwrap();
    assert_eq!(resolved.cache.id, newer.id, "the newest usable one, not the newest");
    assert_eq!(resolved.others, [unbuilt.id, old.id]);
    // One that is being deleted serves no more.
    store.ask_deletion(newer.id, &[], at(3)).await.unwrap();
    let resolved = store.resolve_cache(&local, &by_name).await.unwrap();
    assert_eq!((resolved.cache.id, resolved.others), (old.id, vec![unbuilt.id, newer.id]));
    let resolved = store.resolve_cache(&local, &CacheRef::Id(other.id)).await.unwrap();
    assert_eq!((resolved.cache, resolved.others), (other, Vec::new()));
}

pub async fn notes_use_and_never_moves_back(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let saved = Savings { starts: 1, fetched_bytes: ByteSize::mib(5), milliseconds: 700 };
    for (now, expected) in [(5, 5), (3, 5), (8, 8)] {
        store.touch_cache_used(cache.id, saved, at(now)).await.unwrap();
        assert_eq!(store.cache(cache.id).await.unwrap().last_used, Some(at(expected)));
    }
    let used = store.cache(cache.id).await.unwrap();
    assert_eq!(used.savings, Savings { starts: 3, fetched_bytes: ByteSize::mib(15), milliseconds: 2100 });
    assert_eq!(used.updated, cache.updated);
    let absent = store.touch_cache_used(CacheId::generate(), saved, at(0)).await;
    assert!(matches!(absent, Err(Error::NoCache(_))));
}

pub async fn notes_looks_at_tags(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let moved = event(Subject::Cache(cache.id), EventReason::TagMoved, "moved", at(5));
    for (now, expected) in [(5, 5), (3, 5), (8, 8)] {
        store.note_cache_checked(cache.id, std::slice::from_ref(&moved), at(now)).await.unwrap();
        assert_eq!(store.cache(cache.id).await.unwrap().checked, Some(at(expected)));
    }
    assert_eq!(store.events(moved.subject).await.unwrap()[0].count, 3);
    let absent = store.note_cache_checked(CacheId::generate(), &[], at(0)).await;
    assert!(matches!(absent, Err(Error::NoCache(_))));
}

pub async fn notes_copies(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let first = cache.snapshot.unwrap();
    let half = CopyState::Copying { progress: Percent::new(50) };
    let copies = SnapshotCopies { flash: CopyState::Absent, standard: half };
    let news = [event(Subject::Cache(cache.id), EventReason::FlashReleased, "released", at(1))];
    assert!(store.note_copies(cache.id, first, copies, &news).await.unwrap());
    assert_eq!(store.cache(cache.id).await.unwrap().copies, copies);
    assert_eq!(store.events(Subject::Cache(cache.id)).await.unwrap(), news);
    build_again(store, &cache, at(2)).await;
    let late = [event(Subject::Cache(cache.id), EventReason::StandardCompleted, "late", at(3))];
    let before = store.cache(cache.id).await.unwrap();
    assert!(!store.note_copies(cache.id, first, copies, &late).await.unwrap(), "it serves another one");
    assert_eq!(store.cache(cache.id).await.unwrap(), before);
    assert!(!store.note_copies(CacheId::generate(), first, copies, &late).await.unwrap());
    assert_eq!(store.events(Subject::Cache(cache.id)).await.unwrap(), news);
}

pub async fn loses_its_snapshot(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let snapshot = cache.snapshot.unwrap();
    let instance = instance_of("one", &cache, at(1));
    store.create_instance(&instance, &[]).await.unwrap();
    let news = [event(Subject::Cache(cache.id), EventReason::SnapshotLost, "lost", at(2))];
    let lose = async |id| store.lose_snapshot(cache.id, id, &failure(), &news, at(2)).await;
    assert!(!lose(ImageSnapshotId::generate()).await.unwrap());
    assert!(!store.lose_snapshot(CacheId::generate(), snapshot, &failure(), &news, at(2)).await.unwrap());
    assert_eq!(store.events(Subject::Cache(cache.id)).await.unwrap(), []);
    let build = build_of(&cache, &process(1), at(2));
    store.begin_build(&build, &[]).await.unwrap();
    let refused = lose(snapshot).await;
    assert!(matches!(refused, Err(Error::CacheBuilding { build: by, .. }) if by == build.id), "{refused:?}");
    super::fail(store, &build, at(3)).await.unwrap();
    assert!(lose(snapshot).await.unwrap());
    let lost = store.cache(cache.id).await.unwrap();
    assert_eq!((lost.state, lost.snapshot, lost.unpacked_size), (CacheState::Failed, None, None));
    assert_eq!((lost.failure, lost.updated), (Some(failure()), at(2)));
    assert_eq!((lost.progress, lost.copies), (Percent::ZERO, SnapshotCopies::default()));
    assert_eq!(store.events(Subject::Cache(cache.id)).await.unwrap(), news);
    // An instance that holds it still names it.
    assert_eq!(store.retained_snapshots().await.unwrap(), [snapshot]);
    assert!(!lose(snapshot).await.unwrap());
    let other = ready_cache(store, "other", at(0)).await;
    assert!(store.lose_snapshot(other.id, other.snapshot.unwrap(), &failure(), &[], at(2)).await.unwrap());
    assert_eq!(store.retained_snapshots().await.unwrap(), [snapshot]);
}
