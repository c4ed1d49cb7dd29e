//! Builds that wait for a process, or whose process is gone: taken here, in fair turns, as many at once as fit.

use std::time::Duration;

use async_trait::async_trait;
use metastore::{Build, Turns};
use model::{BuildFailure, BuildId, EventKind, EventReason};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{FirstError, Reconciler};
use crate::build::BuildOrder;
use crate::{Engine, Error, pages};

pub(super) struct Builds {
    engine: Engine,
}

impl Builds {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine }
    }
}

#[async_trait]
impl Reconciler for Builds {
    fn name(&self) -> &'static str {
        "builds"
    }

    fn interval(&self) -> Duration {
        self.engine.workshop.parts.settings.intervals.builds
    }

    fn signal(&self) -> &Notify {
        &self.engine.workshop.signals.builds
    }

    async fn pass(&mut self, stop: &CancellationToken) -> Result<(), Error> {
        let mut failed = FirstError::default();
        failed.note(self.engine.take_up_interrupted(stop).await);
        failed.note(self.engine.take_up_own(stop).await);
        failed.note(self.engine.take_queued(stop).await);
        failed.into_result()
    }
}

impl Engine {
    fn free_places(&self) -> usize {
        let places = self.workshop.parts.settings.builds_at_once.max(1);
        places.saturating_sub(self.workshop.running.count())
    }

    async fn take_queued(&self, stop: &CancellationToken) -> Result<(), Error> {
        let turns = Turns { per_account: self.workshop.parts.settings.builds_per_account.max(1) };
        let owner = &self.workshop.parts.owner;
        while self.free_places() > 0 && !stop.is_cancelled() {
            let taken = self.records().take_queued_build(owner, turns, self.clock().now()).await?;
            let Some(build) = taken else { return Ok(()) };
            crate::build::step("build-taken")?;
            let event = self.workshop.build_started(build.cache, build.id);
            self.workshop.note(event).await;
            let cache = self.records().cache(build.cache).await?;
            self.workshop.start(BuildOrder::of(cache, &build));
        }
        Ok(())
    }

    /// Builds whose process is gone, as many as there is room for; the others wait for a later pass.
    async fn take_up_interrupted(&self, stop: &CancellationToken) -> Result<(), Error> {
        let mut failed = FirstError::default();
        for build in self.interrupted_builds().await? {
            if self.free_places() == 0 || stop.is_cancelled() {
                break;
            }
            for claimed in self.claim(vec![build]).await? {
                failed.note(self.go_on(&claimed).await);
            }
        }
        failed.into_result()
    }

    /// Builds that are recorded as ours and that nobody here works on: the answer of the records was lost, or an error came
    /// between taking and starting, or between the end and its record.
    async fn take_up_own(&self, stop: &CancellationToken) -> Result<(), Error> {
        let mut failed = FirstError::default();
        for build in self.own_builds().await? {
            if self.free_places() == 0 || stop.is_cancelled() {
                break;
            }
            failed.note(self.go_on(&build).await);
        }
        failed.into_result()
    }

    async fn own_builds(&self) -> Result<Vec<Build>, Error> {
        let parts = &self.workshop.parts;
        let mut own = pages::every(|page| self.records().running_builds(page), |build| build.id).await?;
        own.retain(|build| build.owner.as_ref() == Some(&parts.owner));
        // Asked after the records: what was begun since is among them. One that was recorded just now may be on its way here.
        let here: Vec<BuildId> = self.workshop.running.ids();
        let now = parts.clock.now();
        let is_silent = |build: &Build| {
            u128::from(now.micros_since(build.beat)) > parts.settings.build_patience.as_micros()
        };
        own.retain(|build| !here.contains(&build.id) && is_silent(build));
        Ok(own)
    }

    /// Goes on with a build that is ours by now, or ends it where nobody shall.
    async fn go_on(&self, build: &Build) -> Result<(), Error> {
        if build.cancelled {
            return self.end_cancelled(build).await;
        }
        let most = self.workshop.parts.settings.build_attempts.max(1);
        if build.attempts > most {
            let message = format!(
                "{most} processes have begun it and ended in the middle; update or create the cache again"
            );
            return self.fail_claimed(build, &message).await.map(|_| ());
        }
        let cache = self.records().cache(build.cache).await?;
        let order = self.resume(cache, build).await?;
        crate::build::step("build-resumed")?;
        self.workshop.start(order);
        Ok(())
    }

    async fn end_cancelled(&self, build: &Build) -> Result<(), Error> {
        let message = "its end was asked for while nobody worked on it";
        let failure = BuildFailure { reason: "cancelled".to_owned(), message: message.to_owned() };
        let event =
            self.workshop.event(build.cache, EventKind::Warning, EventReason::BuildCancelled, message);
        let (owner, now) = (&self.workshop.parts.owner, self.clock().now());
        self.records().fail_build(build.id, owner, &failure, &[event], now).await?;
        self.workshop.signals.ended();
        self.workshop.let_go(&[build.snapshot]).await;
        Ok(())
    }

    /// Asks the build of a cache to end: at once where it waits, or runs here; else with its owner's next sign of life.
    ///
    /// # Errors
    /// [`Error::UnknownCache`]; [`Error::AmbiguousCache`]; those of the records.
    pub async fn cancel_build(&self, account: &model::AccountId, word: &str) -> Result<(), Error> {
        let cache = self.find_only_cache(account, word).await?;
        let Some(build) = self.records().build_of_cache(cache.id).await? else { return Ok(()) };
        let message = "its end was asked for";
        let failure = BuildFailure { reason: "cancelled".to_owned(), message: message.to_owned() };
        let event = self.workshop.event(cache.id, EventKind::Normal, EventReason::BuildCancelled, message);
        self.records().cancel_build(build.id, &failure, &[event], self.clock().now()).await?;
        self.workshop.cancel_builds_of(cache.id);
        self.workshop.signals.changes.notify_one();
        Ok(())
    }
}
