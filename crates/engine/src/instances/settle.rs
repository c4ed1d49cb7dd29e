//! Makes records and processes agree: whatever was killed or has ended, here it is noticed and cleaned up.

use std::collections::BTreeSet;

use metastore::InstanceFilter;
use model::{EventKind, EventReason, ExitStatus, Instance, InstanceId, InstanceState};

use super::Instances;
use crate::host::{HostError, HostStatus};
use crate::{Error, HostErrorKind, chain, pages};

impl Instances {
    /// Brings the records of all instances in line with what the host finds, and removes those that are to go when they
    /// end. Those that could not be looked at or cleaned up are given back; the next time tries again.
    ///
    /// # Errors
    /// [`Error::Host`] where the host cannot even look; those of store and records, the first of them, after all instances
    /// have been looked at.
    pub async fn settle(&self) -> Result<Vec<(InstanceId, HostError)>, Error> {
        // The records come first, then who starts, then the processes: what started after the records were read is not among them,
        // and whoever started it meanwhile is still held, or has left a process to be seen.
        let records = self.all().await?;
        let starting = self.starting(&records).await;
        let found = self.host.look_around().await.map_err(|source| Error::LookAround { source })?;
        let mut settled = Ok(());
        for record in records {
            if found.failed.iter().any(|(id, _)| *id == record.id) {
                continue;
            }
            let status = found.instances.iter().find(|status| status.id == record.id);
            let cleaned = found.cleaned.contains(&record.id);
            let id = record.id;
            let is_starting = starting.contains(&id);
            if let Err(error) = self.settle_one(record, status, cleaned, is_starting).await {
                tracing::warn!(instance = %id, error = chain(&error), "failed to settle an instance");
                // One that cannot be settled is no reason to leave the others.
                settled = settled.and(Err(error));
            }
        }
        settled.map(|()| found.failed)
    }

    async fn all(&self) -> Result<Vec<Instance>, Error> {
        let filter = InstanceFilter::default();
        pages::every(|page| self.list(&filter, page), |instance| instance.id).await
    }

    /// Those on the way to their processes: whoever starts one holds its blobs from before the record until after the process.
    async fn starting(&self, records: &[Instance]) -> BTreeSet<InstanceId> {
        let recorded = records.iter().filter(|record| record.state == InstanceState::Creating);
        let recorded: BTreeSet<InstanceId> = recorded.map(|record| record.id).collect();
        match self.engine.held_starts(&recorded).await {
            Ok(held) => held,
            Err(error) => {
                // Nothing that may be on its way is taken for ended.
                tracing::warn!(error = chain(&error), "failed to tell which instances are starting");
                recorded
            }
        }
    }

    async fn settle_one(
        &self,
        record: Instance,
        status: Option<&HostStatus>,
        cleaned: bool,
        is_starting: bool,
    ) -> Result<(), Error> {
        use InstanceState::{Creating, Exited, Running};
        let ended = match (&record.state, status.map(|status| status.state)) {
            (Exited(known), _) if *known != ExitStatus::Unknown => *known,
            (_, Some(Exited(status))) => status,
            (Creating | Exited(_), Some(Running)) => return self.found_running(&record, status).await,
            (_, Some(_)) => return Ok(()),
            (Creating, None) if is_starting => return Ok(()),
            (_, None) => ExitStatus::Unknown,
        };
        if record.state != Exited(ended) {
            let reason = if cleaned { EventReason::CleanedUp } else { EventReason::Exited };
            self.record_exit(&record, ended, reason).await?;
        }
        if record.remove_on_exit {
            self.remove(&record).await?;
        }
        Ok(())
    }

    /// One that runs, and whoever started it did not live to say so.
    async fn found_running(&self, record: &Instance, status: Option<&HostStatus>) -> Result<(), Error> {
        let Some(pid) = status.and_then(|status| status.pid) else { return Ok(()) };
        let message = format!("`{}` was found running as process {pid}", record.name);
        let event = self.event(record, EventKind::Normal, EventReason::Started, message);
        let now = self.engine.clock().now();
        let recorded = self.engine.records().instance_started(record.id, pid, &[event], now).await;
        // Its starter, or another process like this one, was faster.
        known_otherwise(recorded).map(drop)
    }

    /// Notes how an instance ended, and returns its record; where another process has removed that, as it would be.
    pub(super) async fn record_exit(
        &self,
        record: &Instance,
        status: ExitStatus,
        reason: EventReason,
    ) -> Result<Instance, Error> {
        let now = self.engine.clock().now();
        let ended = InstanceState::Exited(status);
        let message = format!("`{}` ended: {ended}", record.name);
        let event = self.event(record, EventKind::Normal, reason, message);
        let recorded = self.engine.records().instance_exited(record.id, status, &[event], now).await;
        let as_it_would_be = || Instance { state: ended, pid: None, finished: Some(now), ..record.clone() };
        Ok(known_otherwise(recorded)?.unwrap_or_else(as_it_would_be))
    }

    /// Waits until an ended instance is cleaned up, and removes it.
    pub(super) async fn wait_and_remove(&self, record: &Instance) -> Result<(), Error> {
        match self.host.wait(record.id).await {
            Err(error) if error.kind() != HostErrorKind::NotFound => {
                Err(Error::host("clean up", record)(error))
            }
            _ => self.remove(record).await,
        }
    }

    /// Removes an ended instance from host and records. One that runs after all, or is still being cleaned up, stays.
    pub(super) async fn remove(&self, record: &Instance) -> Result<(), Error> {
        match self.host.remove(record.id, false).await {
            Err(error) if error.kind() == HostErrorKind::State => return Ok(()),
            Err(error) if error.kind() != HostErrorKind::NotFound => {
                return Err(Error::host("remove", record)(error));
            }
            _ => {}
        }
        self.forget(record).await
    }

    /// Removes the record of an ended instance, and the image snapshot where nobody else names it.
    pub(super) async fn forget(&self, record: &Instance) -> Result<(), Error> {
        let removal = match self.engine.records().remove_instance(record.id, &[]).await {
            // Another process was faster, or found it running.
            Err(metastore::Error::NoInstance(_) | metastore::Error::InstanceState { .. }) => return Ok(()),
            removal => removal?,
        };
        let released: Vec<_> = removal.released.into_iter().collect();
        // Its cache may be one that goes once nothing uses it.
        self.engine.workshop.signals.expiry.notify_one();
        self.engine.workshop.signals.changes.notify_one();
        self.engine.workshop.let_go(&released).await;
        if let Some(cache) = record.cache
            && let Err(error) = self.engine.finish_deletion(cache).await
        {
            tracing::warn!(%cache, error = chain(&error), "failed to delete a cache that nothing uses any more");
        }
        Ok(())
    }
}

/// `None` where another process has recorded what comes later: that is no failure of whoever comes too late.
pub(super) fn known_otherwise(recorded: metastore::Result<Instance>) -> Result<Option<Instance>, Error> {
    match recorded {
        Err(metastore::Error::NoInstance(_) | metastore::Error::InstanceState { .. }) => Ok(None),
        recorded => Ok(Some(recorded?)),
    }
}
