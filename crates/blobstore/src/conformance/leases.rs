use super::{at, collect, commit_in, commit_loose, layer_key, listed, nothing_mounted};
use crate::{BlobStore, Error, LeaseTerm};

pub async fn name_what_they_were_told(store: &dyn BlobStore) {
    let (a, b, c) = (layer_key("a"), layer_key("b"), layer_key("c"));
    let lease = store.lease("build 7 of \"web\"", &[a], LeaseTerm::Held).await.unwrap();
    lease.extend(&[b, a]).await.unwrap();
    store.begin(&*lease, &c).await.unwrap();
    let infos = store.list_leases(at(0)).await.unwrap();
    assert_eq!(infos.len(), 1);
    assert_eq!((infos[0].id, infos[0].term), (lease.id(), LeaseTerm::Held));
    assert_eq!(infos[0].owner, "build 7 of \"web\"");
    assert_eq!(infos[0].keys, [a, b, c].into());
}

pub async fn end_once(store: &dyn BlobStore) {
    let key = layer_key("a");
    let lease = store.lease("suite", &[key], LeaseTerm::Held).await.unwrap();
    lease.release().await.unwrap();
    lease.release().await.unwrap();
    assert!(matches!(lease.extend(&[key]).await, Err(Error::LeaseEnded(_))));
    assert!(matches!(store.begin(&*lease, &layer_key("b")).await, Err(Error::LeaseEnded(_))));
    assert_eq!(store.list_leases(at(0)).await.unwrap(), []);
}

pub async fn end_when_dropped(store: &dyn BlobStore) {
    let key = layer_key("a");
    let lease = store.lease("suite", &[], LeaseTerm::Held).await.unwrap();
    commit_in(store, &*lease, &key).await.unwrap();
    assert_eq!(collect(store).await.unwrap().deleted, []);
    drop(lease);
    assert_eq!(store.list_leases(at(0)).await.unwrap(), []);
    assert_eq!(collect(store).await.unwrap().deleted, [key]);
}

pub async fn hold_until_their_time(store: &dyn BlobStore) {
    let key = layer_key("a");
    commit_loose(store, &[key]).await;
    let lease = store.lease("peer", &[key], LeaseTerm::Until(at(10))).await.unwrap();
    let id = lease.id();
    drop(lease);
    let holding = store.list_leases(at(9)).await.unwrap();
    assert_eq!(holding.iter().map(|lease| lease.id).collect::<Vec<_>>(), [id]);
    assert_eq!(store.collect(nothing_mounted(), at(9)).await.unwrap().kept, 1);
    assert_eq!(store.list_leases(at(10)).await.unwrap(), []);
    let report = store.collect(nothing_mounted(), at(10)).await.unwrap();
    assert_eq!((report.deleted, report.ended_leases), (vec![key], 1));
    assert_eq!(listed(store).await, []);
}
