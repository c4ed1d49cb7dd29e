//! Container groups in the cloud's words. What becomes of them is decided behind the port.

mod create;
mod events;
mod notes;
mod shown;
mod spec;
mod states;
mod support;
mod tags;
mod transit;

use clouds::alibaba::answer::{ContainerGroups, Done, GroupStatuses};
use clouds::alibaba::request::{
    DeleteContainerGroup, DescribeContainerGroupStatus, DescribeContainerGroups, GroupFilter, RegionId,
    ResourceId, TagFilter,
};
use clouds::alibaba::{Answer, ErrorCode, OperationName, Refusal};
use futures::future::try_join_all;
use model::{GroupId, GroupSecrets, ImageCache};

use super::once::Turn;
use super::{Caller, ids, refusals};
use crate::service::{GroupView, ServiceError, ServiceErrorKind};
use notes::GroupNotes;

/// The groups of a page of which no length is said.
const DEFAULT_PAGE: u32 = 50;

/// A group, with what the cloud's call said of it.
#[derive(Clone, Debug)]
struct Group {
    view: GroupView,
    notes: GroupNotes,
    /// Its name: the cache's where it is a build's, which may be no name of a group.
    name: String,
    /// The cache whose build it is, where it is no group but a build's transit instance.
    transit: Option<Box<ImageCache>>,
}

impl Group {
    /// A group of this cloud; `None` for another's.
    fn of(view: GroupView) -> Option<Self> {
        let notes = GroupNotes::of(view.group.notes.as_ref())?;
        let name = view.group.name.to_string();
        Some(Self { view, notes, name, transit: None })
    }

    fn id(&self) -> GroupId {
        self.view.group.id
    }
}

impl Caller {
    /// The account's groups in the region that fit, newest first. Those whose deletion was asked for are gone.
    async fn groups(&self, filter: &GroupFilter) -> Result<Vec<Group>, ServiceError> {
        let all = self.edge.service().groups(&self.account).await?;
        let mut groups: Vec<Group> = all.into_iter().filter_map(Group::of).collect();
        groups.extend(self.transits(filter).await?);
        groups.retain(|group| group.view.group.status.deleting.is_none() && self.fits(group, filter));
        groups.sort_by_key(|group| std::cmp::Reverse(group.id()));
        Ok(groups)
    }

    fn fits(&self, group: &Group, filter: &GroupFilter) -> bool {
        let is = |wanted: &Option<ResourceId>, has: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| has.as_deref() == Some(wanted.as_str()))
        };
        let has_tag = |tag: &TagFilter| {
            let value = group.notes.tags.get(&tag.key);
            value.is_some_and(|value| tag.value.as_ref().is_none_or(|wanted| wanted == value))
        };
        let id = ids::group(group.id());
        let settings = &self.edge.clouds().alibaba;
        settings.puts_into(filter.region.as_str(), group.notes.region.as_deref())
            && filter.ids.as_ref().is_none_or(|ids| ids.iter().any(|wanted| wanted.as_str() == id))
            && filter.tags.iter().all(has_tag)
            && is(&filter.zone_id, &group.notes.zone)
            && is(&filter.vswitch_id, &group.notes.vswitch)
            && is(&filter.resource_group_id, &group.notes.resource_group)
    }

    /// The group of that id, if it is in the region.
    async fn group(
        &self,
        operation: OperationName,
        region: Option<&RegionId>,
        id: &ResourceId,
    ) -> Result<Group, Refusal> {
        let settings = &self.edge.clouds().alibaba;
        let is_here = |group: &Group| {
            region.is_none_or(|region| settings.puts_into(region.as_str(), group.notes.region.as_deref()))
        };
        let unknown = || {
            let message = format!("The specified container group {id} does not exist.");
            Refusal::new(ErrorCode::InvalidParameterNotFound).saying(&message)
        };
        let group_id = ids::group_of(id.as_str()).ok_or_else(unknown)?;
        match self.edge.service().group(&self.account, group_id).await {
            Ok(view) => Group::of(view).filter(is_here).ok_or_else(unknown),
            Err(error) if error.kind == ServiceErrorKind::NotFound => Err(unknown()),
            Err(error) => Err(refusals::of_groups(operation, &error)),
        }
    }

    /// What is shown of a group to its owner alone; nothing where nothing of it is to be shown.
    async fn secrets_of(&self, group: &Group) -> Result<GroupSecrets, ServiceError> {
        match group.transit.is_none() && shown::has_secrets(group) {
            true => self.edge.service().group_secrets(&self.account, group.id()).await,
            false => Ok(GroupSecrets::default()),
        }
    }

    pub(super) async fn describe_groups(
        &self,
        describe: &DescribeContainerGroups,
    ) -> Result<Answer, Refusal> {
        const NAME: OperationName = OperationName::DescribeContainerGroups;
        let mut groups =
            self.groups(&describe.filter).await.map_err(|error| refusals::of_groups(NAME, &error))?;
        groups.retain(|group| {
            let name = describe.name.as_ref().is_none_or(|name| group.name == name.as_str());
            let status = describe.status.is_none_or(|status| states::status(group) == status);
            let security = describe.security_group_id.as_ref();
            let security =
                security.is_none_or(|id| group.notes.security_group.as_deref() == Some(id.as_str()));
            name && status && security
        });
        let total_count = groups.len() as u64;
        let (groups, next_token) = self.cut(groups, &describe.filter, describe.limit)?;
        let shown = groups.iter().map(|group| async {
            let events = match describe.with_events {
                true => self.events_of(group).await?,
                false => Vec::new(),
            };
            let secrets = self.secrets_of(group).await?;
            Ok(shown::group(group, &secrets, describe.filter.region.as_str(), &events))
        });
        let container_groups =
            try_join_all(shown).await.map_err(|error| refusals::of_groups(NAME, &error))?;
        Ok(Answer::DescribeContainerGroups(ContainerGroups { next_token, total_count, container_groups }))
    }

    pub(super) async fn describe_status(
        &self,
        describe: &DescribeContainerGroupStatus,
    ) -> Result<Answer, Refusal> {
        const NAME: OperationName = OperationName::DescribeContainerGroupStatus;
        let mut groups =
            self.groups(&describe.filter).await.map_err(|error| refusals::of_groups(NAME, &error))?;
        if let Some(seconds) = describe.since_seconds {
            let now = self.edge.clock().now();
            let since = |group: &Group| now.micros_since(group.view.group.updated);
            groups.retain(|group| since(group) <= u64::from(seconds) * 1_000_000);
        }
        let total_count = groups.len() as u64;
        let (groups, next_token) =
            self.cut(groups, &describe.filter, describe.limit.unwrap_or(DEFAULT_PAGE))?;
        let data = groups.iter().map(shown::pod_status).collect();
        Ok(Answer::DescribeContainerGroupStatus(GroupStatuses { next_token, total_count, data }))
    }

    /// One page of groups, and where the next one begins.
    fn cut(
        &self,
        groups: Vec<Group>,
        filter: &GroupFilter,
        limit: u32,
    ) -> Result<(Vec<Group>, Option<String>), Refusal> {
        let query = GroupFilter { next_token: None, ..filter.clone() };
        let query = format!("alibaba-groups?{}?{query:?}", self.account);
        let behind = match &filter.next_token {
            Some(token) => Some(self.page_start::<GroupId>(&query, token.as_str())?),
            None => None,
        };
        // The last one of the page before may be gone by now.
        let skipped = behind.map_or(0, |last| groups.partition_point(|group| group.id() >= last));
        let mut rest = groups.into_iter().skip(skipped);
        let page: Vec<Group> = rest.by_ref().take(limit as usize).collect();
        let next = page.last().filter(|_| rest.next().is_some());
        let next = next.map(|last| self.edge.page_key().issue(&query, &last.id().to_string()));
        Ok((page, next))
    }

    /// Returns before everything of it is gone; it is shown no more.
    pub(super) async fn delete_group(&self, delete: &DeleteContainerGroup) -> Result<Answer, Refusal> {
        const NAME: OperationName = OperationName::DeleteContainerGroup;
        let delete_in = |turn: Turn| self.delete_group_in(turn, delete);
        self.once(NAME, delete.client_token.as_ref(), delete, String::new(), delete_in).await?;
        Ok(Answer::DeleteContainerGroup(Done {}))
    }

    async fn delete_group_in(&self, turn: Turn, delete: &DeleteContainerGroup) -> Result<String, Refusal> {
        const NAME: OperationName = OperationName::DeleteContainerGroup;
        let done = Ok(String::new());
        let group = match self.group(NAME, Some(&delete.region), &delete.id).await {
            Ok(group) => group,
            // Whoever had begun it has done it.
            Err(_) if turn.is_again && self.group_was_there(&delete.id).await => return done,
            Err(_) if self.delete_transit(delete).await? => return done,
            Err(refusal) => return Err(refusal),
        };
        let deleted = self.edge.service().delete_group(&self.account, group.id(), delete.force).await;
        deleted.map_err(|error| refusals::of_groups(NAME, &error))?;
        done
    }

    async fn group_was_there(&self, id: &ResourceId) -> bool {
        let Some(id) = ids::group_of(id.as_str()) else { return false };
        let events = self.edge.service().group_events(&self.account, id).await;
        events.is_ok_and(|events| !events.is_empty())
    }
}
