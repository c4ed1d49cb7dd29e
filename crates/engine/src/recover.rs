//! Builds whose process ended in the middle: found, taken up or failed, never left as if they ran.

use std::collections::HashSet;

use metastore::{Build, claim_builds};
use model::{BuildFailure, BuildId, CacheId, EventKind, EventReason, ImageCache, ImageSnapshotId};

use crate::build::{BuildOrder, lease_owner};
use crate::{Engine, Error, pages};

/// The failure's word of a build whose process ended.
const INTERRUPTED: &str = "interrupted";

/// The owner of the lease that a server holds while it runs: builds that wait, or were left, are its own to take up.
pub(crate) const SERVER: &str = "server";

impl Engine {
    /// Builds whose process is gone.
    ///
    /// A process of another PID namespace (imc in a container, on the same data directory) is not seen here, or is another
    /// one by the same number. What it holds is seen wherever the store is: its build's lease. One of another machine, or of
    /// a boot before this, is known by its signs of life alone.
    pub(crate) async fn interrupted_builds(&self) -> Result<Vec<Build>, Error> {
        let running = pages::every(|page| self.records().running_builds(page), |build| build.id).await?;
        self.interrupted_of(running).await
    }

    async fn interrupted_of(&self, running: Vec<Build>) -> Result<Vec<Build>, Error> {
        let mut interrupted: Vec<Build> = running.into_iter().filter(|build| self.is_silent(build)).collect();
        if !interrupted.is_empty() {
            let holders = self.lease_owners().await?;
            let holds =
                |build: &Build| self.is_of_this_boot(build) && holders.contains(&lease_owner(build.id));
            interrupted.retain(|build| !holds(build));
        }
        Ok(interrupted)
    }

    fn is_of_this_boot(&self, build: &Build) -> bool {
        build.owner.as_ref().is_some_and(|owner| owner.boot_id == self.workshop.parts.owner.boot_id)
    }

    /// Whether nothing is to be seen of a build's owner; one that cannot be looked at is taken for alive.
    fn is_silent(&self, build: &Build) -> bool {
        let Some(owner) = &build.owner else { return false };
        if self.is_of_this_boot(build) {
            return !owner.is_alive().unwrap_or(true);
        }
        let patience = self.workshop.parts.settings.build_patience.as_micros();
        u128::from(self.clock().now().micros_since(build.beat)) > patience
    }

    async fn lease_owners(&self) -> Result<HashSet<String>, Error> {
        let leases = self.store().list_leases(self.clock().now()).await;
        Ok(leases.map_err(Error::store("list leases"))?.into_iter().map(|lease| lease.owner).collect())
    }

    /// Whether a server runs over this data directory.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn is_served(&self) -> Result<bool, Error> {
        Ok(self.lease_owners().await?.contains(SERVER))
    }

    /// Those of these caches whose build's process is gone.
    pub(crate) async fn interrupted_among(&self, caches: &[CacheId]) -> Result<HashSet<CacheId>, Error> {
        if caches.is_empty() {
            return Ok(HashSet::new());
        }
        let unfinished = self.records().unfinished_builds(caches).await?;
        Ok(self.interrupted_of(unfinished).await?.iter().map(|build| build.cache).collect())
    }

    /// Makes interrupted builds ours; those that somebody else took meanwhile are his.
    pub(crate) async fn claim(&self, interrupted: Vec<Build>) -> Result<Vec<Build>, Error> {
        let owner = &self.workshop.parts.owner;
        Ok(claim_builds(self.records(), owner, interrupted, self.clock().now()).await?)
    }

    /// Fails every build whose process ended, and returns the documents that they had committed just before, now deleted.
    /// Finished layers stay until a collection, so a further try is short. Where a server runs, they are its own to go on with.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn fail_interrupted(&self) -> Result<Vec<ImageSnapshotId>, Error> {
        let mut deleted = Vec::new();
        let mut failed = Ok(());
        let interrupted = self.interrupted_builds().await?;
        if interrupted.is_empty() || self.is_served().await? {
            return Ok(deleted);
        }
        for build in self.claim(interrupted).await? {
            // They are claimed, so nobody else would fail those that come behind one that could not be.
            match self.fail_claimed(&build, ONCE).await {
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
        if let Err(error) = self.fail_claimed(&build, ONCE).await {
            tracing::warn!(build = %id, error = crate::chain(&error), "failed to record that a build does not run");
        }
    }

    /// Says whether it had committed its document.
    pub(crate) async fn fail_claimed(&self, build: &Build, message: &str) -> Result<bool, Error> {
        let failure = BuildFailure { reason: INTERRUPTED.to_owned(), message: message.to_owned() };
        let event = self.workshop.event(build.cache, EventKind::Warning, EventReason::BuildFailed, message);
        let owner = &self.workshop.parts.owner;
        self.records().fail_build(build.id, owner, &failure, &[event], self.clock().now()).await?;
        // A document committed just before the end belongs to nobody now.
        Ok(self.workshop.let_go(&[build.snapshot]).await)
    }

    /// Takes up the interrupted build of the same cache, if there is one. The others are failed, where no server goes on
    /// with them.
    pub(crate) async fn take_up(&self, new: &ImageCache) -> Result<Option<BuildOrder>, Error> {
        let mut interrupted = self.interrupted_builds().await?;
        if interrupted.is_empty() {
            return Ok(None);
        }
        if self.is_served().await? {
            let same = self.caches_like(new).await?;
            interrupted.retain(|build| same.contains(&build.cache));
        }
        let claimed = self.claim(interrupted).await?;
        let mut taken = None;
        let mut failed = Ok(());
        for build in claimed {
            let done = match self.records().cache(build.cache).await {
                Ok(cache) if taken.is_none() && failed.is_ok() && is_same(&cache, new) => {
                    self.resume(cache, &build).await.map(|order| taken = Some(order))
                }
                _ => self.fail_claimed(&build, ONCE).await.map(|_| ()),
            };
            if let Err(error) = done {
                self.abandon(build.id).await;
                failed = Err(error);
            }
        }
        if failed.is_err()
            && let Some(order) = &taken
        {
            self.abandon(order.id).await;
        }
        failed.map(|()| taken)
    }

    async fn caches_like(&self, new: &ImageCache) -> Result<HashSet<CacheId>, Error> {
        let filter = metastore::CacheFilter {
            account: Some(new.account.clone()),
            names: Some(vec![new.name.clone()]),
            ..Default::default()
        };
        let named = self.all_caches(&filter).await?;
        Ok(named.iter().filter(|cache| is_same(cache, new)).map(|cache| cache.id).collect())
    }

    /// A claimed build, ready to run again.
    pub(crate) async fn resume(&self, cache: ImageCache, build: &Build) -> Result<BuildOrder, Error> {
        // Whether its document was committed or not, it is made anew: all its layers are there.
        let deleted = self.workshop.delete_documents(&[build.snapshot]).await;
        deleted.map_err(Error::store("delete an image snapshot"))?;
        let message = format!("build {} goes on, attempt {}", build.id, build.attempts);
        let event = self.workshop.event(cache.id, EventKind::Normal, EventReason::BuildResumed, message);
        self.records().append_events(&[event]).await?;
        Ok(BuildOrder::of(cache, build))
    }
}

/// What is said of a build that nobody goes on with.
const ONCE: &str =
    "the build's process ended in the middle; create the cache again, finished layers are not fetched twice";

fn is_same(cache: &ImageCache, new: &ImageCache) -> bool {
    cache.account == new.account
        && cache.name == new.name
        && cache.images == new.images
        && cache.platform == new.platform
        && cache.size_limit == new.size_limit
}
