//! Signs of life of a build: others see that it is worked on and how far it is, and it learns that it is to end.

use std::time::Duration;

use metastore::Beat;
use model::Percent;
use tokio_util::sync::CancellationToken;

use super::{BuildOrder, BuildProgress, Workshop};
use crate::chain;

/// How often progress is told at most.
const TICK: Duration = Duration::from_secs(1);

/// How many ticks go by at most without a sign of life.
const SILENT_TICKS: u32 = 5;

impl Workshop {
    /// Does the work and tells of it meanwhile.
    pub(super) async fn with_signs_of_life<T>(
        &self,
        order: &BuildOrder,
        progress: &BuildProgress,
        cancel: &CancellationToken,
        work: impl Future<Output = T>,
    ) -> T {
        tokio::select! {
            biased;
            done = work => done,
            never = self.tell(order, progress, cancel) => match never {},
        }
    }

    async fn tell(
        &self,
        order: &BuildOrder,
        progress: &BuildProgress,
        cancel: &CancellationToken,
    ) -> std::convert::Infallible {
        let (mut told, mut silent) = (Percent::ZERO, 0);
        loop {
            self.parts.timer.sleep(TICK).await;
            silent += 1;
            let percent = Percent::new(progress.percent());
            if percent == told && silent < SILENT_TICKS {
                continue;
            }
            let now = self.parts.clock.now();
            match self.parts.records.beat_build(order.id, &self.parts.owner, percent, now).await {
                Ok(Beat::GoOn) => (told, silent) = (percent, 0),
                Ok(Beat::Cancelled | Beat::Lost) => cancel.cancel(),
                // It is told again at the next tick.
                Err(error) => {
                    tracing::warn!(build = %order.id, error = chain(&error), "failed to tell of a build");
                }
            }
        }
    }
}
