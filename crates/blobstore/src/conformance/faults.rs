//! One script, run with every one of its steps failing in turn: whatever failed, all that is visible is whole, and the
//! script can be repeated to its end.

use rustix::io::Errno;

use super::{check_invariants, collect, commit_in, layer_key, listed, merged_key, read_all, snapshot_over};
use crate::{BlobStore, ErrorKind, FaultPlan, FaultStore, LeaseTerm, Result};

/// A build of three blobs, a snapshot over two of them, a second one that goes, a collection.
///
/// # Errors
/// The first that the store gives.
pub async fn script(store: &dyn BlobStore) -> Result<()> {
    let keys = [layer_key("a"), layer_key("b"), merged_key("ab")];
    let lease = store.lease("script", &keys[..1], LeaseTerm::Held).await?;
    lease.extend(&keys).await?;
    for key in &keys {
        let _claim = store.claim(key).await?;
        if store.stat(key).await?.is_none() {
            commit_in(store, &*lease, key).await?;
        }
    }
    let stays = snapshot_over(&keys[..2]);
    let goes = snapshot_over(&keys);
    store.put_snapshot(&stays).await?;
    store.put_snapshot(&goes).await?;
    store.get_snapshot(stays.id).await?;
    store.delete_snapshot(goes.id).await?;
    lease.release().await?;
    collect(store).await?;
    store.verify(&keys[0]).await.map(drop)
}

/// After a failure: what is visible is whole, and the script ends well when it is repeated.
pub async fn recovers(store: &dyn BlobStore) {
    check_invariants(store).await;
    script(store).await.unwrap();
    check_invariants(store).await;
    for id in store.list_snapshots(None, 100).await.unwrap() {
        let snapshot = store.get_snapshot(id).await.unwrap().unwrap();
        for key in snapshot.blob_keys() {
            read_all(store, &key).await;
        }
        store.delete_snapshot(id).await.unwrap();
    }
    collect(store).await.unwrap();
    assert_eq!(listed(store).await, [], "what nobody names can all be collected");
}

/// Runs the script over a store that fails at the given call, and says whether the script got as far.
pub async fn fails_and_recovers(store: impl BlobStore, call: u64, is_done: bool) -> bool {
    let store = FaultStore::new(store, Some(FaultPlan { call, is_done, errno: Errno::NOSPC }));
    let outcome = script(&store).await;
    let got_there = store.calls() > call;
    match outcome {
        Ok(()) => assert!(!got_there, "the failure was swallowed"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::NoSpace, "{error:?}"),
    }
    recovers(store.inner()).await;
    got_there
}
