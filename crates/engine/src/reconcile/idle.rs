//! Whether a look at every cache can be spared: nothing was written since the last one, and nothing has come due.

use metastore::ChangeNumber;
use model::Timestamp;

use crate::{Engine, Error};

/// What the last whole look saw.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastLook {
    seen: Option<ChangeNumber>,
    next: Option<Timestamp>,
}

impl LastLook {
    /// The newest change, where a look is needed; `None` where it can be spared.
    pub(super) async fn is_needed(&self, engine: &Engine) -> Result<Option<ChangeNumber>, Error> {
        let newest = engine.records().newest_change().await?;
        let is_due = self.next.is_some_and(|next| next <= engine.clock().now());
        Ok((is_due || self.seen != Some(newest)).then_some(newest))
    }

    /// Everything up to that change has been looked at; the next thing is due then. Said only of a look without failures.
    pub(super) fn done(&mut self, seen: ChangeNumber, next: Option<Timestamp>) {
        *self = Self { seen: Some(seen), next };
    }
}
