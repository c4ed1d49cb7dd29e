//! Container groups: each that has something to do gets a worker, as many at once as fit.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use metastore::GroupFilter;
use model::{Group, GroupId, KeptGroups, Timestamp};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{FirstError, Reconciler};
use crate::{Error, Groups, chain};

/// How often it is looked which of the ended groups need not be kept.
const FORGET_MICROS: u64 = 60 * 1_000_000;

pub(super) struct GroupWork {
    groups: Groups,
    workers: JoinSet<()>,
    /// When there will be something to do.
    due: Option<Timestamp>,
    forgot: Option<Timestamp>,
}

impl GroupWork {
    pub(super) fn new(groups: Groups) -> Self {
        Self { groups, workers: JoinSet::new(), due: None, forgot: None }
    }

    /// What the host has of groups that are over, or that nobody knows. It is asked first: what is recorded since is not
    /// taken for gone.
    async fn sweep(&self, here: BTreeSet<GroupId>, unfinished: &[Group]) -> Result<(), Error> {
        let wanted: BTreeSet<GroupId> = unfinished.iter().map(|group| group.id).collect();
        for id in here.difference(&wanted) {
            let removed = self.groups.host().remove_group(*id).await;
            removed.map_err(|source| Error::RemoveGroup { id: *id, source })?;
        }
        Ok(())
    }

    /// Gives a worker to a group for which there is something to do.
    async fn employ(&mut self, group: &Group, stop: &CancellationToken) -> Result<(), Error> {
        let engine = self.groups.engine().clone();
        if engine.workshop.under_way.groups().contains(&group.id) {
            return Ok(());
        }
        let instances = self.groups.instances_of(group.id).await?;
        let next = group.next(&instances, self.groups.now());
        if next.actions.is_empty() && next.status == group.status {
            self.due = [self.due, next.due].into_iter().flatten().min();
            return Ok(());
        }
        if self.workers.len() >= engine.workshop.parts.settings.groups_at_once.max(1) {
            return Ok(());
        }
        let Some(place) = engine.workshop.under_way.enter(group.id) else { return Ok(()) };
        let (groups, account, id, stop) =
            (self.groups.clone(), group.account.clone(), group.id, stop.clone());
        self.workers.spawn(async move {
            let done = groups.advance((&account, id), &place, &stop).await;
            drop(place);
            match done {
                Ok(true) => engine.workshop.signals.groups.notify_one(),
                // The next look in its time, not at once.
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(group = %id, error = chain(&error), "failed to go on with a container group");
                }
            }
        });
        Ok(())
    }

    async fn forget(&mut self) -> Result<(), Error> {
        let now = self.groups.now();
        if self.forgot.is_some_and(|last| now.micros_since(last) < FORGET_MICROS) {
            return Ok(());
        }
        self.forgot = Some(now);
        let all = self.groups.all(&GroupFilter::default()).await?;
        let accounts: BTreeSet<_> = all.iter().map(|group| &group.account).collect();
        for account in accounts {
            let own = all.iter().filter(|group| group.account == *account);
            for group in KeptGroups::default().over(own, now) {
                let records = self.groups.engine().records();
                match records.ask_group_deletion(group.id, true, &[], now).await {
                    Err(metastore::Error::NoGroup(_)) => {}
                    asked => drop(asked?),
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Reconciler for GroupWork {
    fn name(&self) -> &'static str {
        "groups"
    }

    fn interval(&self) -> Duration {
        let interval = self.groups.engine().workshop.parts.settings.intervals.groups;
        let due = self.due.map(|due| Duration::from_micros(due.micros_since(self.groups.now())));
        due.map_or(interval, |due| due.min(interval))
    }

    fn signal(&self) -> &Notify {
        self.groups.signal()
    }

    async fn pass(&mut self, stop: &CancellationToken) -> Result<(), Error> {
        while self.workers.try_join_next().is_some() {}
        self.due = None;
        let mut failed = FirstError::default();
        failed.note(self.forget().await);
        let here = self.groups.host().groups().await.map_err(|source| Error::LookAround { source })?;
        let filter = GroupFilter { unfinished: true, ..GroupFilter::default() };
        let unfinished = self.groups.all(&filter).await?;
        failed.note(self.sweep(here.into_iter().collect(), &unfinished).await);
        if unfinished.is_empty() {
            return failed.into_result();
        }
        failed.note(self.groups.settle().await);
        for group in &unfinished {
            if stop.is_cancelled() {
                break;
            }
            failed.note(self.employ(group, stop).await);
        }
        failed.into_result()
    }

    async fn finish(&mut self) {
        while self.workers.join_next().await.is_some() {}
    }
}

impl Groups {
    pub(super) fn host(&self) -> &Arc<dyn crate::InstanceHost> {
        self.instances().host()
    }

    fn signal(&self) -> &Notify {
        &self.engine().workshop.signals.groups
    }

    /// Makes the records of instances say what the host finds.
    async fn settle(&self) -> Result<(), Error> {
        for (id, error) in self.instances().settle().await? {
            tracing::warn!(instance = %id, error = chain(&error), "failed to look after an instance");
        }
        Ok(())
    }
}
