//! Tags of container groups, changed and listed.

use clouds::alibaba::answer::{TagResource, TagsOfResources};
use clouds::alibaba::request::{ListTagResources, ResourceType, TagFilter, TaggedResources};
use clouds::alibaba::{Answer, ErrorCode, OperationName, Refusal};
use model::{GroupId, TagChange, Tags};

use super::notes::GroupNotes;
use super::{Group, ids};
use crate::clouds::alibaba::resources::{changed_tags, shown_tags};
use crate::clouds::alibaba::{Caller, refusals};
use crate::service::ServiceError;

/// How often a group is read again that others change at the same time: each time at least one of them is done.
const MOST_TRIES: usize = 100;

impl Caller {
    /// Changes the tags of all groups named, or where one is not there or cannot have them, of none.
    pub(in crate::clouds::alibaba) async fn retag_groups(
        &self,
        operation: OperationName,
        resources: &TaggedResources,
        change: &TagChange,
    ) -> Result<(), Refusal> {
        let mut groups = Vec::new();
        for id in &resources.ids {
            let group = self.group(operation, Some(&resources.region), id).await?;
            changed_tags(operation, change, &group.notes.tags)?;
            groups.push(group);
        }
        for group in groups {
            self.retag_group(operation, group, change).await?;
        }
        Ok(())
    }

    /// Tags stand among what is kept of a group, which is written whole: so it is written only where nobody else has meanwhile,
    /// and read again else.
    async fn retag_group(
        &self,
        operation: OperationName,
        mut group: Group,
        change: &TagChange,
    ) -> Result<(), Refusal> {
        let service = self.edge.service();
        for _ in 0..MOST_TRIES {
            let Some(from) = &group.view.group.notes else { break };
            let tags = changed_tags(operation, change, &group.notes.tags)?;
            if tags == group.notes.tags {
                return Ok(());
            }
            let to = GroupNotes { tags, ..group.notes.clone() }.to_notes()?;
            let swapped = service.swap_group_notes(&self.account, group.id(), from, &to).await;
            if swapped.map_err(|error| refusals::of_groups(operation, &error))?.is_some() {
                return Ok(());
            }
            let read = service.group(&self.account, group.id()).await;
            let read = Group::of(read.map_err(|error| refusals::of_groups(operation, &error))?);
            let Some(read) = read else { break };
            group = read;
        }
        Err(Refusal::of(operation, ErrorCode::OperationConflict))
    }

    /// One page of the tags of groups.
    pub(in crate::clouds::alibaba) async fn list_group_tags(
        &self,
        list: &ListTagResources,
        limit: usize,
    ) -> Result<Answer, Refusal> {
        const NAME: OperationName = OperationName::ListTagResources;
        let query = ListTagResources { limit: None, next_token: None, ..list.clone() };
        let query = format!("alibaba-group-tags?{}?{query:?}", self.account);
        let behind = match &list.next_token {
            Some(token) => Some(self.page_start::<GroupId>(&query, token.as_str())?),
            None => None,
        };
        let groups = self.tagged(list).await.map_err(|error| refusals::of_groups(NAME, &error))?;
        // The newest first: what is behind one is older.
        let mut rest = groups.into_iter().skip_while(|group| behind.is_some_and(|last| group.id() >= last));
        let page: Vec<Group> = rest.by_ref().take(limit).collect();
        let next = page.last().filter(|_| rest.next().is_some());
        let next_token = next.map(|last| self.edge.page_key().issue(&query, &last.id().to_string()));
        let tag_resources = page.iter().flat_map(tags_of).collect();
        Ok(Answer::ListTagResources(TagsOfResources { next_token, tag_resources }))
    }

    /// The groups that the listing means and that have tags.
    async fn tagged(&self, list: &ListTagResources) -> Result<Vec<Group>, ServiceError> {
        let settings = &self.edge.clouds().alibaba;
        let has_tag = |group: &Group, tag: &TagFilter| {
            let value = group.notes.tags.get(&tag.key);
            value.is_some_and(|value| tag.value.as_ref().is_none_or(|wanted| wanted == value))
        };
        let fits = |group: &Group| {
            let id = ids::group(group.id());
            let region = list.region.as_ref();
            group.view.group.status.deleting.is_none()
                && !group.notes.tags.is_empty()
                && (list.ids.is_empty() || list.ids.iter().any(|wanted| wanted.as_str() == id))
                && list.tags.iter().all(|tag| has_tag(group, tag))
                && region
                    .is_none_or(|region| settings.puts_into(region.as_str(), group.notes.region.as_deref()))
        };
        let all = self.edge.service().groups(&self.account).await?;
        let mut groups: Vec<Group> = all.into_iter().filter_map(Group::of).filter(fits).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.id()));
        Ok(groups)
    }

    /// The tags of a group; none where it is not there.
    pub(in crate::clouds::alibaba) async fn tags_of_group(&self, id: GroupId) -> Result<Tags, ServiceError> {
        let all = match self.edge.service().group(&self.account, id).await {
            Ok(view) => Group::of(view),
            Err(error) if error.kind == crate::service::ServiceErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(all.map(|group| group.notes.tags).unwrap_or_default())
    }
}

fn tags_of(group: &Group) -> Vec<TagResource> {
    shown_tags(ResourceType::ContainerGroup, ids::group(group.id()), &group.notes.tags).collect()
}
