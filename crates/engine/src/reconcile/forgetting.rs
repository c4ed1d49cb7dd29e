//! What need not be remembered for ever: events of what is gone, old changes, client tokens, answers.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{FirstError, Reconciler};
use crate::{Engine, Error};

pub(super) struct Forgetting {
    engine: Engine,
    /// Nobody rings it: forgetting has time.
    signal: Notify,
}

impl Forgetting {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, signal: Notify::new() }
    }
}

#[async_trait]
impl Reconciler for Forgetting {
    fn name(&self) -> &'static str {
        "forgetting"
    }

    fn interval(&self) -> Duration {
        self.engine.workshop.parts.settings.intervals.forgetting
    }

    fn signal(&self) -> &Notify {
        &self.signal
    }

    async fn pass(&mut self, _stop: &CancellationToken) -> Result<(), Error> {
        let records = self.engine.records();
        let mut failed = FirstError::default();
        failed.note(self.engine.forget_old_events().await);
        let keep = self.engine.workshop.parts.settings.changes_kept;
        failed.note(records.forget_changes(keep).await.map_err(Error::from));
        let now = self.engine.clock().now();
        failed.note(records.forget_client_tokens(now).await.map(|_| ()).map_err(Error::from));
        failed.note(records.forget_answers(now).await.map(|_| ()).map_err(Error::from));
        failed.into_result()
    }
}
