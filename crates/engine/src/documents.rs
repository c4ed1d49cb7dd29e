//! Documents of image snapshots over the stores that may have them: the local one, then the standard copies.

use std::sync::Arc;

use blobstore::BlobStore;
use model::{CopyState, Digest, ImageCache, ImageSnapshot, ImageSnapshotId, SnapshotCopies};

use crate::build::Workshop;

impl Workshop {
    /// Every store that is there: the local one first.
    pub(crate) async fn stores(&self) -> blobstore::Result<Vec<Arc<dyn BlobStore>>> {
        let mut stores = vec![Arc::clone(&self.parts.store)];
        if let Some(standard) = &self.parts.standard {
            stores.extend(standard.copies().await?);
        }
        Ok(stores)
    }

    /// Deletes documents wherever they are; whether any was there.
    pub(crate) async fn delete_documents(&self, snapshots: &[ImageSnapshotId]) -> blobstore::Result<bool> {
        if snapshots.is_empty() {
            return Ok(false);
        }
        let mut found = false;
        for store in self.stores().await? {
            for snapshot in snapshots {
                found |= store.delete_snapshot(*snapshot).await?;
            }
        }
        Ok(found)
    }

    /// An image snapshot from whichever store has it.
    pub(crate) async fn document(&self, id: ImageSnapshotId) -> blobstore::Result<Option<ImageSnapshot>> {
        if let Some(found) = self.parts.store.get_snapshot(id).await? {
            return Ok(Some(found));
        }
        for store in self.stores().await?.into_iter().skip(1) {
            if let Some(found) = store.get_snapshot(id).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The store that a start of this snapshot attaches from: the local one where it has it, else one of its standard copies,
    /// another for another word, so that instances spread over them. `None` where none has it.
    pub(crate) async fn serving_store(
        &self,
        id: ImageSnapshotId,
        spread: &str,
    ) -> blobstore::Result<Option<Arc<dyn BlobStore>>> {
        if self.parts.store.get_snapshot(id).await?.is_some() {
            return Ok(Some(Arc::clone(&self.parts.store)));
        }
        let mut copies: Vec<_> = self.stores().await?.into_iter().skip(1).enumerate().collect();
        // Rendezvous hashing: a copy that comes or goes moves only its own share.
        copies.sort_by_key(|(number, _)| Digest::sha256(format!("{spread} {number}").as_bytes()));
        for (_, copy) in copies {
            if copy.get_snapshot(id).await?.is_some() {
                return Ok(Some(copy));
            }
        }
        Ok(None)
    }

    /// Where the copies of a snapshot are that was just built for that cache.
    pub(crate) fn copies_of_new(&self, cache: &ImageCache) -> SnapshotCopies {
        let follows = self.parts.standard.is_some() && cache.policy.copies.flash;
        let standard = if follows { CopyState::Absent } else { CopyState::Complete };
        SnapshotCopies { flash: CopyState::Complete, standard }
    }
}
