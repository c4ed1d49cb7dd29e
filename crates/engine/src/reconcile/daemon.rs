//! The daemon: every reconciler on a task of its own, begun together and ended together.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use blobstore::{InUse, Lease, LeaseTerm};
use model::{BuildId, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Reconciler, all};
use crate::recover::SERVER;
use crate::{Engine, Error, Groups, chain};

/// What became of a reconciler so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconcilerStatus {
    /// Its name.
    pub name: &'static str,
    /// How often it has looked.
    pub passes: u64,
    /// How often that failed.
    pub failures: u64,
    /// When it last looked.
    pub last: Option<Timestamp>,
    /// Why its last look failed, if it did.
    pub failure: Option<String>,
}

/// What did not end in time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Reconcilers that were cut off in a pass.
    pub reconcilers: Vec<&'static str>,
    /// Builds that were left in the middle: the next server goes on with them.
    pub builds: Vec<BuildId>,
}

type Statuses = Arc<Mutex<Vec<ReconcilerStatus>>>;

/// Runs an engine's reconcilers until it is drained. One data directory may have several, also of several processes.
pub struct Daemon {
    engine: Engine,
    statuses: Statuses,
    working: Arc<Mutex<Vec<&'static str>>>,
    /// No further pass begins, and those that run end soon.
    stop: CancellationToken,
    /// Those that run are cut off.
    cut: CancellationToken,
    tracker: TaskTracker,
    lease: Box<dyn Lease>,
}

impl Daemon {
    /// Begins. `in_use` says what is mounted, for collections.
    ///
    /// # Errors
    /// Where the lease by which others know that a server runs cannot be taken.
    pub async fn start(engine: Engine, in_use: Arc<dyn InUse>) -> Result<Self, Error> {
        Self::begin(engine, in_use, None).await
    }

    /// The same with container groups. One process per host may.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with_groups(groups: Groups, in_use: Arc<dyn InUse>) -> Result<Self, Error> {
        Self::begin(groups.engine().clone(), in_use, Some(groups)).await
    }

    async fn begin(engine: Engine, in_use: Arc<dyn InUse>, groups: Option<Groups>) -> Result<Self, Error> {
        let lease = engine.store().lease(SERVER, &[], LeaseTerm::Held).await;
        let lease = lease.map_err(Error::store("take the server's lease"))?;
        let daemon = Self {
            statuses: Statuses::default(),
            working: Arc::default(),
            stop: CancellationToken::new(),
            cut: CancellationToken::new(),
            tracker: TaskTracker::new(),
            lease,
            engine,
        };
        daemon.engine.workshop.signals.are_heard();
        for reconciler in all(&daemon.engine, in_use, groups) {
            daemon.spawn(reconciler);
        }
        daemon.tracker.close();
        Ok(daemon)
    }

    fn spawn(&self, reconciler: Box<dyn Reconciler>) {
        let name = reconciler.name();
        let new = ReconcilerStatus { name, passes: 0, failures: 0, last: None, failure: None };
        locked(&self.statuses).push(new);
        let cut = self.cut.clone();
        let run = drive(
            reconciler,
            self.engine.clone(),
            Arc::clone(&self.statuses),
            Arc::clone(&self.working),
            self.stop.clone(),
        );
        self.tracker.spawn(async move {
            tokio::select! {
                biased;
                () = run => {}
                () = cut.cancelled() => {}
            }
        });
    }

    /// What became of each reconciler so far.
    #[must_use]
    pub fn status(&self) -> Vec<ReconcilerStatus> {
        locked(&self.statuses).clone()
    }

    /// Begins nothing further, and waits until what runs has ended, builds too, at most that long. What has not by then is
    /// cut off, as a kill would, and told: nothing is lost by it, the next server goes on.
    pub async fn drain(self, deadline: Duration) -> Drained {
        self.stop.cancel();
        let workshop = &self.engine.workshop;
        let ended = async {
            self.tracker.wait().await;
            workshop.idle().await;
        };
        let missed = tokio::select! {
            biased;
            () = ended => Drained::default(),
            () = workshop.parts.timer.sleep(deadline) => {
                Drained { reconcilers: locked(&self.working).clone(), builds: workshop.running.ids() }
            }
        };
        self.cut.cancel();
        self.tracker.wait().await;
        workshop.leave().await;
        if let Err(error) = self.lease.release().await {
            tracing::warn!(
                error = chain(&error),
                "failed to release the server's lease; it ends with this process"
            );
        }
        missed
    }
}

fn locked<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one shape of every reconciler's loop.
async fn drive(
    mut reconciler: Box<dyn Reconciler>,
    engine: Engine,
    statuses: Statuses,
    working: Arc<Mutex<Vec<&'static str>>>,
    stop: CancellationToken,
) {
    let name = reconciler.name();
    let mut is_due = reconciler.begins_at_once();
    if reconciler.looks_at_all() {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = engine.workshop.indexes.looked_at() => {}
        }
    }
    while !stop.is_cancelled() {
        if is_due {
            locked(&working).push(name);
            let passed = reconciler.pass(&stop).await;
            locked(&working).retain(|one| *one != name);
            if let Err(error) = &passed {
                tracing::warn!(
                    reconciler = name,
                    error = chain(error),
                    "a reconciler failed; it looks again"
                );
            }
            note(&statuses, name, engine.clock().now(), passed.as_ref().err());
        }
        is_due = true;
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = reconciler.signal().notified() => {}
            () = engine.workshop.parts.timer.sleep(reconciler.interval()) => {}
        }
    }
    reconciler.finish().await;
}

fn note(statuses: &Statuses, name: &str, now: Timestamp, failure: Option<&Error>) {
    for status in locked(statuses).iter_mut().filter(|status| status.name == name) {
        status.passes += 1;
        status.failures += u64::from(failure.is_some());
        status.last = Some(now);
        status.failure = failure.map(|error| chain(error));
    }
}
