//! Records and processes of instances are compared before anything is told of them or done with them.

use std::sync::atomic::{AtomicU64, Ordering};

use engine::{HostErrorKind, chain};
use model::{AccountId, InstanceId};
use tokio::sync::Mutex;
use wire::Unsettled;

use super::OverEngine;
use crate::service::ServiceResult;

/// One comparison at a time; whoever waits for it shares the next one with all that wait.
#[derive(Debug, Default)]
pub(super) struct Settling {
    asked: AtomicU64,
    last: Mutex<Last>,
}

/// The last comparison.
#[derive(Debug, Default)]
struct Last {
    /// The number of the last one that had asked when it began.
    answers: u64,
    /// Instances that it could not look after, and why.
    failed: Vec<(InstanceId, String)>,
}

impl OverEngine {
    /// Makes the records of instances say what the host finds now. Where this process has no right to look, others do it, and
    /// the records are taken as they are.
    pub(super) async fn settle(&self) -> ServiceResult<()> {
        self.settled(|_| ()).await
    }

    /// The same; those of the account that could not be looked after.
    pub(super) async fn unsettled(&self, account: &AccountId) -> ServiceResult<Vec<Unsettled>> {
        let failed = self.settled(<[_]>::to_vec).await?;
        let mut own = Vec::new();
        for (id, message) in failed {
            if self.instances.find(account, &id.to_string()).await.is_ok() {
                own.push(Unsettled { id, message });
            }
        }
        Ok(own)
    }

    async fn settled<T>(&self, tell: impl FnOnce(&[(InstanceId, String)]) -> T) -> ServiceResult<T> {
        let number = self.settling.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut last = self.settling.last.lock().await;
        if last.answers < number {
            let answers = self.settling.asked.load(Ordering::SeqCst);
            let failed = match self.instances.settle().await {
                Ok(failed) => failed.into_iter().map(|(id, error)| (id, chain(&error))).collect(),
                Err(engine::Error::LookAround { source }) if source.kind() == HostErrorKind::Privilege => {
                    Vec::new()
                }
                Err(error) => return Err(error.into()),
            };
            *last = Last { answers, failed };
        }
        Ok(tell(&last.failed))
    }
}
