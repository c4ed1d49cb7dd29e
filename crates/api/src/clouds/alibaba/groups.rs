//! Container groups: instances in the cloud's words. A group has one container, which is an instance.
//!
//! The cloud's calls return at once, while an instance is there when its image is. So a group whose instance is not recorded yet is
//! remembered here; one whose start failed, for an hour.

mod create;
mod events;
mod shown;
mod support;
mod tags;
mod transit;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use clouds::alibaba::answer::{ContainerGroups, Done, GroupStatuses};
use clouds::alibaba::request::{
    DeleteContainerGroup, DescribeContainerGroupStatus, DescribeContainerGroups, GroupFilter, RegionId,
    ResourceId, TagFilter,
};
use clouds::alibaba::{Answer, ErrorCode, OperationName, Refusal};
use futures::future::try_join_all;
use model::{AccountId, Cloud, CloudNotes, ImageCache, Instance, InstanceId, Tags, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Caller, ids, refusals};
use crate::service::{Page, ServiceError, ServiceErrorKind};
use wire::Order;

/// So many groups may be without an instance at once; each waits for a registry at most.
const MOST_STARTING: usize = 1000;
/// A group that failed to start is told of for that long.
const FAILED_MICROS: u64 = 3_600_000_000;
/// How many instances are looked at in one go.
const STEP: u32 = 1000;
/// The groups of a page of which no length is said.
const DEFAULT_PAGE: u32 = 50;

/// What is kept of a group beside its instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct GroupNotes {
    name: String,
    region: Option<String>,
    resource_group: Option<String>,
    zone: Option<String>,
    vswitch: Option<String>,
    security_group: Option<String>,
    instance_type: Option<String>,
    restart_policy: String,
    cpu: Option<f64>,
    memory_gib: Option<f64>,
    extra_storage_gib: u32,
    tags: Tags,
    container: ContainerNotes,
    /// What is recorded alone, by the cloud's names.
    parameters: std::collections::BTreeMap<String, String>,
    /// What the request said, as a hash: who asks again with its token means the same.
    request: String,
}

/// What is kept of a group's container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct ContainerNotes {
    name: String,
    image: String,
    pull_policy: Option<String>,
    working_dir: Option<String>,
    commands: Vec<String>,
    arguments: Vec<String>,
    /// Names and values; none where the request hides them.
    environment: Vec<(String, String)>,
    ports: Vec<(u16, String)>,
    stdin: bool,
    stdin_once: bool,
    tty: bool,
}

impl GroupNotes {
    fn of(notes: Option<&CloudNotes>) -> Option<Self> {
        let notes = notes.filter(|notes| notes.cloud() == Cloud::Alibaba)?;
        serde_json::from_str(notes.document()).ok()
    }

    fn to_notes(&self) -> Result<CloudNotes, Refusal> {
        let text = serde_json::to_string(self).expect("texts, numbers and lists alone");
        CloudNotes::new(Cloud::Alibaba, text).map_err(|_| {
            let message =
                format!("The parameters that are kept are longer than {} bytes.", CloudNotes::MOST_BYTES);
            Refusal::new(ErrorCode::InvalidParameterLengthExceeded).saying(&message)
        })
    }
}

/// A group, with its instance where that is recorded.
#[derive(Clone, Debug)]
struct Group {
    id: InstanceId,
    notes: GroupNotes,
    created: Timestamp,
    instance: Option<Instance>,
    /// Why it could not start, and when that was known.
    failure: Option<(String, Timestamp)>,
    /// The cache whose build it is, where it is no group but a build's transit instance.
    transit: Option<Box<ImageCache>>,
}

/// Groups whose instance is not there yet, or never came.
#[derive(Default)]
pub(in crate::clouds) struct Starting(Mutex<HashMap<InstanceId, (AccountId, Group)>>);

impl Starting {
    fn all(&self) -> MutexGuard<'_, HashMap<InstanceId, (AccountId, Group)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a group; not where it is remembered already, or there are too many.
    fn add(&self, account: &AccountId, group: Group, now: Timestamp) -> Result<(), ErrorCode> {
        let mut all = self.all();
        let is_told = |failure: &Option<(String, Timestamp)>| {
            failure.as_ref().is_none_or(|(_, at)| now.micros_since(*at) < FAILED_MICROS)
        };
        all.retain(|_, (_, group)| is_told(&group.failure));
        if all.contains_key(&group.id) {
            return Err(ErrorCode::OperationConflict);
        }
        if all.len() >= MOST_STARTING {
            return Err(ErrorCode::QuotaExceeded);
        }
        all.insert(group.id, (account.clone(), group));
        Ok(())
    }

    fn started(&self, id: InstanceId) {
        self.all().remove(&id);
    }

    fn failed(&self, id: InstanceId, why: String, now: Timestamp) {
        if let Some((_, group)) = self.all().get_mut(&id) {
            group.failure = Some((why, now));
        }
    }

    fn of(&self, account: &AccountId) -> Vec<Group> {
        let all = self.all();
        let own = all.values().filter(|(owner, _)| owner == account);
        own.map(|(_, group)| group.clone()).collect()
    }
}

impl Caller {
    /// The account's groups in the region that fit, newest first.
    async fn groups(&self, filter: &GroupFilter) -> Result<Vec<Group>, ServiceError> {
        let starting = self.edge.cloud_state().starting.of(&self.account);
        let mut groups: Vec<Group> = Vec::new();
        let mut after = None;
        loop {
            let page = Page { after, limit: STEP, order: Order::NewestFirst, skip: 0 };
            let found = self.edge.service().list_instances(&self.account, false, page).await?;
            groups.extend(found.instances.into_iter().filter_map(|instance| {
                let notes = GroupNotes::of(instance.notes.as_ref())?;
                let created = instance.created;
                Some(Group {
                    id: instance.id,
                    notes,
                    created,
                    instance: Some(instance),
                    failure: None,
                    transit: None,
                })
            }));
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        let known: std::collections::BTreeSet<InstanceId> = groups.iter().map(|group| group.id).collect();
        groups.extend(starting.into_iter().filter(|group| !known.contains(&group.id)));
        groups.extend(self.transits(filter).await?);
        groups.retain(|group| self.fits(group, filter));
        groups.sort_by_key(|group| std::cmp::Reverse((group.created, group.id)));
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
        let id = ids::group(group.id);
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
        let instance_id = ids::instance_of(id.as_str()).ok_or_else(unknown)?;
        match self.edge.service().instance(&self.account, &instance_id.to_string()).await {
            Ok(instance) => {
                let notes = GroupNotes::of(instance.notes.as_ref()).ok_or_else(unknown)?;
                let created = instance.created;
                let instance = Some(instance);
                let group = Group { id: instance_id, notes, created, instance, failure: None, transit: None };
                Some(group).filter(is_here).ok_or_else(unknown)
            }
            Err(error) if error.kind == ServiceErrorKind::NotFound => {
                let starting = self.edge.cloud_state().starting.of(&self.account);
                let found = starting.into_iter().find(|group| group.id == instance_id);
                found.filter(is_here).ok_or_else(unknown)
            }
            Err(error) => Err(refusals::of_groups(operation, &error)),
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
            let name = describe.name.as_ref().is_none_or(|name| group.notes.name == name.as_str());
            let status = describe.status.is_none_or(|status| shown::status(group) == status);
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
            Ok(shown::group(group, describe.filter.region.as_str(), &events))
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
            groups.retain(|group| now.micros_since(shown::changed(group)) <= u64::from(seconds) * 1_000_000);
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
            Some(token) => Some(self.page_start::<InstanceId>(&query, token.as_str())?),
            None => None,
        };
        let skipped = match behind {
            Some(last) => {
                groups.iter().position(|group| group.id == last).map_or(groups.len(), |place| place + 1)
            }
            None => 0,
        };
        let mut rest = groups.into_iter().skip(skipped);
        let page: Vec<Group> = rest.by_ref().take(limit as usize).collect();
        let next = page.last().filter(|_| rest.next().is_some());
        let next = next.map(|last| self.edge.page_key().issue(&query, &last.id.to_string()));
        Ok((page, next))
    }

    pub(super) async fn delete_group(&self, delete: &DeleteContainerGroup) -> Result<Answer, Refusal> {
        const NAME: OperationName = OperationName::DeleteContainerGroup;
        let done = Ok(Answer::DeleteContainerGroup(Done {}));
        let group = match self.group(NAME, Some(&delete.region), &delete.id).await {
            Ok(group) => group,
            // A deletion that comes again with its token is done, where the group was there once.
            Err(_) if delete.client_token.is_some() && self.was_there(&delete.id).await => return done,
            Err(_) if self.delete_transit(delete).await? => return done,
            Err(refusal) => return Err(refusal),
        };
        if group.instance.is_none() {
            if group.failure.is_none() {
                let message = "The container group is being started.";
                return Err(Refusal::of(NAME, ErrorCode::IncorrectStatus).saying(message));
            }
            self.edge.cloud_state().starting.started(group.id);
            return done;
        }
        let deleted = self.edge.service().delete_instance(&self.account, &group.id.to_string(), true).await;
        deleted.map_err(|error| refusals::of_groups(NAME, &error))?;
        done
    }

    async fn was_there(&self, id: &ResourceId) -> bool {
        let Some(id) = ids::instance_of(id.as_str()) else { return false };
        self.edge.service().instance_events(&self.account, &id.to_string()).await.is_ok()
    }
}
