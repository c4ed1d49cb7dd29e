//! Documents of image snapshots over the stores that may have them: the local one, then the standard copies.

use std::sync::Arc;

use blobstore::BlobStore;
use metastore::SnapshotRecord;
use model::{CopyState, Digest, ImageCache, ImageSnapshot, ImageSnapshotId, SnapshotCopies, SnapshotSummary};

use crate::build::Workshop;
use crate::{Error, chain};

impl Workshop {
    /// Every store that is there: the local one first.
    pub(crate) async fn stores(&self) -> blobstore::Result<Vec<Arc<dyn BlobStore>>> {
        let mut stores = vec![Arc::clone(&self.parts.store)];
        if let Some(standard) = &self.parts.standard {
            stores.extend(standard.copies().await?);
        }
        Ok(stores)
    }

    /// Every store in the order in which a start looks: the local one, then the standard copies, in another order for another
    /// word, so that instances spread over them.
    pub(crate) async fn stores_from(&self, spread: &str) -> blobstore::Result<Vec<Arc<dyn BlobStore>>> {
        let mut stores: Vec<_> = self.stores().await?.into_iter().enumerate().collect();
        // Rendezvous hashing: a copy that comes or goes moves only its own share.
        let weight = |number: usize| Digest::sha256(format!("{spread} {number}").as_bytes());
        stores[1..].sort_by_cached_key(|(number, _)| weight(*number));
        Ok(stores.into_iter().map(|(_, store)| store).collect())
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

    /// Deletes the documents of snapshots that the records have let go; whether any was there. What is recorded is done, so a
    /// document that cannot be deleted is no failure of it: no record names it, and the next collection takes it.
    pub(crate) async fn let_go(&self, snapshots: &[ImageSnapshotId]) -> bool {
        match self.delete_documents(snapshots).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(error = chain(&error), "failed to delete an image snapshot; collection will");
                false
            }
        }
    }

    /// An image snapshot from whichever store has it.
    pub(crate) async fn document(&self, id: ImageSnapshotId) -> blobstore::Result<Option<ImageSnapshot>> {
        match self.parts.store.get_snapshot(id).await? {
            Some(found) => Ok(Some(found)),
            None => self.standard_document(id).await,
        }
    }

    /// The same from the standard copies alone.
    pub(crate) async fn standard_document(
        &self,
        id: ImageSnapshotId,
    ) -> blobstore::Result<Option<ImageSnapshot>> {
        for store in self.stores().await?.into_iter().skip(1) {
            if let Some(found) = store.get_snapshot(id).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The summary of an indexed snapshot. Of one that is older than summaries its document is read; where that is gone or
    /// broken, nothing can be matched by it.
    pub(crate) async fn summary_of(&self, record: SnapshotRecord) -> Result<SnapshotSummary, Error> {
        self.summary_or_document(record.id, record.summary).await
    }

    /// The same, given what is recorded.
    pub(crate) async fn summary_or_document(
        &self,
        id: ImageSnapshotId,
        recorded: SnapshotSummary,
    ) -> Result<SnapshotSummary, Error> {
        if !recorded.images.is_empty() {
            return Ok(recorded);
        }
        match self.document(id).await {
            Ok(Some(document)) => Ok(SnapshotSummary::from(&document)),
            Ok(None) => Ok(recorded),
            Err(error) if error.kind() == blobstore::ErrorKind::Corrupt => Ok(recorded),
            Err(error) => Err(Error::store("read an image snapshot")(error)),
        }
    }

    /// Where the copies of a snapshot are that was just built for that cache.
    pub(crate) fn copies_of_new(&self, cache: &ImageCache) -> SnapshotCopies {
        let follows = self.parts.standard.is_some() && cache.policy.copies.flash;
        let standard = if follows { CopyState::Absent } else { CopyState::Complete };
        SnapshotCopies { flash: CopyState::Complete, standard }
    }
}
