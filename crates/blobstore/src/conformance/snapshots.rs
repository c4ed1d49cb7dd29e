use model::ImageSnapshotId;

use super::{at, commit_loose, layer_key, merged_key, snapshot_over};
use crate::{BlobStore, Error, ErrorKind};

pub async fn puts_and_gets(store: &dyn BlobStore) {
    let keys = [layer_key("a"), layer_key("b"), merged_key("ab")];
    commit_loose(store, &keys).await;
    let snapshot = snapshot_over(&keys);
    assert_eq!(store.get_snapshot(snapshot.id).await.unwrap(), None);
    store.put_snapshot(&snapshot).await.unwrap();
    assert_eq!(store.get_snapshot(snapshot.id).await.unwrap(), Some(snapshot));
}

pub async fn refuses_without_blobs(store: &dyn BlobStore) {
    let (there, absent) = (layer_key("there"), merged_key("absent"));
    commit_loose(store, &[there]).await;
    let snapshot = snapshot_over(&[there, absent]);
    let error = store.put_snapshot(&snapshot).await.unwrap_err();
    assert!(matches!(error, Error::MissingBlob { key, .. } if key == absent), "{error:?}");
    assert_eq!(store.get_snapshot(snapshot.id).await.unwrap(), None);
    commit_loose(store, &[absent]).await;
    store.put_snapshot(&snapshot).await.unwrap();
}

pub async fn never_changes_one(store: &dyn BlobStore) {
    let snapshot = snapshot_over(&[]);
    store.put_snapshot(&snapshot).await.unwrap();
    store.put_snapshot(&snapshot).await.unwrap();
    let mut other = snapshot.clone();
    other.created = at(99);
    assert!(matches!(store.put_snapshot(&other).await, Err(Error::SnapshotExists(_))));
    assert_eq!(store.get_snapshot(snapshot.id).await.unwrap(), Some(snapshot));
}

pub async fn lists_in_pages(store: &dyn BlobStore) {
    let mut ids = Vec::new();
    for _ in 0..5 {
        let snapshot = snapshot_over(&[]);
        store.put_snapshot(&snapshot).await.unwrap();
        ids.push(snapshot.id);
    }
    assert_eq!(store.list_snapshots(None, 3).await.unwrap(), ids[..3]);
    assert_eq!(store.list_snapshots(Some(ids[2]), 3).await.unwrap(), ids[3..]);
    assert_eq!(store.list_snapshots(Some(ids[4]), 3).await.unwrap(), []);
    assert!(matches!(store.list_snapshots(None, 0).await, Err(Error::EmptyPage)));
}

pub async fn deletes(store: &dyn BlobStore) {
    let snapshot = snapshot_over(&[]);
    store.put_snapshot(&snapshot).await.unwrap();
    assert!(store.delete_snapshot(snapshot.id).await.unwrap());
    assert!(!store.delete_snapshot(snapshot.id).await.unwrap());
    assert!(!store.delete_snapshot(ImageSnapshotId::generate()).await.unwrap());
    assert_eq!(store.get_snapshot(snapshot.id).await.unwrap(), None);
}

pub async fn refuses_other_versions(store: &dyn BlobStore) {
    let mut snapshot = snapshot_over(&[]);
    snapshot.version = 2;
    let error = store.put_snapshot(&snapshot).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(store.get_snapshot(snapshot.id).await.unwrap(), None);
}
