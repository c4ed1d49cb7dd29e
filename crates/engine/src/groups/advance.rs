//! One worker's work at one group: what the rule says, until it says nothing more.

use futures::future::try_join_all;
use model::{
    AccountId, ContainerPlace, ContainerState, Group, GroupAction, GroupId, GroupStatus, InstanceId, NextStep,
};
use tokio_util::sync::CancellationToken;

use super::Groups;
use super::containers::Ground;
use super::under_way::Place;
use crate::Error;

/// So often the rule is asked in one go; what is not done by then is done by the next worker.
const MOST_ROUNDS: usize = 100;

/// What comes next.
enum Round {
    /// Look again.
    Again,
    /// There is nothing to do now.
    Done,
}

impl Groups {
    /// Does what is to be done for a group now; whether the rule has been satisfied.
    pub(crate) async fn advance(
        &self,
        (account, id): (&AccountId, GroupId),
        place: &Place,
        stop: &CancellationToken,
    ) -> Result<bool, Error> {
        for _ in 0..MOST_ROUNDS {
            if stop.is_cancelled() {
                return Ok(true);
            }
            let found = match self.find(account, id).await {
                Err(Error::UnknownGroup { .. }) => return Ok(true),
                found => found?,
            };
            let next = found.group.next(&found.instances, self.now());
            let round = tokio::select! {
                biased;
                round = self.take(found.group, next, place) => round?,
                // What is begun is recorded: whoever comes next goes on with it.
                () = stop.cancelled() => return Ok(true),
            };
            if matches!(round, Round::Done) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn take(&self, group: Group, next: NextStep, place: &Place) -> Result<Round, Error> {
        let NextStep { status, actions, news, .. } = next;
        let is_news = status != group.status || !news.is_empty();
        let group = match is_news {
            false => group,
            true => match self.step(&group, status, news).await? {
                Some(group) => group,
                None => return Ok(Round::Again),
            },
        };
        if actions.is_empty() {
            return Ok(Round::Done);
        }
        self.end_instances(&group, &actions, place).await?;
        if actions.contains(&GroupAction::Forget) {
            self.forget(&group).await?;
            return Ok(Round::Done);
        }
        if actions.contains(&GroupAction::ChooseImages) {
            self.choose(&group, place).await?;
            return Ok(Round::Again);
        }
        let starts: Vec<ContainerPlace> = actions.iter().filter_map(start_of).collect();
        if !starts.is_empty() {
            self.start_all(group, &starts).await?;
        }
        Ok(Round::Again)
    }

    /// Ends and removes together whatever is to be; looks again where somebody has another wish meanwhile.
    async fn end_instances(
        &self,
        group: &Group,
        actions: &[GroupAction],
        place: &Place,
    ) -> Result<(), Error> {
        let ends = actions.iter().filter_map(end_of).map(|(id, is_removed)| async move {
            match is_removed {
                true => self.remove(group, id).await,
                false => self.stop(group, id).await,
            }
        });
        tokio::select! {
            biased;
            ended = try_join_all(ends) => ended.map(drop),
            () = place.nudged.notified() => Ok(()),
        }
    }

    async fn start_all(&self, group: Group, starts: &[ContainerPlace]) -> Result<(), Error> {
        let ground: Ground = self.prepare(&group).await?;
        if ground.was_lost
            && group.status.init_containers.iter().any(|one| one.state != ContainerState::Waiting)
        {
            return self.begin_anew(&group).await;
        }
        let mut group = group;
        for place in starts {
            match self.start(&group, *place, &ground).await? {
                Some(changed) => group = changed,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// The machine was restarted, and what init containers had left in memory is gone: they run once more.
    async fn begin_anew(&self, group: &Group) -> Result<(), Error> {
        let mut status: GroupStatus = group.status.clone();
        for container in &mut status.init_containers {
            container.state = ContainerState::Waiting;
        }
        self.step(group, status, Vec::new()).await.map(drop)
    }

    /// Removes what is left of a group: what its containers shared, its record, its snapshot.
    async fn forget(&self, group: &Group) -> Result<(), Error> {
        let removed = self.instances.host().remove_group(group.id).await;
        removed.map_err(|source| Error::RemoveGroup { id: group.id, source })?;
        crate::build::step("group-shares-removed")?;
        let change = match self.engine().records().remove_group(group.id, &[]).await {
            // Somebody was faster; or an instance came to be, which the next look finds.
            Err(metastore::Error::NoGroup(_) | metastore::Error::GroupInUse(_)) => return Ok(()),
            change => change?,
        };
        let workshop = &self.engine().workshop;
        workshop.let_go(&change.released.into_iter().collect::<Vec<_>>()).await;
        workshop.signals.expiry.notify_one();
        workshop.signals.changes.notify_one();
        Ok(())
    }
}

fn start_of(action: &GroupAction) -> Option<ContainerPlace> {
    match action {
        GroupAction::Start(place) => Some(*place),
        _ => None,
    }
}

/// The instance that is to end, and whether it is removed.
fn end_of(action: &GroupAction) -> Option<(InstanceId, bool)> {
    match action {
        GroupAction::Stop(id) => Some((*id, false)),
        GroupAction::Remove(id) => Some((*id, true)),
        _ => None,
    }
}
