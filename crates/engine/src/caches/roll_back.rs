//! Going back to what a cache served before an update.

use model::rules::generation_kept_until;
use model::{AccountId, CopyState, EventKind, EventReason, ImageCache, ImageSnapshotId, SnapshotCopies};

use crate::{Engine, Error};

impl Engine {
    /// Makes a cache serve an earlier snapshot again: that one, or the newest of those before. What it serves now becomes a
    /// generation, so that going back can be undone.
    ///
    /// # Errors
    /// [`Error::UnknownCache`]; [`Error::AmbiguousCache`]; [`Error::NoGeneration`] where it has none; [`Error::SnapshotMissing`]
    /// where the store does not have it any more; of the records: a build of it waits or runs, its deletion was asked for.
    pub async fn roll_back(
        &self,
        account: &AccountId,
        word: &str,
        to: Option<ImageSnapshotId>,
    ) -> Result<ImageCache, Error> {
        let cache = self.find_cache_to_change(account, word).await?;
        let found = cache.generations.iter().find(|one| to.is_none_or(|to| one.snapshot == to));
        let generation =
            found.ok_or_else(|| Error::NoGeneration { name: cache.name.clone(), id: cache.id })?;
        let snapshot = generation.snapshot;
        let document =
            self.workshop.document(snapshot).await.map_err(Error::store("read an image snapshot"))?;
        if document.is_none() {
            return Err(Error::SnapshotMissing { id: cache.id, snapshot });
        }
        let now = self.clock().now();
        let kept = generation_kept_until(now, &self.workshop.parts.settings.retention);
        let message = format!("serves the image snapshot {snapshot} again, replaced {}", generation.replaced);
        let event = self.workshop.event(cache.id, EventKind::Normal, EventReason::RolledBack, message);
        let mut cache = self.records().roll_back_cache(cache.id, snapshot, kept, &[event], now).await?;
        if self.workshop.parts.standard.is_none() {
            self.note_both_copies(&mut cache, snapshot).await;
        }
        self.workshop.signals.updated();
        Ok(cache)
    }

    /// Where there is one store, it is both, and has what was gone back to. What cannot be noted now, the reconciler of copies
    /// notes.
    async fn note_both_copies(&self, cache: &mut ImageCache, snapshot: ImageSnapshotId) {
        let both = SnapshotCopies { flash: CopyState::Complete, standard: CopyState::Complete };
        match self.records().note_copies(cache.id, snapshot, both, &[]).await {
            Ok(true) => cache.copies = both,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(cache = %cache.id, error = crate::chain(&error), "failed to note where a snapshot is");
            }
        }
    }
}
