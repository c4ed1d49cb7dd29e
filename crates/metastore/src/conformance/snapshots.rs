use std::collections::BTreeSet;

use model::{ExitStatus, ImageSnapshotId, Instance, StoreId};

use super::{at, event, instance_of, ready_cache, snapshot_of, waiting_build_of};
use crate::{Error, InstanceRef, Metastore, Order, Page, SnapshotRecord};

pub async fn are_in_the_store_that_was_said_first(store: &dyn Metastore) {
    let stores = [(); 4].map(|()| StoreId::generate());
    let bind = async |number: usize| store.bind_store(stores[number]).await.unwrap();
    let (first, two, three, four) = tokio::join!(bind(0), bind(1), bind(2), bind(3));
    assert_eq!([two, three, four], [first; 3], "all are told the same, also where they come at once");
    assert!(stores.contains(&first));
    assert_eq!(store.bind_store(StoreId::generate()).await.unwrap(), first);
    assert_eq!(store.bind_store(first).await.unwrap(), first);
}

pub async fn are_indexed_with_their_summaries(store: &dyn Metastore) {
    let mut wanted = BTreeSet::new();
    for name in ["one", "two", "three"] {
        let cache = ready_cache(store, name, at(0)).await;
        let id = cache.snapshot.unwrap();
        let record = store.snapshot(id).await.unwrap().unwrap();
        let sources: Vec<_> = record.summary.images.iter().map(|image| image.source.clone()).collect();
        assert_eq!(sources, cache.images);
        assert_eq!(record.summary.layers.len(), 1);
        wanted.insert(id);
    }
    let oldest: Vec<ImageSnapshotId> = wanted.iter().copied().collect();
    let page = Page { limit: 2, ..Page::first() };
    let found = ids(&store.find_snapshots(page).await.unwrap());
    assert_eq!(found, oldest[..2]);
    let rest = store.find_snapshots(Page { after: found.last().copied(), ..page }).await.unwrap();
    assert_eq!(ids(&rest), oldest[2..]);
    let newest = store.find_snapshots(Page { order: Order::NewestFirst, ..page }).await.unwrap();
    assert_eq!(ids(&newest), [oldest[2], oldest[1]]);
    assert_eq!(store.snapshot(rest[0].id).await.unwrap().as_ref(), Some(&rest[0]));
}

fn ids(records: &[SnapshotRecord]) -> Vec<ImageSnapshotId> {
    records.iter().map(|record| record.id).collect()
}

/// An instance of a cache with a snapshot of its own.
async fn with_own(store: &dyn Metastore, name: &str) -> (Instance, SnapshotRecord) {
    let cache = ready_cache(store, "web", at(0)).await;
    let own = snapshot_of(&waiting_build_of(&cache, at(1)), at(1));
    (Instance { snapshot: own.id, ..instance_of(name, &cache, at(1)) }, own)
}

pub async fn of_an_instance_come_and_go_with_it(store: &dyn Metastore) {
    let (instance, own) = with_own(store, "one").await;
    let happened = event(model::Subject::Instance(instance.id), model::EventReason::CacheMiss, "none", at(1));
    store.create_instance_with_snapshot(&instance, &own, &[happened]).await.unwrap();
    assert_eq!(store.snapshot(own.id).await.unwrap(), Some(own.clone()));
    assert!(store.retained_snapshots().await.unwrap().contains(&own.id));
    assert!(store.held_snapshots().await.unwrap().contains(&own.id));
    assert_eq!(store.events(model::Subject::Instance(instance.id)).await.unwrap().len(), 1);
    store.instance_exited(instance.id, ExitStatus::Code(0), &[], at(2)).await.unwrap();
    let removal = store.remove_instance(instance.id, &[]).await.unwrap();
    assert_eq!(removal.released, Some(own.id));
    assert_eq!(store.snapshot(own.id).await.unwrap(), None);
}

pub async fn of_an_instance_come_with_it_or_not_at_all(store: &dyn Metastore) {
    let (instance, own) = with_own(store, "one").await;
    let foreign = SnapshotRecord { id: ImageSnapshotId::generate(), ..own.clone() };
    let refused = store.create_instance_with_snapshot(&instance, &foreign, &[]).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict { .. }), "{refused:?}");
    store.create_instance_with_snapshot(&instance, &own, &[]).await.unwrap();
    let again = store.create_instance_with_snapshot(&instance, &own, &[]).await.unwrap_err();
    assert!(matches!(again, Error::Conflict { .. } | Error::NameTaken { .. }), "{again:?}");
    // The name is taken: nothing of the second one's snapshot stays.
    let (second, other) = with_own(store, "one").await;
    let taken = store.create_instance_with_snapshot(&second, &other, &[]).await.unwrap_err();
    assert!(matches!(taken, Error::NameTaken { .. }), "{taken:?}");
    assert_eq!(store.snapshot(other.id).await.unwrap(), None);
    let absent = store.instance(&second.account, &InstanceRef::Id(second.id)).await;
    assert!(matches!(absent, Err(Error::NoInstance(_))));
}
