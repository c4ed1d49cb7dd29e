//! Standard copies of an image snapshot: made from whichever store has its blobs, whole or not there.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use blobstore::{BlobStore, LeaseTerm};
use model::{BlobKey, CopyPlan, ImageSnapshot, ImageSnapshotId, Percent};
use tokio_util::sync::CancellationToken;

use crate::BuildError;
use crate::build::{Workshop, stat_whole, step};

/// Bytes that are copied between two looks at whether to stop.
const PIECE: u64 = 16 << 20;

/// How far copying is, for whoever watches.
#[derive(Clone, Debug, Default)]
pub(crate) struct CopyProgress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    done: AtomicU64,
    whole: AtomicU64,
}

impl CopyProgress {
    fn of(&self, whole: u64) {
        self.0.whole.store(whole, Ordering::Relaxed);
    }

    fn add(&self, bytes: u64) {
        self.0.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How far; nothing before it has begun.
    pub(crate) fn percent(&self) -> Percent {
        match self.0.whole.load(Ordering::Relaxed) {
            0 => Percent::ZERO,
            whole => Percent::of(self.0.done.load(Ordering::Relaxed), whole),
        }
    }
}

impl Workshop {
    /// What of a plan is not kept to here, in a sentence; `None` where all of it is.
    ///
    /// The flash snapshot is on the disk that this data directory is on, and on no other; where there is no store for standard
    /// snapshots, the same one is both.
    pub(crate) fn fewer_copies(&self, plan: &CopyPlan) -> Option<String> {
        let flash = plan.flash_copies.get();
        let standard = plan.standard_copies.get();
        let flash = (flash > 1).then(|| {
            format!("1 of {flash} flash copies is kept: the disk of this data directory is the only one that holds it")
        });
        let standard = (standard > 1 && self.parts.standard.is_none()).then(|| {
            format!(
                "1 of {standard} standard copies is kept: no directory for standard snapshots is configured"
            )
        });
        let said: Vec<String> = flash.into_iter().chain(standard).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// Whether a snapshot is whole in so many standard copies.
    pub(crate) async fn has_standard_copies(
        &self,
        id: ImageSnapshotId,
        count: u32,
    ) -> blobstore::Result<bool> {
        let Some(standard) = &self.parts.standard else { return Ok(true) };
        let mut having = 0;
        for copy in standard.copies().await? {
            having += u32::from(copy.get_snapshot(id).await?.is_some());
        }
        Ok(having >= count)
    }

    /// Makes so many standard copies of a snapshot; those that are there cost nothing. Cancelled or killed in the middle, what
    /// was copied whole stays, and the next call goes on from there.
    pub(crate) async fn copy_to_standard(
        &self,
        snapshot: &ImageSnapshot,
        count: u32,
        progress: &CopyProgress,
        stop: &CancellationToken,
    ) -> Result<(), BuildError> {
        let Some(standard) = &self.parts.standard else { return Ok(()) };
        let keys = snapshot.blob_keys();
        progress.of((keys.len() as u64).max(1).saturating_mul(u64::from(count)).saturating_mul(PIECE));
        let mut targets = Vec::new();
        for number in 1..=count {
            targets.push(standard.copy(number).await.map_err(BuildError::store("open a standard copy"))?);
        }
        let sources = self.size_up(&keys, count, progress).await?;
        for target in targets {
            self.copy_to(&*target, snapshot, &sources, progress, stop).await?;
        }
        Ok(())
    }

    /// Where each blob is, and how much all are.
    async fn size_up(
        &self,
        keys: &[BlobKey],
        count: u32,
        progress: &CopyProgress,
    ) -> Result<Vec<(BlobKey, Arc<dyn BlobStore>)>, BuildError> {
        let (mut sources, mut whole) = (Vec::with_capacity(keys.len()), 0_u64);
        for key in keys {
            let (source, info) = self.find_blob(key).await?;
            sources.push((*key, source));
            whole = whole.saturating_add(info.size.as_u64());
        }
        progress.of(whole.saturating_mul(u64::from(count)).max(1));
        Ok(sources)
    }

    async fn copy_to(
        &self,
        target: &dyn BlobStore,
        snapshot: &ImageSnapshot,
        sources: &[(BlobKey, Arc<dyn BlobStore>)],
        progress: &CopyProgress,
        stop: &CancellationToken,
    ) -> Result<(), BuildError> {
        let keys: Vec<BlobKey> = sources.iter().map(|(key, _)| *key).collect();
        let has = target.get_snapshot(snapshot.id).await;
        let is_there = has.map_err(BuildError::store("read a standard snapshot"))?.is_some();
        let lease = target.lease(&format!("copy of {}", snapshot.id), &keys, LeaseTerm::Held).await;
        let lease = lease.map_err(BuildError::store("take the copy's lease"))?;
        for (key, source) in sources {
            let (found, _) =
                stat_whole(target, key).await.map_err(BuildError::store("look for a copied blob"))?;
            match found {
                Some(found) => progress.add(found.size.as_u64()),
                None => self.copy_blob_from(&**source, target, &*lease, key, progress, stop).await?,
            }
            if stop.is_cancelled() {
                return Err(BuildError::Cancelled);
            }
        }
        if !is_there {
            let put = target.put_snapshot(snapshot).await;
            put.map_err(BuildError::store("commit the standard snapshot"))?;
        }
        step("standard-snapshot-committed")?;
        lease.release().await.map_err(BuildError::store("release the copy's lease"))
    }

    /// The store that has a blob, the local one first.
    async fn find_blob(
        &self,
        key: &BlobKey,
    ) -> Result<(Arc<dyn BlobStore>, blobstore::BlobInfo), BuildError> {
        let stores = self.stores().await.map_err(BuildError::store("open the standard copies"))?;
        for store in stores {
            // Of a broken one another store may have a whole copy.
            let (info, _) =
                stat_whole(&*store, key).await.map_err(BuildError::store("look for a blob to copy"))?;
            if let Some(info) = info {
                return Ok((store, info));
            }
        }
        Err(BuildError::store("find a blob to copy")(blobstore::Error::NoBlob(*key)))
    }

    /// Copies one blob as it is, with its sidecar.
    pub(crate) async fn copy_blob(
        &self,
        target: &dyn BlobStore,
        lease: &dyn blobstore::Lease,
        key: &BlobKey,
        progress: &CopyProgress,
        stop: &CancellationToken,
    ) -> Result<(), BuildError> {
        let (source, _) = self.find_blob(key).await?;
        self.copy_blob_from(&*source, target, lease, key, progress, stop).await
    }

    async fn copy_blob_from(
        &self,
        source: &dyn BlobStore,
        target: &dyn BlobStore,
        lease: &dyn blobstore::Lease,
        key: &BlobKey,
        progress: &CopyProgress,
        stop: &CancellationToken,
    ) -> Result<(), BuildError> {
        let open = source.open(key).await.map_err(BuildError::store("open a blob to copy"))?;
        let writer = target.begin(lease, key).await.map_err(BuildError::store("begin the copy of a blob"))?;
        let file = writer.file().try_clone().map_err(|error| unwritten(*key, error))?;
        let (size, done, halt) = (open.info.size.as_u64(), progress.clone(), stop.clone());
        let copied = tokio::task::spawn_blocking(move || copy_bytes(&open.file, &file, size, &done, &halt));
        let is_whole = copied
            .await
            .map_err(|error| BuildError::store("copy a blob")(blobstore::Error::Task(error)))?
            .map_err(|error| unwritten(*key, error))?;
        if !is_whole {
            return Err(BuildError::Cancelled);
        }
        writer.commit(open.info.sidecar).await.map_err(BuildError::store("commit the copy of a blob"))?;
        step("standard-blob-committed")
    }
}

fn unwritten(key: BlobKey, source: io::Error) -> BuildError {
    let path = std::path::PathBuf::from(key.to_string());
    BuildError::store("copy a blob")(blobstore::Error::File { action: "copy", object: "blob", path, source })
}

/// Copies so many bytes from here on; `false` where it was told to stop.
fn copy_bytes(
    mut from: &File,
    mut to: &File,
    size: u64,
    progress: &CopyProgress,
    stop: &CancellationToken,
) -> io::Result<bool> {
    let mut left = size;
    while left > 0 {
        if stop.is_cancelled() {
            return Ok(false);
        }
        // The kernel copies by itself where it can.
        let copied = io::copy(&mut from.by_ref().take(left.min(PIECE)), &mut to)?;
        if copied == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        progress.add(copied);
        left -= copied;
    }
    Ok(true)
}
