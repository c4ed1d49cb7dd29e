use std::io::Read as _;
use std::os::unix::fs::FileExt as _;

use model::{Algorithm, ByteSize, Digest};

use super::{bytes_of, commit_in, commit_loose, layer_key, listed, merged_key, read_all, sidecar_of};
use crate::{BlobStore, ChunkTable, Committed, Error, ErrorKind, LeaseTerm, Sidecar, Verified};

pub async fn nothing_is_visible_before_commit(store: &dyn BlobStore) {
    let key = layer_key("a");
    let lease = store.lease("suite", &[], LeaseTerm::Held).await.unwrap();
    let writer = store.begin(&*lease, &key).await.unwrap();
    assert_eq!(writer.key(), key);
    writer.file().write_all_at(&bytes_of(&key), 0).unwrap();
    assert_eq!(store.stat(&key).await.unwrap(), None);
    assert_eq!(listed(store).await, []);
    let absent = store.open(&key).await.unwrap_err();
    assert!(matches!(absent, Error::NoBlob(_)), "{absent:?}");
    assert_eq!(absent.kind(), ErrorKind::NotFound);
    let committed = writer.commit(sidecar_of(&key)).await.unwrap();
    assert!(matches!(committed, Committed::New(_)), "{committed:?}");
    assert_eq!(store.stat(&key).await.unwrap().as_ref(), Some(committed.info()));
    assert_eq!(read_all(store, &key).await, bytes_of(&key));
    if let Some(path) = store.local_path(&key) {
        assert_eq!(std::fs::read(path).unwrap(), bytes_of(&key));
    }
}

pub async fn a_dropped_ingest_leaves_nothing(store: &dyn BlobStore) {
    let key = layer_key("a");
    let lease = store.lease("suite", &[], LeaseTerm::Held).await.unwrap();
    let writer = store.begin(&*lease, &key).await.unwrap();
    writer.file().write_all_at(b"half", 0).unwrap();
    drop(writer);
    assert_eq!(store.stat(&key).await.unwrap(), None);
    lease.release().await.unwrap();
    assert_eq!(super::collect(store).await.unwrap().swept, 0, "the ingest removed its bytes itself");
}

pub async fn a_commit_carries_its_sidecar(store: &dyn BlobStore) {
    let key = merged_key("a");
    let lease = store.lease("suite", &[], LeaseTerm::Held).await.unwrap();
    let writer = store.begin(&*lease, &key).await.unwrap();
    writer.file().write_all_at(&bytes_of(&key), 0).unwrap();
    let sidecar = Sidecar {
        leans: serde_json::json!({ "implied": ["tmp"], "links": 3 }),
        compressed: vec![model::BlobDigest::new(Digest::sha256(b"gzip"))],
        ..sidecar_of(&key)
    };
    writer.commit(sidecar.clone()).await.unwrap();
    assert_eq!(store.stat(&key).await.unwrap().unwrap().sidecar, sidecar);
    assert_eq!(store.open(&key).await.unwrap().info.sidecar, sidecar);
}

pub async fn the_first_commit_stays(store: &dyn BlobStore) {
    let key = layer_key("a");
    let lease = store.lease("suite", &[], LeaseTerm::Held).await.unwrap();
    let second = store.begin(&*lease, &key).await.unwrap();
    let first = commit_in(store, &*lease, &key).await.unwrap();
    second.file().write_all_at(b"other bytes", 0).unwrap();
    let theirs = second.commit(Sidecar::of_size(ByteSize::bytes(11))).await.unwrap();
    assert_eq!(theirs, Committed::AlreadyExists(first.info().clone()));
    assert_eq!(read_all(store, &key).await, bytes_of(&key));
    assert_eq!(store.stat(&key).await.unwrap().unwrap(), *first.info());
}

pub async fn a_wrong_size_is_refused(store: &dyn BlobStore) {
    let key = layer_key("a");
    let lease = store.lease("suite", &[], LeaseTerm::Held).await.unwrap();
    for wrong in [2, 4] {
        let writer = store.begin(&*lease, &key).await.unwrap();
        writer.file().write_all_at(b"abc", 0).unwrap();
        let error = writer.commit(Sidecar::of_size(ByteSize::bytes(wrong))).await.unwrap_err();
        assert!(matches!(error, Error::SizeMismatch { found: 3, .. }), "{error:?}");
        assert_eq!(store.stat(&key).await.unwrap(), None);
    }
}

pub async fn lists_in_pages(store: &dyn BlobStore) {
    let mut keys: Vec<_> = (0..5).map(|n| layer_key(&n.to_string())).collect();
    keys.extend((0..3).map(|n| merged_key(&n.to_string())));
    let long = Digest::of(Algorithm::Sha512, b"long");
    keys.push(model::BlobKey::Layer(model::DiffId::new(long)));
    commit_loose(store, &keys).await;
    keys.sort_unstable();
    assert_eq!(listed(store).await, keys);
    let mut paged = Vec::new();
    loop {
        let page = store.list_blobs(paged.last(), 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        for entry in page {
            assert_eq!(entry.size.as_u64(), bytes_of(&entry.key).len() as u64);
            paged.push(entry.key);
        }
    }
    assert_eq!(paged, keys);
    assert!(matches!(store.list_blobs(None, 0).await, Err(Error::EmptyPage)));
}

pub async fn discards_only_what_is_broken(store: &dyn BlobStore) {
    let key = layer_key("a");
    assert!(!store.discard_broken(&key).await.unwrap());
    commit_loose(store, &[key]).await;
    assert!(!store.discard_broken(&key).await.unwrap());
    assert_eq!(listed(store).await, [key]);
}

pub async fn deletes(store: &dyn BlobStore) {
    let (gone, stays) = (layer_key("gone"), layer_key("stays"));
    commit_loose(store, &[gone, stays]).await;
    assert!(store.delete(&gone).await.unwrap());
    assert!(!store.delete(&gone).await.unwrap());
    assert_eq!(store.stat(&gone).await.unwrap(), None);
    assert_eq!(listed(store).await, [stays]);
    commit_loose(store, &[gone]).await;
    assert_eq!(read_all(store, &gone).await, bytes_of(&gone));
}

pub async fn a_blob_stays_readable_when_deleted(store: &dyn BlobStore) {
    let key = layer_key("a");
    commit_loose(store, &[key]).await;
    let mut open = store.open(&key).await.unwrap();
    store.delete(&key).await.unwrap();
    let mut bytes = Vec::new();
    open.file.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, bytes_of(&key));
}

pub async fn verifies_what_has_a_table(store: &dyn BlobStore) {
    let plain = layer_key("plain");
    commit_loose(store, &[plain]).await;
    assert_eq!(store.verify(&plain).await.unwrap(), Verified::Length);
    let bytes: Vec<u8> = (0..10_000_u32).map(|n| (n % 251) as u8).collect();
    let right: Vec<Digest> = bytes.chunks(4096).map(Digest::sha256).collect();
    let mut wrong = right.clone();
    wrong[2] = Digest::sha256(b"x");
    let short = right[..2].to_vec();
    let lease = store.lease("suite", &[], LeaseTerm::Held).await.unwrap();
    let put = async |name: &str, digests: Vec<Digest>, chunk_size| {
        let key = layer_key(name);
        let writer = store.begin(&*lease, &key).await.unwrap();
        writer.file().write_all_at(&bytes, 0).unwrap();
        let chunks = Some(ChunkTable { chunk_size, digests });
        writer.commit(Sidecar { chunks, ..Sidecar::of_size(ByteSize::bytes(10_000)) }).await.unwrap();
        store.verify(&key).await
    };
    assert_eq!(put("right", right.clone(), 4096).await.unwrap(), Verified::Chunks);
    let broken = put("wrong", wrong, 4096).await.unwrap_err();
    assert!(matches!(broken, Error::WrongChunk { offset: 8192, .. }), "{broken:?}");
    assert_eq!(broken.kind(), ErrorKind::Corrupt);
    assert_eq!(put("short", short, 4096).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(put("odd", right, 4097).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(matches!(store.verify(&layer_key("absent")).await, Err(Error::NoBlob(_))));
}

pub async fn says_how_much_room_is_left(store: &dyn BlobStore) {
    let space = store.free_space().await.unwrap();
    assert!(space.free <= space.total, "{space:?}");
    assert!(space.total > ByteSize::ZERO, "{space:?}");
}
