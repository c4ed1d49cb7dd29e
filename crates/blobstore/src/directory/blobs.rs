//! Blobs: ingest, commit, look, list, delete, verify.

use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use async_trait::async_trait;
use model::{BlobKey, ByteSize};

use super::files::{self, TempFile, failed};
use super::layout::{BlobPaths, Shelf};
use super::{DirectoryStore, Inner};
use crate::chunk;
use crate::store::page_size;
use crate::{
    BlobEntry, BlobInfo, BlobWriter, Committed, Error, ErrorKind, OpenBlob, Result, Sidecar, Verified,
};

/// An ingest into a file of `tmp/`.
#[derive(Debug)]
pub(super) struct Ingest {
    store: DirectoryStore,
    key: BlobKey,
    temp: TempFile,
}

impl Ingest {
    pub(super) fn begin(store: DirectoryStore, key: BlobKey) -> Result<Self> {
        let temp = TempFile::create(&store.0.layout.tmp(), "ingest")?;
        store.0.step("ingest-created")?;
        Ok(Self { store, key, temp })
    }

    fn commit_now(self, sidecar: &Sidecar) -> Result<Committed> {
        let Self { store, key, temp } = self;
        let inner = &store.0;
        let found = temp.file().metadata().map_err(failed("examine", "ingest", temp.path()))?.len();
        let expected = sidecar.blob_size.as_u64();
        if found != expected {
            return Err(Error::SizeMismatch { key, found, expected });
        }
        let document = files::to_bounded_json("sidecar", sidecar)?;
        let read_only = Permissions::from_mode(0o444);
        temp.file().set_permissions(read_only).map_err(failed("protect", "ingest", temp.path()))?;
        temp.file().sync_data().map_err(failed("sync", "ingest", temp.path()))?;
        inner.step("blob-synced")?;
        let document = TempFile::with_bytes(&inner.layout.tmp(), "sidecar", &document)?;
        inner.step("sidecar-written")?;
        let paths = inner.layout.blob(&key);
        // One commit at a time: the blob and the sidecar of one key always come from the same ingest.
        let _lock = inner.lock_exclusive()?;
        files::ensure_directory(&paths.directory)?;
        if let Some(info) = stat(inner, &key)? {
            // Whoever committed it may have died before its name was durable.
            files::sync_directory(&paths.directory)?;
            return Ok(Committed::AlreadyExists(info));
        }
        document.rename(&paths.sidecar)?;
        inner.step("sidecar-renamed")?;
        // The sidecar's name is durable before the blob's is.
        files::sync_directory(&paths.directory)?;
        temp.rename(&paths.blob)?;
        inner.step("blob-renamed")?;
        files::sync_directory(&paths.directory)?;
        inner.step("blob-dir-synced")?;
        Ok(Committed::New(BlobInfo { key, size: sidecar.blob_size, sidecar: sidecar.clone() }))
    }
}

#[async_trait]
impl BlobWriter for Ingest {
    fn key(&self) -> BlobKey {
        self.key
    }

    fn file(&self) -> &File {
        self.temp.file()
    }

    async fn commit(self: Box<Self>, sidecar: Sidecar) -> Result<Committed> {
        super::blocking(move || self.commit_now(&sidecar)).await
    }
}

/// What is known of a blob. It is there where both its files are.
pub(super) fn stat(inner: &Inner, key: &BlobKey) -> Result<Option<BlobInfo>> {
    let paths = inner.layout.blob(key);
    let Some(file) = files::open("blob", &paths.blob)? else { return Ok(None) };
    read_info(*key, &paths, &file)
}

fn read_info(key: BlobKey, paths: &BlobPaths, file: &File) -> Result<Option<BlobInfo>> {
    let Some(bytes) = files::read("sidecar", &paths.sidecar)? else { return Ok(None) };
    let sidecar: Sidecar = files::parse("sidecar", &paths.sidecar, Sidecar::VERSION, &bytes)?;
    let length = file.metadata().map_err(failed("examine", "blob", &paths.blob))?.len();
    if length != sidecar.blob_size.as_u64() {
        let why = format!("it has {length} bytes, its sidecar says {}", sidecar.blob_size.as_u64());
        return Err(Error::Contradiction { object: "blob", path: paths.blob.clone(), why });
    }
    Ok(Some(BlobInfo { key, size: ByteSize::bytes(length), sidecar }))
}

/// Whether both files of a blob are there; for many keys at once, where the sidecars' contents do not matter.
pub(super) fn is_there(inner: &Inner, key: &BlobKey) -> bool {
    let paths = inner.layout.blob(key);
    paths.blob.is_file() && paths.sidecar.is_file()
}

pub(super) fn open(inner: &Inner, key: &BlobKey) -> Result<OpenBlob> {
    let paths = inner.layout.blob(key);
    let file = files::open("blob", &paths.blob)?.ok_or(Error::NoBlob(*key))?;
    let info = read_info(*key, &paths, &file)?.ok_or(Error::NoBlob(*key))?;
    Ok(OpenBlob { file, info })
}

pub(super) fn delete(inner: &Inner, key: &BlobKey) -> Result<bool> {
    let _lock = inner.lock_exclusive()?;
    let paths = inner.layout.blob(key);
    let was_there = remove_both(inner, &paths)?;
    if was_there {
        files::sync_directory(&paths.directory)?;
    }
    Ok(was_there)
}

/// Under the lock of commits, so that a whole one which somebody made meanwhile is not taken for the broken one.
pub(super) fn discard_broken(inner: &Inner, key: &BlobKey) -> Result<bool> {
    let _lock = inner.lock_exclusive()?;
    match stat(inner, key) {
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            let paths = inner.layout.blob(key);
            remove_both(inner, &paths)?;
            files::sync_directory(&paths.directory)?;
            Ok(true)
        }
        found => found.map(|_| false),
    }
}

/// Removes the blob and then its sidecar, so that what a crash leaves is invisible. The store must be locked.
pub(super) fn remove_both(inner: &Inner, paths: &BlobPaths) -> Result<bool> {
    let was_there = files::remove("blob", &paths.blob)?;
    inner.step("collect-unlinked-blob")?;
    files::remove("sidecar", &paths.sidecar)?;
    inner.step("collect-unlinked-sidecar")?;
    Ok(was_there)
}

/// What one folder of blobs holds.
#[derive(Debug, Default)]
pub(super) struct ShelfContents {
    /// Keys with both files.
    pub(super) whole: BTreeSet<BlobKey>,
    /// Keys with one file only: cut short between two steps, by a crash.
    pub(super) halves: BTreeSet<BlobKey>,
}

pub(super) fn shelf_contents(shelf: &Shelf) -> Result<ShelfContents> {
    let (mut blobs, mut sidecars) = (BTreeSet::new(), BTreeSet::new());
    for name in files::names(&shelf.directory)? {
        let Some((stem, extension)) = name.rsplit_once('.') else { continue };
        let Some(key) = shelf.key(stem) else { continue };
        match extension {
            "erofs" => blobs.insert(key),
            "json" => sidecars.insert(key),
            _ => continue,
        };
    }
    Ok(ShelfContents {
        whole: blobs.intersection(&sidecars).copied().collect(),
        halves: blobs.symmetric_difference(&sidecars).copied().collect(),
    })
}

pub(super) fn list(inner: &Inner, after: Option<BlobKey>, limit: usize) -> Result<Vec<BlobEntry>> {
    let limit = page_size(limit)?;
    let mut page = Vec::new();
    let shelves = inner.layout.shelves().filter(|shelf| after.is_none_or(|after| shelf.last_key() > after));
    for shelf in shelves {
        for key in
            shelf_contents(&shelf)?.whole.into_iter().filter(|key| after.is_none_or(|after| *key > after))
        {
            if page.len() == limit {
                return Ok(page);
            }
            // What was deleted meanwhile is left out.
            page.extend(length(&inner.layout.blob(&key).blob)?.map(|size| BlobEntry { key, size }));
        }
    }
    Ok(page)
}

/// The length of a blob's file; `None` where there is none.
pub(super) fn length(path: &Path) -> Result<Option<ByteSize>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(ByteSize::bytes(metadata.len()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("examine", "blob", path)(error)),
    }
}

pub(super) fn verify(inner: &Inner, key: &BlobKey) -> Result<Verified> {
    let OpenBlob { file, info } = open(inner, key)?;
    chunk::verify(&file, &info, &inner.layout.blob(key).blob)
}
