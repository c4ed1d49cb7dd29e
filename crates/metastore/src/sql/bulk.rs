//! Very many caches at once, for what is measured among them.

use model::ImageCache;

use super::writing::{Verb, Writing};
use super::{Store, caches, snapshots};
use crate::{Result, SnapshotRecord};

impl Store {
    /// Records caches with the snapshots that they serve, as the verbs would one by one, without builds and events.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) where an id is taken; the common ones.
    pub async fn record_all(
        &self,
        all: impl IntoIterator<Item = (ImageCache, SnapshotRecord)>,
    ) -> Result<()> {
        let verb = Verb::durable("record the caches", &[], None);
        self.write(verb, async |writing: &mut Writing| {
            for (cache, snapshot) in all {
                snapshots::add(writing, &snapshot).await?;
                caches::create(writing, &cache).await?;
            }
            Ok(())
        })
        .await
    }
}
