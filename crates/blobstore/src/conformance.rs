//! What every store does: cases over a fresh one, to be run by [`blobstore_conformance!`](crate::blobstore_conformance).
//!
//! A case panics where the store does not keep its contract.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "test code, compiled for tests only")]

pub mod blobs;
pub mod claims;
pub mod collection;
pub mod faults;
pub mod leases;
pub mod snapshots;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use model::{
    BlobDigest, BlobKey, ByteSize, ChainId, Compression, DiffId, Digest, Document, ImageConfig, ImageId,
    ImageSnapshot, ImageSnapshotId, LayerDescriptor, ManifestDigest, SnapshotImage, SnapshotLayer, Timestamp,
};

use crate::{BlobStore, CollectReport, Committed, InUse, Lease, PAGE_LIMIT, Result, Sidecar};

/// Makes one asynchronous test for each case. `$make` is an async function, named from the crate's root, that gives a
/// fresh store and whatever must live as long: `async fn make() -> (impl BlobStore, Guard)`.
#[macro_export]
macro_rules! blobstore_conformance {
    ($make:path) => {
        $crate::blobstore_conformance! { $make;
            blobs: nothing_is_visible_before_commit, a_dropped_ingest_leaves_nothing, a_commit_carries_its_sidecar,
                the_first_commit_stays, a_wrong_size_is_refused, lists_in_pages, deletes,
                discards_only_what_is_broken, a_blob_stays_readable_when_deleted, verifies_what_has_a_table, says_how_much_room_is_left;
            snapshots: puts_and_gets, refuses_without_blobs, never_changes_one, lists_in_pages, deletes,
                refuses_other_versions;
            claims: exclude_each_other, outlive_collections_and_keep_nothing, show_that_their_owners_get_on,
                do_not_stop_an_ingest;
            leases: name_what_they_were_told, end_once, end_when_dropped, hold_until_their_time;
            collection: keeps_what_is_named, deletes_the_rest_and_counts, asks_what_is_mounted,
                deletes_nothing_where_that_is_unknown, an_ingest_is_safe_under_its_lease;
        }
    };
    ($make:path; $($module:ident: $($case:ident),+;)+) => {
        $(mod $module {
            $(#[tokio::test]
            async fn $case() {
                let (store, _guard) = $make().await;
                $crate::conformance::$module::$case(&store).await;
            })+
        })+
    };
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
}

pub fn layer_key(name: &str) -> BlobKey {
    BlobKey::Layer(DiffId::new(Digest::sha256(name.as_bytes())))
}

pub fn merged_key(name: &str) -> BlobKey {
    BlobKey::Merged(ChainId::new(Digest::sha256(name.as_bytes())))
}

pub fn nothing_mounted() -> Arc<dyn InUse> {
    Arc::new(BTreeSet::new())
}

/// The bytes that the suite gives the blob of this key.
pub fn bytes_of(key: &BlobKey) -> Vec<u8> {
    let text = key.to_string();
    text.repeat(200).into_bytes()
}

pub fn sidecar_of(key: &BlobKey) -> Sidecar {
    Sidecar {
        tar_size: ByteSize::bytes(4711),
        metadata_offset: 4096,
        metadata_len: 512,
        entries: 3,
        ..Sidecar::of_size(ByteSize::bytes(bytes_of(key).len() as u64))
    }
}

pub async fn commit_in(store: &dyn BlobStore, lease: &dyn Lease, key: &BlobKey) -> Result<Committed> {
    let writer = store.begin(lease, key).await?;
    writer.file().write_all_at(&bytes_of(key), 0).unwrap();
    writer.commit(sidecar_of(key)).await
}

/// Commits blobs that no lease names afterwards.
pub async fn commit_loose(store: &dyn BlobStore, keys: &[BlobKey]) {
    let lease = store.lease("suite", keys, crate::LeaseTerm::Held).await.unwrap();
    for key in keys {
        commit_in(store, &*lease, key).await.unwrap();
    }
    lease.release().await.unwrap();
}

pub async fn read_all(store: &dyn BlobStore, key: &BlobKey) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.open(key).await.unwrap().file.read_to_end(&mut bytes).unwrap();
    bytes
}

pub async fn listed(store: &dyn BlobStore) -> Vec<BlobKey> {
    let entries = store.list_blobs(None, PAGE_LIMIT).await.unwrap();
    entries.into_iter().map(|entry| entry.key).collect()
}

pub async fn collect(store: &dyn BlobStore) -> Result<CollectReport> {
    store.collect(nothing_mounted(), at(0)).await
}

/// A snapshot of one image whose layers are these; keys of merged images name its merged image.
pub fn snapshot_over(keys: &[BlobKey]) -> ImageSnapshot {
    let mut layers = Vec::new();
    let mut merged = None;
    for key in keys {
        match key {
            BlobKey::Merged(chain_id) => merged = Some(*chain_id),
            BlobKey::Layer(diff_id) => layers.push(SnapshotLayer {
                diff_id: *diff_id,
                descriptor: LayerDescriptor {
                    compression: Compression::Gzip,
                    digest: BlobDigest::new(*diff_id.digest()),
                    size: ByteSize::bytes(10),
                    urls: Vec::new(),
                },
                blob_size: ByteSize::bytes(bytes_of(key).len() as u64),
                root_is_given: false,
            }),
        }
    }
    let image = SnapshotImage {
        source: "registry.example/app:1".parse().unwrap(),
        manifest_digest: ManifestDigest::new(Digest::sha256(b"manifest")),
        index_digest: None,
        image_id: ImageId::new(Digest::sha256(b"config")),
        platform: "linux/amd64".parse().unwrap(),
        manifest: Document(b"{\"layers\": []}".to_vec()),
        config_document: Document(b"{}".to_vec()),
        config: config(),
        layers,
        merged,
    };
    ImageSnapshot {
        version: ImageSnapshot::VERSION,
        id: ImageSnapshotId::generate(),
        created: at(0),
        made_in_milliseconds: 0,
        images: vec![image],
    }
}

fn config() -> ImageConfig {
    let platform: model::Platform = "linux/amd64".parse().unwrap();
    serde_json::from_value(serde_json::json!({ "platform": platform, "diff_ids": [] })).unwrap()
}

/// Everything visible is whole: blobs have their bytes, snapshots have their blobs.
pub async fn check_invariants(store: &dyn BlobStore) {
    let keys = listed(store).await;
    let mut sizes = BTreeMap::new();
    for key in &keys {
        let info = store.stat(key).await.unwrap().unwrap();
        assert_eq!(info.sidecar, sidecar_of(key));
        assert_eq!(read_all(store, key).await, bytes_of(key));
        sizes.insert(*key, info.size);
    }
    for id in store.list_snapshots(None, PAGE_LIMIT).await.unwrap() {
        let snapshot = store.get_snapshot(id).await.unwrap().unwrap();
        for key in snapshot.blob_keys() {
            assert!(sizes.contains_key(&key), "{id} names {key}, which is absent");
        }
    }
}
