//! Reconcilers: one for each concern, all of one shape, and the daemon that owns them.
//!
//! A reconciler takes no input. It is woken by its timer or by a signal, looks at what the records and stores say, does what
//! is due, and ends; what failed it finds again the next time. So it makes no difference whether a signal was lost, the
//! process killed in the middle, or another server was faster.

mod builds;
mod changes;
mod collection;
mod copies;
mod daemon;
mod expiry;
mod forgetting;
mod groups;
mod indexing;
mod looks;
mod refresh;

pub use changes::{ChangeWatcher, Watched};
pub use daemon::{Daemon, Drained, ReconcilerStatus};
pub use refresh::MovedTag;

pub(crate) use changes::Feed;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use blobstore::InUse;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{Engine, Error, Groups};

/// Makes the world match the records in one respect.
#[async_trait]
trait Reconciler: Send {
    /// Its name, for logs and metrics.
    fn name(&self) -> &'static str;

    /// The longest time between two passes.
    fn interval(&self) -> Duration;

    /// Whether the first pass comes at once, not after the first interval.
    fn begins_at_once(&self) -> bool {
        true
    }

    /// Whether it looks at every cache: while a server starts, that waits until the indexes are filled, which requests need.
    fn looks_at_all(&self) -> bool {
        false
    }

    /// Wakes it before its time.
    fn signal(&self) -> &Notify;

    /// Looks at everything of its concern and does what is due. Ends soon where it is to stop; what is left undone then is
    /// found by the next pass.
    ///
    /// # Errors
    /// The first of those that it met; it went on with what these did not concern.
    async fn pass(&mut self, stop: &CancellationToken) -> Result<(), Error>;

    /// Waits for what its passes left running. Called once it is to stop, before it is dropped.
    async fn finish(&mut self) {}
}

/// Every reconciler of a server.
fn all(engine: &Engine, in_use: Arc<dyn InUse>, groups: Option<Groups>) -> Vec<Box<dyn Reconciler>> {
    let surveys = Arc::default();
    let mut all: Vec<Box<dyn Reconciler>> = vec![
        Box::new(builds::Builds::new(engine.clone())),
        Box::new(expiry::Expiry::new(engine.clone(), &surveys)),
        Box::new(refresh::Refresh::new(engine.clone(), &surveys)),
        Box::new(copies::Copies::new(engine.clone(), &surveys)),
        Box::new(collection::Collection::new(engine.clone(), in_use)),
        Box::new(forgetting::Forgetting::new(engine.clone())),
        Box::new(changes::Changes::new(engine.clone())),
        Box::new(indexing::Indexing::new(engine.clone())),
    ];
    if let Some(groups) = groups {
        all.push(Box::new(groups::GroupWork::new(groups)));
    }
    all
}

/// Keeps the first error of several, and logs the others.
#[derive(Default)]
struct FirstError(Option<Error>);

impl FirstError {
    fn note(&mut self, result: Result<(), Error>) {
        let Err(error) = result else { return };
        match &self.0 {
            None => self.0 = Some(error),
            Some(_) => tracing::warn!(error = crate::chain(&error), "a reconciler went on after a failure"),
        }
    }

    fn into_result(self) -> Result<(), Error> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Every pass of the reconcilers by hand, one after the other, for tests that say themselves when time goes on.
#[cfg(feature = "test-suite")]
pub struct Reconcilers {
    engine: Engine,
    all: Vec<Box<dyn Reconciler>>,
}

#[cfg(feature = "test-suite")]
impl Reconcilers {
    /// Those that a server has.
    #[must_use]
    pub fn of(engine: &Engine, in_use: Arc<dyn InUse>) -> Self {
        engine.workshop.signals.are_heard();
        Self { engine: engine.clone(), all: all(engine, in_use, None) }
    }

    /// That of container groups alone.
    #[must_use]
    pub fn of_groups(groups: &Groups) -> Self {
        let work = groups::GroupWork::new(groups.clone());
        Self { engine: groups.engine().clone(), all: vec![Box::new(work)] }
    }

    /// One pass of each.
    ///
    /// # Errors
    /// The first failure; the others had their pass all the same.
    pub async fn pass(&mut self) -> Result<(), Error> {
        let mut failed = FirstError::default();
        for reconciler in &mut self.all {
            failed.note(reconciler.pass(&CancellationToken::new()).await);
            reconciler.finish().await;
        }
        failed.into_result()
    }

    /// Passes of all, and waiting for builds between them, until a pass changes nothing.
    ///
    /// # Errors
    /// The first failure.
    pub async fn settle(&mut self) -> Result<(), Error> {
        loop {
            let before = self.engine.newest_change().await?;
            self.pass().await?;
            self.engine.workshop.idle().await;
            if self.engine.newest_change().await? == before {
                return Ok(());
            }
        }
    }

    /// Leaves what runs in the middle, as a process that is killed does.
    pub async fn abandon(self) {
        self.engine.workshop.leave().await;
    }

    /// One pass of the one of that name.
    ///
    /// # Errors
    /// Its own.
    pub async fn pass_of(&mut self, name: &str) -> Result<(), Error> {
        let mut failed = FirstError::default();
        for reconciler in self.all.iter_mut().filter(|one| one.name() == name) {
            failed.note(reconciler.pass(&CancellationToken::new()).await);
        }
        failed.into_result()
    }
}
