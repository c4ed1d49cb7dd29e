use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use model::BlobKey;

use super::{
    at, bytes_of, check_invariants, collect, commit_in, commit_loose, layer_key, listed, merged_key,
    snapshot_over,
};
use crate::{BlobStore, Error, InUse, LeaseTerm};

pub async fn keeps_what_is_named(store: &dyn BlobStore) {
    let (named, leased, mounted, merged) =
        (layer_key("named"), layer_key("leased"), layer_key("mounted"), merged_key("named"));
    commit_loose(store, &[named, leased, mounted, merged]).await;
    let snapshot = snapshot_over(&[named, merged]);
    store.put_snapshot(&snapshot).await.unwrap();
    let lease = store.lease("suite", &[leased], LeaseTerm::Held).await.unwrap();
    let in_use = Arc::new(BTreeSet::from([mounted]));
    let report = store.collect(in_use.clone(), at(0)).await.unwrap();
    assert_eq!((report.deleted.len(), report.kept), (0, 4));
    check_invariants(store).await;
    store.delete_snapshot(snapshot.id).await.unwrap();
    let report = store.collect(in_use, at(0)).await.unwrap();
    assert_eq!(report.deleted.iter().copied().collect::<BTreeSet<_>>(), [named, merged].into());
    assert_eq!(listed(store).await.into_iter().collect::<BTreeSet<_>>(), [leased, mounted].into());
    lease.release().await.unwrap();
}

pub async fn deletes_the_rest_and_counts(store: &dyn BlobStore) {
    // More than one batch.
    let mut keys: Vec<BlobKey> = (0..70).map(|n| layer_key(&n.to_string())).collect();
    commit_loose(store, &keys).await;
    let kept = keys.split_off(68);
    store.put_snapshot(&snapshot_over(&kept)).await.unwrap();
    let report = collect(store).await.unwrap();
    keys.sort_unstable();
    assert_eq!(report.deleted, keys);
    assert_eq!(report.kept, 2);
    let bytes: usize = keys.iter().map(|key| bytes_of(key).len()).sum();
    assert_eq!(report.freed.as_u64(), bytes as u64);
    assert_eq!(collect(store).await.unwrap().deleted, []);
    check_invariants(store).await;
}

pub async fn asks_what_is_mounted(store: &dyn BlobStore) {
    let (mounted, not) = (layer_key("mounted"), layer_key("not"));
    commit_loose(store, &[mounted, not]).await;
    let report = store.collect(Arc::new(BTreeSet::from([mounted])), at(0)).await.unwrap();
    assert_eq!(report.deleted, [not]);
    assert_eq!(listed(store).await, [mounted]);
}

struct Unknown;

impl InUse for Unknown {
    fn keys(&self) -> io::Result<BTreeSet<BlobKey>> {
        Err(io::Error::other("no list of mounts"))
    }
}

pub async fn deletes_nothing_where_that_is_unknown(store: &dyn BlobStore) {
    let key = layer_key("a");
    commit_loose(store, &[key]).await;
    let error = store.collect(Arc::new(Unknown), at(0)).await.unwrap_err();
    assert!(matches!(error, Error::InUse(_)), "{error:?}");
    assert_eq!(listed(store).await, [key]);
}

pub async fn an_ingest_is_safe_under_its_lease(store: &dyn BlobStore) {
    let key = layer_key("a");
    let lease = store.lease("suite", &[], LeaseTerm::Held).await.unwrap();
    let writer = store.begin(&*lease, &key).await.unwrap();
    let report = collect(store).await.unwrap();
    assert_eq!((report.swept, report.ended_leases), (0, 0), "the ingest and the lease have an owner");
    std::os::unix::fs::FileExt::write_all_at(writer.file(), &bytes_of(&key), 0).unwrap();
    writer.commit(super::sidecar_of(&key)).await.unwrap();
    assert_eq!(collect(store).await.unwrap().deleted, []);
    let other = layer_key("b");
    commit_in(store, &*lease, &other).await.unwrap();
    store.put_snapshot(&snapshot_over(&[key, other])).await.unwrap();
    lease.release().await.unwrap();
    assert_eq!(collect(store).await.unwrap().kept, 2);
}
