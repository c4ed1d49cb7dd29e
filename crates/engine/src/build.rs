//! The build: from the images that a user names to an image snapshot that a cache serves.

mod beat;
mod ended;
mod feed;
mod flight;
mod images;
mod layer_job;
mod making;
mod merge_job;
mod order;
mod progress;
mod record;
mod run;
mod running;
mod wanted;

use std::sync::Arc;

use layer::WindowGate;
use model::{BuildId, CacheId, Event, EventKind, EventReason, ImageCache, Subject};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use ended::BuildsEnded;
pub use layer_job::LayerFailure;
pub use progress::{BuildProgress, LayerPhase, LayerProgress};

use crate::groups::UnderWay;
use crate::indexes::Indexes;
use crate::reconcile::Feed;
use crate::signals::Signals;
use crate::{BuildError, Parts};
use ended::Ended;
use flight::Flights;
use running::Running;

pub(crate) use layer_job::stat_whole;
pub(crate) use order::BuildOrder;
pub(crate) use run::{lease_owner, step};

/// Everything that builds share.
pub(crate) struct Workshop {
    pub(crate) parts: Parts,
    pub(crate) indexes: Indexes,
    flights: Flights,
    conversions: Arc<Semaphore>,
    zstd_windows: Arc<WindowGate>,
    pub(crate) running: Running,
    pub(crate) ended: Ended,
    pub(crate) signals: Signals,
    pub(crate) feed: Feed,
    pub(crate) under_way: UnderWay,
    tracker: TaskTracker,
    closing: CancellationToken,
    /// Ends builds without a word: whoever comes next goes on with them.
    leaving: CancellationToken,
}

impl Workshop {
    pub(crate) fn new(parts: Parts) -> Self {
        let conversions = Arc::new(Semaphore::new(parts.settings.conversions.max(1)));
        let zstd_windows = Arc::new(WindowGate::new(parts.settings.zstd_windows));
        Self {
            parts,
            indexes: Indexes::default(),
            flights: Flights::default(),
            conversions,
            zstd_windows,
            running: Running::default(),
            under_way: UnderWay::default(),
            ended: Ended::default(),
            signals: Signals::default(),
            feed: Feed::default(),
            tracker: TaskTracker::new(),
            closing: CancellationToken::new(),
            leaving: CancellationToken::new(),
        }
    }

    pub(crate) async fn shut_down(&self) {
        self.closing.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Waits until no build runs here.
    pub(crate) async fn idle(&self) {
        self.running.empty().await;
    }

    /// Leaves what still runs to whoever comes next, and waits until nothing of it is on the way any more.
    pub(crate) async fn leave(&self) {
        self.leaving.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Asks the builds of a cache that run here to end.
    pub(crate) fn cancel_builds_of(&self, cache: CacheId) {
        self.running.cancel(cache);
    }

    /// An event about a cache, now.
    pub(crate) fn event(
        &self,
        cache: CacheId,
        kind: EventKind,
        reason: EventReason,
        message: impl Into<String>,
    ) -> Event {
        Event::once(Subject::Cache(cache), kind, reason, message, self.parts.clock.now())
    }

    pub(crate) fn build_started(&self, cache: CacheId, build: BuildId) -> Event {
        self.event(cache, EventKind::Normal, EventReason::BuildStarted, format!("build {build}"))
    }

    /// Records an event that no transaction carries. A build does not fail for want of one: it is logged instead.
    pub(crate) async fn note(&self, event: Event) {
        tracing::info!(cache = %event.subject, reason = %event.reason, "{}", event.message);
        if let Err(error) = self.parts.records.append_events(std::slice::from_ref(&event)).await {
            tracing::warn!(cache = %event.subject, error = crate::chain(&error), "failed to record an event");
        }
    }

    /// Says what a build did, among the events of the cache that it is for; where it is for none (an instance that is about to
    /// start), in the log alone.
    async fn say(&self, about: Option<CacheId>, kind: EventKind, reason: EventReason, message: String) {
        match about {
            Some(cache) => self.note(self.event(cache, kind, reason, message)).await,
            None => tracing::info!(%reason, "{message}"),
        }
    }

    /// Starts a recorded build on a task of its own.
    pub(crate) fn start(self: &Arc<Self>, order: BuildOrder) -> BuildHandle {
        let progress = BuildProgress::default();
        let cancel = self.closing.child_token();
        let cache = order.cache.clone();
        let entry = self.running.enter(&order, &progress, &cancel);
        let task = {
            let (workshop, progress, cancel) = (Arc::clone(self), progress.clone(), cancel.clone());
            self.tracker.spawn(async move {
                let ended = tokio::select! {
                    biased;
                    () = workshop.leaving.cancelled() => Err(BuildError::Left),
                    ended = Arc::clone(&workshop).run_to_end(order, progress, cancel) => ended,
                };
                drop(entry);
                workshop.signals.ended();
                ended
            })
        };
        BuildHandle { cache, progress, cancel, task }
    }
}

/// A build that runs. Dropping it leaves it running.
#[derive(Debug)]
pub struct BuildHandle {
    /// The cache as it was when the build began.
    pub cache: ImageCache,
    /// How far it is.
    pub progress: BuildProgress,
    cancel: CancellationToken,
    task: JoinHandle<Result<ImageCache, BuildError>>,
}

impl BuildHandle {
    /// Asks it to end soon; [`Self::finished`] then says [`BuildError::Cancelled`].
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// A token that cancels it, to give away.
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Waits for its end. Cancel-safe: call again after a dropped call.
    ///
    /// # Errors
    /// Why it failed; the record says the same.
    pub async fn finished(&mut self) -> Result<ImageCache, BuildError> {
        (&mut self.task).await.unwrap_or(Err(BuildError::Aborted))
    }
}
