use super::{collect, commit_in, layer_key, listed, merged_key};
use crate::{BlobStore, LeaseTerm};

pub async fn exclude_each_other(store: &dyn BlobStore) {
    let (a, b) = (layer_key("a"), merged_key("a"));
    let first = store.claim(&a).await.unwrap().unwrap();
    assert_eq!(first.key(), a);
    assert!(store.claim(&a).await.unwrap().is_none());
    let other = store.claim(&b).await.unwrap().unwrap();
    drop(first);
    let second = store.claim(&a).await.unwrap().unwrap();
    assert!(store.claim(&a).await.unwrap().is_none());
    assert!(store.claim(&b).await.unwrap().is_none());
    drop((second, other));
    assert!(store.claim(&a).await.unwrap().is_some());
}

pub async fn outlive_collections_and_keep_nothing(store: &dyn BlobStore) {
    let key = layer_key("a");
    let claim = store.claim(&key).await.unwrap().unwrap();
    let lease = store.lease("suite", &[], LeaseTerm::Held).await.unwrap();
    commit_in(store, &*lease, &key).await.unwrap();
    lease.release().await.unwrap();
    assert_eq!(collect(store).await.unwrap().deleted, [key]);
    assert_eq!(listed(store).await, []);
    assert!(store.claim(&key).await.unwrap().is_none());
    drop(claim);
}

pub async fn show_that_their_owners_get_on(store: &dyn BlobStore) {
    let key = layer_key("a");
    assert_eq!(store.claim_beat(&key).await.unwrap(), None);
    let claim = store.claim(&key).await.unwrap().unwrap();
    let first = store.claim_beat(&key).await.unwrap();
    assert!(first.is_some());
    assert_eq!(store.claim_beat(&key).await.unwrap(), first, "asking is no sign of life");
    // A clock may be coarse: after some signs there is one that differs.
    while store.claim_beat(&key).await.unwrap() == first {
        claim.beat();
    }
    drop(claim);
    assert_eq!(store.claim_beat(&key).await.unwrap(), None);
}

/// A claim is a courtesy: who makes a blob without one does no harm.
pub async fn do_not_stop_an_ingest(store: &dyn BlobStore) {
    let key = layer_key("a");
    let _claim = store.claim(&key).await.unwrap().unwrap();
    let lease = store.lease("suite", &[], LeaseTerm::Held).await.unwrap();
    commit_in(store, &*lease, &key).await.unwrap();
    assert_eq!(listed(store).await, [key]);
}
