//! Builds whose process ended in the middle: found, taken up or failed, never left as if they ran.

use std::collections::HashSet;

use metastore::{Build, NewBuild, Page, claim_interrupted_builds};
use model::{BuildFailure, BuildId, CacheId, EventKind, EventReason, ImageCache, ImageSnapshotId};

use crate::build::{BuildOrder, lease_owner};
use crate::{Engine, Error, NewCache};

/// The failure's word of a build whose process ended.
const INTERRUPTED: &str = "interrupted";

/// Whether a build's process is here and lives; one that cannot be looked at is taken for alive.
fn lives_here(owner: &metastore::ProcessIdentity) -> bool {
    owner.is_alive().unwrap_or(true)
}

impl Engine {
    /// Builds whose process is gone.
    ///
    /// A process of another PID namespace (imc in a container, on the same data directory) is not seen here, or is another
    /// one by the same number. What it holds is seen wherever the store is: its build's lease.
    pub(crate) async fn interrupted_builds(&self) -> Result<Vec<Build>, Error> {
        let mut interrupted = Vec::new();
        let mut page = Page::first();
        loop {
            let running = self.records().running_builds(page).await?;
            let Some(last) = running.last() else { break };
            page = Page::after(last.id);
            interrupted.extend(running.into_iter().filter(|build| !lives_here(&build.owner)));
        }
        if !interrupted.is_empty() {
            let leases = self.store().list_leases(self.clock().now()).await;
            let holders: HashSet<String> =
                leases.map_err(Error::store("list leases"))?.into_iter().map(|lease| lease.owner).collect();
            interrupted.retain(|build| !holders.contains(&lease_owner(build.id)));
        }
        Ok(interrupted)
    }

    /// Caches whose build's process is gone.
    pub(crate) async fn interrupted_caches(&self) -> Result<HashSet<CacheId>, Error> {
        Ok(self.interrupted_builds().await?.iter().map(|build| build.cache).collect())
    }

    async fn claim(&self) -> Result<Vec<Build>, Error> {
        let interrupted: HashSet<BuildId> =
            self.interrupted_builds().await?.iter().map(|build| build.id).collect();
        if interrupted.is_empty() {
            return Ok(Vec::new());
        }
        let is_alive = |build: &Build| !interrupted.contains(&build.id);
        let owner = &self.workshop.parts.owner;
        Ok(claim_interrupted_builds(self.records(), owner, &is_alive, self.clock().now()).await?)
    }

    /// Fails every build whose process ended, and returns the documents that they had committed just before, now deleted.
    /// Finished layers stay until a collection, so a further try is short.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn fail_interrupted(&self) -> Result<Vec<ImageSnapshotId>, Error> {
        let mut deleted = Vec::new();
        let mut failed = Ok(());
        for build in self.claim().await? {
            // They are claimed, so nobody else would fail those that come behind one that could not be.
            match self.fail_claimed(&build).await {
                Ok(true) => deleted.push(build.snapshot),
                Ok(false) => {}
                Err(error) => failed = Err(error),
            }
        }
        failed.map(|()| deleted)
    }

    /// Fails a build of ours that was perhaps recorded and does not run. Nothing more can be done where that fails too: it is
    /// found when this process has ended.
    pub(crate) async fn abandon(&self, id: BuildId) {
        let Ok(build) = self.records().build(id).await else { return };
        if let Err(error) = self.fail_claimed(&build).await {
            tracing::warn!(build = %id, error = crate::chain(&error), "failed to record that a build does not run");
        }
    }

    /// Says whether it had committed its document.
    async fn fail_claimed(&self, build: &Build) -> Result<bool, Error> {
        let message = "the build's process ended in the middle; create the cache again, finished layers are not fetched twice";
        let failure = BuildFailure { reason: INTERRUPTED.to_owned(), message: message.to_owned() };
        let event = self.workshop.event(build.cache, EventKind::Warning, EventReason::BuildFailed, message);
        let owner = &self.workshop.parts.owner;
        self.records().fail_build(build.id, owner, &failure, &[event], self.clock().now()).await?;
        // A document committed just before the end belongs to nobody now.
        let deleted = self.store().delete_snapshot(build.snapshot).await;
        deleted.map_err(Error::store("delete an image snapshot"))
    }

    /// Takes up the interrupted build of the same cache, if there is one, and fails the others.
    pub(crate) async fn take_up(&self, new: &NewCache) -> Result<Option<BuildOrder>, Error> {
        let mut taken = None;
        let mut failed = Ok(());
        for build in self.claim().await? {
            let done = match self.records().cache(build.cache).await {
                Ok(cache) if taken.is_none() && failed.is_ok() && is_same(&cache, new) => {
                    self.resume(cache, &build).await.map(|order| taken = Some(order))
                }
                _ => self.fail_claimed(&build).await.map(|_| ()),
            };
            if let Err(error) = done {
                self.abandon(build.id).await;
                failed = Err(error);
            }
        }
        if failed.is_err()
            && let Some(order) = &taken
        {
            self.abandon(order.build.id).await;
        }
        failed.map(|()| taken)
    }

    async fn resume(&self, cache: ImageCache, build: &Build) -> Result<BuildOrder, Error> {
        // Whether its document was committed or not, it is made anew: all its layers are there.
        let deleted = self.store().delete_snapshot(build.snapshot).await;
        deleted.map_err(Error::store("delete an image snapshot"))?;
        let message = format!("build {} goes on, attempt {}", build.id, build.attempts);
        let event = self.workshop.event(cache.id, EventKind::Normal, EventReason::BuildResumed, message);
        self.records().append_events(&[event]).await?;
        Ok(BuildOrder { cache, build: again(build) })
    }
}

fn is_same(cache: &ImageCache, new: &NewCache) -> bool {
    cache.name == new.name
        && cache.images == new.images
        && cache.platform == new.platform
        && cache.size_limit == new.size_limit
}

fn again(build: &Build) -> NewBuild {
    NewBuild {
        id: build.id,
        cache: build.cache,
        snapshot: build.snapshot,
        owner: build.owner.clone(),
        started: build.started,
    }
}
