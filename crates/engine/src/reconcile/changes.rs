//! The changes of the records, handed to whoever follows them in this process.

use std::time::Duration;

use async_trait::async_trait;
use metastore::{Change, ChangeNumber, PAGE_LIMIT};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use super::Reconciler;
use crate::{Engine, Error};

/// Changes that a follower may be behind before it has to read anew.
const BEHIND: usize = 1024;

/// What a follower is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// A record was written.
    Change(Change),
    /// Changes were missed: read all records anew, after asking for the newest change.
    ReadAnew,
}

/// Where the changes of this process' records are handed out.
#[derive(Debug)]
pub(crate) struct Feed(broadcast::Sender<Watched>);

impl Default for Feed {
    fn default() -> Self {
        Self(broadcast::channel(BEHIND).0)
    }
}

/// Follows the changes. One that is too slow is told to read anew, and holds up nobody.
#[derive(Debug)]
pub struct ChangeWatcher(broadcast::Receiver<Watched>);

impl ChangeWatcher {
    /// The next change, of whichever account; `None` where the engine is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Watched> {
        match self.0.recv().await {
            Ok(watched) => Some(watched),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Watched::ReadAnew),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

impl Engine {
    /// Follows the changes from now on. They come while a [`Daemon`](crate::Daemon) runs.
    #[must_use]
    pub fn watch_changes(&self) -> ChangeWatcher {
        ChangeWatcher(self.workshop.feed.0.subscribe())
    }

    /// Up to `limit` changes behind that number, for whoever comes back; `None`: some are not kept any more, read anew.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn changes_after(&self, after: ChangeNumber, limit: u32) -> Result<Option<Vec<Change>>, Error> {
        Ok(self.records().changes(after, limit).await?)
    }

    /// The number of the newest change. Taken before records are read, it is where to go on from.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn newest_change(&self) -> Result<ChangeNumber, Error> {
        Ok(self.records().newest_change().await?)
    }
}

pub(super) struct Changes {
    engine: Engine,
    told: Option<ChangeNumber>,
}

impl Changes {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, told: None }
    }

    fn tell(&self, watched: Watched) {
        // Nobody may be listening.
        let _ = self.engine.workshop.feed.0.send(watched);
    }
}

#[async_trait]
impl Reconciler for Changes {
    fn name(&self) -> &'static str {
        "changes"
    }

    fn interval(&self) -> Duration {
        self.engine.workshop.parts.settings.intervals.changes
    }

    fn signal(&self) -> &Notify {
        &self.engine.workshop.signals.changes
    }

    async fn pass(&mut self, stop: &CancellationToken) -> Result<(), Error> {
        let Some(mut told) = self.told else {
            // Whoever follows from before the first look cannot know what it missed.
            self.told = Some(self.engine.records().newest_change().await?);
            self.tell(Watched::ReadAnew);
            return Ok(());
        };
        while !stop.is_cancelled() {
            let Some(changes) = self.engine.records().changes(told, PAGE_LIMIT).await? else {
                told = self.engine.records().newest_change().await?;
                self.told = Some(told);
                self.tell(Watched::ReadAnew);
                continue;
            };
            let Some(last) = changes.last() else { break };
            told = last.number;
            self.told = Some(told);
            changes.into_iter().for_each(|change| self.tell(Watched::Change(change)));
        }
        Ok(())
    }
}
