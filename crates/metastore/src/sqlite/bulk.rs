//! Very many caches at once, for what is measured among them.

use model::ImageCache;

use super::{SqliteMetastore, caches, snapshots};
use crate::{Result, SnapshotRecord};

impl SqliteMetastore {
    /// Records caches with the snapshots that they serve, as the verbs would one by one, without builds and events.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) where an id is taken; the common ones.
    pub async fn record_all(
        &self,
        all: impl IntoIterator<Item = (ImageCache, SnapshotRecord)>,
    ) -> Result<()> {
        let mut writing = self.writing("record the caches").await?;
        for (cache, snapshot) in all {
            snapshots::add(&mut writing.transaction, &snapshot).await?;
            caches::insert(&mut writing.transaction, &cache).await?;
        }
        writing.commit().await
    }
}
