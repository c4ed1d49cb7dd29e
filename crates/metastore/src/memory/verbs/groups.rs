//! Container groups in memory.

use async_trait::async_trait;
use model::{AccountId, CloudNotes, Event, Group, GroupId, SealedSecret, Subject, Timestamp};

use super::super::changes::Touch;
use super::super::find::page_of;
use super::super::{MemoryMetastore, Records};
use crate::error::taken;
use crate::{ChangeKind, Error, GroupChange, GroupFilter, GroupStep, GroupVerbs, Page, Result, rules};

impl Records {
    fn present_group(&self, id: GroupId) -> Result<Group> {
        self.groups.get(&id).cloned().ok_or(Error::NoGroup(id))
    }

    fn touch_group(&mut self, group: &Group, kind: ChangeKind) {
        let touch = Touch { account: group.account.clone(), kind, at: group.updated };
        self.touched.insert(Subject::Group(group.id), touch);
    }

    fn put_group(&mut self, group: &Group) {
        self.touch_group(group, ChangeKind::Put);
        self.groups.insert(group.id, group.clone());
    }

    fn step_group(&mut self, step: &GroupStep, now: Timestamp) -> Result<Option<GroupChange>> {
        let known = self.groups.get(&step.id).filter(|group| group.revision == step.revision).cloned();
        let Some(known) = known else { return Ok(None) };
        if let Some(made) = &step.made
            && self.snapshots.insert(made.id, made.clone()).is_some()
        {
            return Err(taken("image snapshot", made.id));
        }
        let before = rules::snapshot_of(&known.status);
        let named = rules::snapshot_of(&step.status);
        if let Some(snapshot) = named.filter(|_| named != before)
            && !self.snapshots.contains_key(&snapshot)
        {
            return Err(Error::NoSnapshot(snapshot));
        }
        let group = rules::stepped(known, &step.status, now);
        self.put_group(&group);
        let let_go: Vec<_> = before.filter(|_| named != before).into_iter().collect();
        let released = self.release(&let_go).pop();
        Ok(Some(GroupChange { group, released }))
    }

    fn remove_group(&mut self, id: GroupId) -> Result<GroupChange> {
        let group = self.present_group(id)?;
        if self.instances.values().any(|instance| instance.group == Some(id)) {
            return Err(Error::GroupInUse(id));
        }
        self.touch_group(&group, ChangeKind::Gone);
        self.departed.insert(Subject::Group(id), group.account.clone());
        self.groups.remove(&id);
        self.group_secrets.remove(&id);
        let named: Vec<_> = rules::snapshot_of(&group.status).into_iter().collect();
        let released = self.release(&named).pop();
        Ok(GroupChange { group, released })
    }
}

#[async_trait]
impl GroupVerbs for MemoryMetastore {
    async fn create_group(&self, group: &Group, secrets: &[SealedSecret], events: &[Event]) -> Result<()> {
        self.write(events, Some(group.created), |records| {
            if records.groups.contains_key(&group.id) {
                return Err(taken("container group", group.id));
            }
            records.put_group(group);
            records.group_secrets.insert(group.id, secrets.to_vec());
            Ok(())
        })
    }

    async fn group(&self, account: &AccountId, id: GroupId) -> Result<Group> {
        let group = self.records().present_group(id)?;
        Some(group).filter(|group| group.account == *account).ok_or(Error::NoGroup(id))
    }

    async fn find_groups(&self, filter: &GroupFilter, page: Page<GroupId>) -> Result<Vec<Group>> {
        Ok(page_of(&self.records().groups, page, |group| {
            filter.account.as_ref().is_none_or(|account| *account == group.account)
                && !(filter.unfinished && rules::is_finished(&group.status))
        }))
    }

    async fn step_group(
        &self,
        step: &GroupStep,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Option<GroupChange>> {
        self.write_if(events, Some(now), |records| {
            let change = records.step_group(step, now)?;
            let is_news = change.is_some();
            Ok((change, is_news))
        })
    }

    async fn ask_group_deletion(
        &self,
        id: GroupId,
        force: bool,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Group> {
        self.write_if(events, Some(now), |records| {
            let group = records.present_group(id)?;
            let Some(group) = rules::to_be_deleted(&group, force, now) else { return Ok((group, false)) };
            records.put_group(&group);
            Ok((group, true))
        })
    }

    async fn swap_group_notes(
        &self,
        id: GroupId,
        from: &CloudNotes,
        to: &CloudNotes,
    ) -> Result<Option<Group>> {
        self.write_if(&[], None, |records| {
            let known = records.present_group(id)?;
            if known.notes.as_ref() != Some(from) {
                return Ok((None, false));
            }
            let group = Group { notes: Some(to.clone()), revision: known.revision + 1, ..known };
            records.put_group(&group);
            Ok((Some(group), true))
        })
    }

    async fn remove_group(&self, id: GroupId, events: &[Event]) -> Result<GroupChange> {
        self.write(events, None, |records| records.remove_group(id))
    }

    async fn group_secrets(&self, id: GroupId) -> Result<Vec<SealedSecret>> {
        Ok(self.records().group_secrets.get(&id).cloned().unwrap_or_default())
    }

    async fn reseal_group(&self, id: GroupId, from: &[SealedSecret], to: &[SealedSecret]) -> Result<bool> {
        let mut records = self.records();
        match records.group_secrets.get_mut(&id) {
            Some(kept) if kept == from => {
                *kept = to.to_vec();
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
