use model::{CacheId, CacheState, EventReason, ExitStatus, ImageSnapshotId, Percent, Subject};

use super::{
    at, build_and_keep, build_of, event, failure, finish, instance_of, process, ready_cache, waiting_build_of,
};
use crate::{Error, Metastore};

pub async fn keeps_the_one_before(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let mut build = build_of(&cache, &process(1), at(1));
    build.plan.images = vec!["r.example/new:1".parse().unwrap()];
    store.begin_build(&build, &[]).await.unwrap();
    let change = finish(store, &build, Some(at(50)), at(2)).await.unwrap();
    assert_eq!(change.released, []);
    let [generation] = change.cache.generations.as_slice() else { panic!("{:?}", change.cache) };
    assert_eq!((Some(generation.snapshot), &generation.images), (cache.snapshot, &cache.images));
    assert_eq!(Some(generation.unpacked_size), cache.unpacked_size);
    assert_eq!((generation.replaced, generation.kept_until), (at(2), at(50)));
    assert_eq!(store.cache(cache.id).await.unwrap(), change.cache);
    let both = [generation.snapshot, build.snapshot];
    assert_eq!(store.retained_snapshots().await.unwrap(), both);
    let third = build_and_keep(store, &change.cache, Some(at(60)), at(3)).await;
    let kept: Vec<_> = third.cache.generations.iter().map(|generation| generation.snapshot).collect();
    assert_eq!(kept, [both[1], both[0]], "the newest first");
    // Where the next is not to be kept, those before it stay.
    let fourth = build_and_keep(store, &third.cache, None, at(4)).await;
    assert_eq!(fourth.released, Vec::from_iter(third.cache.snapshot));
    assert_eq!(fourth.cache.generations, third.cache.generations);
    // They go with the cache.
    let deleted = store.delete_cache(cache.id, &[]).await.unwrap();
    assert_eq!(deleted.released.len(), 3);
    assert_eq!(store.retained_snapshots().await.unwrap(), []);
}

pub async fn rolls_back_and_forth(store: &dyn Metastore) {
    let first = ready_cache(store, "web", at(0)).await;
    let mut build = build_of(&first, &process(1), at(1));
    build.plan.images = vec!["r.example/new:1".parse().unwrap()];
    store.begin_build(&build, &[]).await.unwrap();
    let second = finish(store, &build, Some(at(50)), at(2)).await.unwrap().cache;
    let old = first.snapshot.unwrap();
    let news = [event(Subject::Cache(first.id), EventReason::RolledBack, "back", at(3))];
    let back = store.roll_back_cache(first.id, old, at(70), &news, at(3)).await.unwrap();
    assert_eq!((back.snapshot, &back.images), (Some(old), &first.images));
    assert_eq!((back.state, back.updated, back.progress), (CacheState::Ready, at(3), Percent::ALL));
    let [generation] = back.generations.as_slice() else { panic!("{back:?}") };
    assert_eq!((Some(generation.snapshot), &generation.images), (second.snapshot, &second.images));
    assert_eq!((generation.replaced, generation.kept_until), (at(3), at(70)));
    assert_eq!(store.events(Subject::Cache(first.id)).await.unwrap(), news);
    let forth = store.roll_back_cache(first.id, build.snapshot, at(80), &[], at(4)).await.unwrap();
    assert_eq!((forth.snapshot, &forth.images), (second.snapshot, &second.images));
    assert_eq!(store.cache(first.id).await.unwrap(), forth);
    assert_eq!(store.retained_snapshots().await.unwrap(), [old, build.snapshot]);
    // Going back settles an update that failed.
    let third = build_of(&forth, &process(1), at(5));
    store.begin_build(&third, &[]).await.unwrap();
    super::fail(store, &third, at(6)).await.unwrap();
    let settled = store.roll_back_cache(first.id, old, at(90), &[], at(7)).await.unwrap();
    assert_eq!((settled.state, settled.failure), (CacheState::Ready, None));
}

pub async fn refuses_what_it_does_not_have(store: &dyn Metastore) {
    let first = ready_cache(store, "web", at(0)).await;
    let cache = build_and_keep(store, &first, Some(at(50)), at(1)).await.cache;
    let old = first.snapshot.unwrap();
    let roll = async |to| store.roll_back_cache(cache.id, to, at(60), &[], at(2)).await;
    for missing in [ImageSnapshotId::generate(), cache.snapshot.unwrap()] {
        let refused = roll(missing).await;
        assert!(
            matches!(refused, Err(Error::NoGeneration { snapshot, .. }) if snapshot == missing),
            "{refused:?}"
        );
    }
    let absent = store.roll_back_cache(CacheId::generate(), old, at(60), &[], at(2)).await;
    assert!(matches!(absent, Err(Error::NoCache(_))));
    let build = waiting_build_of(&cache, at(2));
    store.begin_build(&build, &[]).await.unwrap();
    assert!(matches!(roll(old).await, Err(Error::CacheBuilding { build: by, .. }) if by == build.id));
    store.cancel_build(build.id, &failure(), &[], at(3)).await.unwrap();
    store.ask_deletion(cache.id, &[], at(4)).await.unwrap();
    assert!(matches!(roll(old).await, Err(Error::CacheDeleting(_))));
}

pub async fn drops_and_releases(store: &dyn Metastore) {
    let first = ready_cache(store, "web", at(0)).await;
    let second = build_and_keep(store, &first, Some(at(50)), at(1)).await.cache;
    let third = build_and_keep(store, &second, Some(at(60)), at(2)).await.cache;
    let (old, middle) = (first.snapshot.unwrap(), second.snapshot.unwrap());
    let instance = instance_of("one", &first, at(3));
    store.create_instance(&instance, &[]).await.unwrap();
    let subject = Subject::Cache(first.id);
    let news = [event(subject, EventReason::GenerationExpired, "expired", at(3))];
    let unknown = [ImageSnapshotId::generate(), third.snapshot.unwrap()];
    let change = store.drop_generations(first.id, &unknown, &news).await.unwrap();
    assert_eq!((change.cache, change.released), (third.clone(), Vec::new()));
    assert_eq!(store.events(subject).await.unwrap(), [], "nothing was dropped");
    let change = store.drop_generations(first.id, &[old, middle, unknown[0]], &news).await.unwrap();
    assert_eq!(change.released, [middle], "an instance holds the other");
    assert_eq!(change.cache.generations, []);
    assert_eq!(store.cache(first.id).await.unwrap(), change.cache);
    assert_eq!(store.events(subject).await.unwrap(), news);
    store.instance_exited(instance.id, ExitStatus::Code(0), &[], at(4)).await.unwrap();
    assert_eq!(store.remove_instance(instance.id, &[]).await.unwrap().released, Some(old));
    assert_eq!(store.retained_snapshots().await.unwrap(), Vec::from_iter(third.snapshot));
    let absent = store.drop_generations(CacheId::generate(), &[old], &[]).await;
    assert!(matches!(absent, Err(Error::NoCache(_))));
}

pub async fn a_generation_in_use_holds_the_cache(store: &dyn Metastore) {
    let first = ready_cache(store, "web", at(0)).await;
    let instance = instance_of("one", &first, at(1));
    store.create_instance(&instance, &[]).await.unwrap();
    let cache = build_and_keep(store, &first, Some(at(50)), at(2)).await.cache;
    let refused = store.delete_cache(cache.id, &[]).await;
    assert!(
        matches!(&refused, Err(Error::CacheInUse { instances, .. }) if *instances == [instance.name.clone()])
    );
    assert_eq!(store.held_snapshots().await.unwrap(), [instance.snapshot].into());
    // A start from an earlier snapshot is one as well.
    let late = instance_of("two", &first, at(3));
    store.create_instance(&late, &[]).await.unwrap();
    store.drop_generations(cache.id, &[instance.snapshot], &[]).await.unwrap();
    store.delete_cache(cache.id, &[]).await.unwrap();
}

pub async fn rolls_back_after_a_loss(store: &dyn Metastore) {
    let first = ready_cache(store, "web", at(0)).await;
    let cache = build_and_keep(store, &first, Some(at(50)), at(1)).await.cache;
    let (old, new) = (first.snapshot.unwrap(), cache.snapshot.unwrap());
    assert!(store.lose_snapshot(cache.id, new, &failure(), &[], at(2)).await.unwrap());
    assert_eq!(store.retained_snapshots().await.unwrap(), [old]);
    let back = store.roll_back_cache(cache.id, old, at(60), &[], at(3)).await.unwrap();
    assert_eq!((back.state, back.snapshot, back.generations.len()), (CacheState::Ready, Some(old), 0));
    assert!(back.is_usable() && back.failure.is_none());
}
