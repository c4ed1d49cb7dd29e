//! The indexes in memory: filled as soon as a server runs, and kept close to the records, so that no request waits for long.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Reconciler;
use crate::{Engine, Error};

pub(super) struct Indexing {
    engine: Engine,
    /// Nobody rings it: who asks the indexes brings them up to date.
    signal: Notify,
}

impl Indexing {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, signal: Notify::new() }
    }
}

#[async_trait]
impl Reconciler for Indexing {
    fn name(&self) -> &'static str {
        "indexes"
    }

    fn interval(&self) -> Duration {
        self.engine.workshop.parts.settings.intervals.indexes
    }

    fn signal(&self) -> &Notify {
        &self.signal
    }

    async fn pass(&mut self, stop: &CancellationToken) -> Result<(), Error> {
        let workshop = &self.engine.workshop;
        tokio::select! {
            biased;
            () = stop.cancelled() => Ok(()),
            updated = workshop.indexes.update(workshop) => updated,
        }
    }
}
