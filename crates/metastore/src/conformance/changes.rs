use model::{EventReason, ExitStatus, Savings, Subject};

use super::{
    at, build_of, cache_named, create_running, create_waiting, event, failure, finish, instance_of, process,
    ready_cache,
};
use crate::{CacheEdit, Change, ChangeKind, ChangeNumber, Metastore};

async fn all(store: &dyn Metastore) -> Vec<Change> {
    store.changes(ChangeNumber(0), 1000).await.unwrap().unwrap()
}

/// The changes since that one, which there must be.
async fn since(store: &dyn Metastore, number: ChangeNumber) -> Vec<Change> {
    let changes = store.changes(number, 1000).await.unwrap().unwrap();
    assert!(changes.iter().all(|change| change.number > number));
    assert!(changes.is_sorted_by(|one, other| one.number < other.number), "{changes:?}");
    changes
}

pub async fn come_in_order(store: &dyn Metastore) {
    assert_eq!(store.newest_change().await.unwrap(), ChangeNumber(0));
    assert_eq!(all(store).await, []);
    let cache = ready_cache(store, "web", at(3)).await;
    let subject = Subject::Cache(cache.id);
    let changes = all(store).await;
    assert_eq!(changes.len(), 2, "one of each verb: {changes:?}");
    for change in &changes {
        assert_eq!((change.subject, &change.account), (subject, &cache.account));
        assert_eq!((change.kind, change.at), (ChangeKind::Put, at(3)));
    }
    let newest = store.newest_change().await.unwrap();
    assert_eq!(newest, changes[1].number);
    assert_eq!(since(store, changes[0].number).await, changes[1..]);
    assert_eq!(store.changes(ChangeNumber(0), 1).await.unwrap().unwrap(), changes[..1]);
    assert_eq!(since(store, newest).await, []);
    let instance = instance_of("one", &cache, at(4));
    store.create_instance(&instance, &[]).await.unwrap();
    store.instance_started(instance.id, 7, &[], at(5)).await.unwrap();
    store.touch_cache_used(cache.id, Savings::default(), at(6)).await.unwrap();
    store.update_cache(cache.id, &CacheEdit::default(), None, None, &[], at(7)).await.unwrap();
    let build = build_of(&cache, &process(1), at(8));
    store.begin_build(&build, &[]).await.unwrap();
    store.cancel_build(build.id, &failure(), &[], at(9)).await.unwrap();
    let subjects: Vec<_> =
        since(store, newest).await.iter().map(|change| (change.subject, change.at)).collect();
    let of_instance = Subject::Instance(instance.id);
    let expected =
        [(of_instance, 4), (of_instance, 5), (subject, 6), (subject, 7), (subject, 8), (subject, 9)];
    assert_eq!(subjects, expected.map(|(subject, second)| (subject, at(second))));
}

pub async fn tell_what_is_gone(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let instance = instance_of("one", &cache, at(1));
    store.create_instance(&instance, &[]).await.unwrap();
    store.instance_exited(instance.id, ExitStatus::Code(0), &[], at(2)).await.unwrap();
    let newest = store.newest_change().await.unwrap();
    store.remove_instance(instance.id, &[]).await.unwrap();
    let news = event(Subject::Cache(cache.id), EventReason::Deleted, "deleted", at(9));
    store.delete_cache(cache.id, &[news]).await.unwrap();
    let changes = since(store, newest).await;
    let seen: Vec<_> = changes.iter().map(|change| (change.subject, change.kind)).collect();
    let expected =
        [Subject::Instance(instance.id), Subject::Cache(cache.id)].map(|one| (one, ChangeKind::Gone));
    assert_eq!(seen, expected);
    assert!(changes.iter().all(|change| change.account == cache.account));
    assert_eq!(changes[1].at, at(9), "its event says when");
}

pub async fn come_with_events(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let other = ready_cache(store, "other", at(0)).await;
    let newest = store.newest_change().await.unwrap();
    let of = |cache: &model::ImageCache, second| {
        event(Subject::Cache(cache.id), EventReason::LayerStarted, "layer", at(second))
    };
    store.append_events(&[of(&cache, 1), of(&other, 2), of(&cache, 3)]).await.unwrap();
    let subjects: Vec<_> = since(store, newest).await.iter().map(|change| change.subject).collect();
    assert_eq!(subjects, [Subject::Cache(cache.id), Subject::Cache(other.id)], "each once");
    let newest = store.newest_change().await.unwrap();
    store.note_cache_checked(cache.id, &[of(&cache, 4), of(&other, 4)], at(4)).await.unwrap();
    assert_eq!(since(store, newest).await.len(), 2);
}

pub async fn are_forgotten(store: &dyn Metastore) {
    ready_cache(store, "a", at(0)).await;
    ready_cache(store, "b", at(0)).await;
    let changes = all(store).await;
    assert_eq!(changes.len(), 4);
    store.forget_changes(9).await.unwrap();
    assert_eq!(all(store).await, changes);
    store.forget_changes(2).await.unwrap();
    assert_eq!(store.changes(ChangeNumber(0), 9).await.unwrap(), None);
    assert_eq!(store.changes(changes[0].number, 9).await.unwrap(), None);
    assert_eq!(since(store, changes[1].number).await, changes[2..], "all behind that one are there");
    let newest = store.newest_change().await.unwrap();
    store.forget_changes(0).await.unwrap();
    assert_eq!(store.newest_change().await.unwrap(), newest);
    assert_eq!(store.changes(changes[2].number, 9).await.unwrap(), None);
    assert_eq!(since(store, newest).await, []);
    let fresh = ready_cache(store, "c", at(0)).await;
    assert!(since(store, newest).await.iter().all(|change| change.subject == Subject::Cache(fresh.id)));
    // A number that was never given is of other records than these.
    let future = ChangeNumber(store.newest_change().await.unwrap().0 + 1);
    assert_eq!(store.changes(future, 9).await.unwrap(), None);
}

pub async fn none_without_news(store: &dyn Metastore) {
    let cache = ready_cache(store, "web", at(0)).await;
    let (_, build) = create_running(store, &cache_named("other", at(0))).await;
    let instance = instance_of("one", &cache, at(1));
    store.create_instance(&instance, &[]).await.unwrap();
    store.instance_exited(instance.id, ExitStatus::Code(0), &[], at(2)).await.unwrap();
    store.ask_deletion(cache.id, &[], at(3)).await.unwrap();
    let newest = store.newest_change().await.unwrap();
    let unknown = model::ImageSnapshotId::generate();
    store.instance_exited(instance.id, ExitStatus::Code(1), &[], at(4)).await.unwrap();
    store.ask_deletion(cache.id, &[], at(4)).await.unwrap();
    store.drop_generations(cache.id, &[unknown], &[]).await.unwrap();
    store.note_copies(cache.id, unknown, super::whole(), &[]).await.unwrap();
    store.lose_snapshot(cache.id, unknown, &failure(), &[], at(4)).await.unwrap();
    store.delete_cache(cache.id, &[]).await.unwrap_err();
    store.fail_build(build.id, &process(9), &failure(), &[], at(4)).await.unwrap_err();
    assert_eq!(store.newest_change().await.unwrap(), newest);
}

pub async fn come_in_order_from_many(store: &dyn Metastore) {
    let writer = async |name: &'static str| {
        for second in 0..5 {
            let (_, build) = create_running(store, &cache_named(name, at(second))).await;
            finish(store, &build, None, at(second)).await.unwrap();
            create_waiting(store, &cache_named(name, at(second))).await;
        }
    };
    // Whoever reads on from the last number that it saw has seen every change in the end.
    let reader = async || {
        let (mut seen, mut last) = (Vec::new(), ChangeNumber(0));
        while seen.len() < 60 {
            let news = since(store, last).await;
            last = news.last().map_or(last, |change| change.number);
            seen.extend(news);
            tokio::task::yield_now().await;
        }
        seen
    };
    let (seen, ..) = tokio::join!(reader(), writer("a"), writer("b"), writer("c"), writer("d"));
    assert_eq!(seen, all(store).await);
}
