//! The double's container groups: whatever is asked for runs at once, and what cannot start says so.

use std::collections::HashMap;

use api::service::{GroupService, GroupView, NewGroup, ServiceResult};
use async_trait::async_trait;
use model::{
    AccountId, Attempt, ByteSize, CloudNotes, ContainerState, Event, EventKind, EventReason, ExitStatus,
    Group, GroupChoice, GroupId, GroupPhase, GroupSecrets, ImageSnapshotId, InstanceId, Run, Subject,
};

use super::{Double, NEVER_STARTS, not_found, now};

#[derive(Default)]
pub(super) struct Groups {
    groups: Vec<Group>,
    secrets: HashMap<GroupId, GroupSecrets>,
}

impl Groups {
    /// Whether that is a container of a group, now or before.
    pub(super) fn has_instance(&self, account: &AccountId, word: &str) -> bool {
        let own = self.groups.iter().filter(|group| group.account == *account);
        let mut containers = own.flat_map(|group| group.status.all());
        containers.any(|one| {
            let last = one.last.as_ref().map(|run| run.instance);
            one.instance().into_iter().chain(last).any(|id| id.to_string() == word)
        })
    }

    fn place(&self, account: &AccountId, id: GroupId) -> ServiceResult<usize> {
        let found = self.groups.iter().position(|group| group.account == *account && group.id == id);
        found.ok_or_else(|| not_found(&id.to_string()))
    }
}

fn view(group: &Group) -> GroupView {
    GroupView { group: group.clone(), instances: Vec::new() }
}

fn event(group: &Group, kind: EventKind, reason: EventReason, message: &str) -> Event {
    Event::once(Subject::Group(group.id), kind, reason, message, now())
}

/// Its init containers have ended, and the others run; how one ended before is told of all.
fn run(group: &mut Group) {
    let ended = |code| Run {
        instance: InstanceId::generate(),
        status: ExitStatus::Code(code),
        started: Some(now()),
        finished: now(),
        message: None,
    };
    for container in &mut group.status.init_containers {
        container.state = ContainerState::Ended(ended(0));
    }
    for container in &mut group.status.containers {
        let attempt = Attempt { instance: InstanceId::generate(), since: now() };
        container.state = ContainerState::Running(attempt);
        (container.last, container.restarts) = (Some(ended(3)), 1);
    }
    group.status.choice = Some(GroupChoice {
        snapshot: ImageSnapshotId::generate(),
        cache: group.spec.cache,
        size_limit: ByteSize::gib(1),
    });
    group.status.phase = GroupPhase::Running;
    group.status.address = Some([192, 0, 2, 7].into());
}

#[async_trait]
impl GroupService for Double {
    async fn create_group(&self, account: &AccountId, new: NewGroup) -> ServiceResult<Group> {
        self.with(|all| {
            let mut group = Group::asked_for(new.id, new.name, account.clone(), new.spec, now());
            group.notes = Some(new.notes);
            let mut told = Vec::new();
            if group.spec.containers[0].command == [NEVER_STARTS] {
                let (status, _) = group.images_failed("there is no such image".to_owned(), true, now());
                group.status = status;
                let kind = EventKind::Warning;
                told.push(event(&group, kind, EventReason::StartFailed, "there is no such image"));
            } else {
                run(&mut group);
                if group.spec.cache.is_none() {
                    told.push(event(&group, EventKind::Normal, EventReason::CacheMiss, "no cache has it"));
                }
                for (_, container) in group.spec.all() {
                    let message = format!("the container `{}` started", container.name);
                    told.push(event(&group, EventKind::Normal, EventReason::Started, &message));
                }
            }
            all.events.extend(told.into_iter().map(|event| (account.clone(), event)));
            all.groups.secrets.insert(group.id, new.secrets);
            all.groups.groups.push(group.clone());
            Ok(group)
        })
    }

    async fn groups(&self, account: &AccountId) -> ServiceResult<Vec<GroupView>> {
        let own = |group: &&Group| group.account == *account;
        Ok(self.with(|all| all.groups.groups.iter().rev().filter(own).map(view).collect()))
    }

    async fn group(&self, account: &AccountId, id: GroupId) -> ServiceResult<GroupView> {
        self.with(|all| Ok(view(&all.groups.groups[all.groups.place(account, id)?])))
    }

    async fn delete_group(&self, account: &AccountId, id: GroupId, _: bool) -> ServiceResult<()> {
        self.with(|all| {
            let place = all.groups.place(account, id)?;
            all.groups.groups.remove(place);
            Ok(())
        })
    }

    async fn group_events(&self, account: &AccountId, id: GroupId) -> ServiceResult<Vec<Event>> {
        self.with(|all| {
            let own = all.events.iter().filter(|(owner, _)| owner == account).map(|(_, event)| event);
            Ok(own.filter(|event| event.subject == Subject::Group(id)).cloned().collect())
        })
    }

    async fn group_secrets(&self, account: &AccountId, id: GroupId) -> ServiceResult<GroupSecrets> {
        self.with(|all| {
            all.groups.place(account, id)?;
            Ok(all.groups.secrets.get(&id).cloned().unwrap_or_default())
        })
    }

    async fn swap_group_notes(
        &self,
        account: &AccountId,
        id: GroupId,
        from: &CloudNotes,
        to: &CloudNotes,
    ) -> ServiceResult<Option<Group>> {
        self.with(|all| {
            let place = all.groups.place(account, id)?;
            let group = &mut all.groups.groups[place];
            if group.notes.as_ref() != Some(from) {
                return Ok(None);
            }
            group.notes = Some(to.clone());
            Ok(Some(group.clone()))
        })
    }
}
