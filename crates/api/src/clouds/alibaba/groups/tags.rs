//! Tags of container groups. They stand among what is kept of a group, which is written whole: so it is written only where nobody else
//! has meanwhile, and read again else.

use clouds::alibaba::answer::TagsOfResources;
use clouds::alibaba::request::{GroupFilter, ListTagResources, RegionId, ResourceType, TaggedResources};
use clouds::alibaba::{Answer, ErrorCode, OperationName, Refusal};
use model::{Instance, InstanceId, TagChange, Tags};

use super::{Group, GroupNotes};
use crate::clouds::alibaba::resources::{DEFAULT_PAGE, LONGEST_PAGE, changed_tags, shown_tags};
use crate::clouds::alibaba::{Caller, ids, refusals};
use crate::service::ServiceResult;

/// How often a group is read again that others change at the same time: each time at least one of them is done.
const MOST_TRIES: usize = 100;

impl Caller {
    /// Changes the tags of all groups named, or where one is not there, starts still or cannot have them, of none.
    pub(in crate::clouds::alibaba) async fn retag_groups(
        &self,
        operation: OperationName,
        resources: &TaggedResources,
        change: &TagChange,
    ) -> Result<(), Refusal> {
        let mut found = Vec::new();
        for id in &resources.ids {
            let group = self.group(operation, Some(&resources.region), id).await?;
            changed_tags(operation, change, &group.notes.tags)?;
            let instance = group.instance.ok_or_else(|| {
                let message = format!("The container group {id} is being started.");
                Refusal::of(operation, ErrorCode::IncorrectStatus).saying(&message)
            })?;
            found.push(instance);
        }
        for instance in found {
            self.retag_group(operation, instance, change).await?;
        }
        Ok(())
    }

    async fn retag_group(
        &self,
        operation: OperationName,
        mut instance: Instance,
        change: &TagChange,
    ) -> Result<(), Refusal> {
        let service = self.edge.service();
        for _ in 0..MOST_TRIES {
            let (Some(from), Some(mut notes)) =
                (instance.notes.as_ref(), GroupNotes::of(instance.notes.as_ref()))
            else {
                return Err(Refusal::of(operation, ErrorCode::OperationConflict));
            };
            notes.tags = changed_tags(operation, change, &notes.tags)?;
            let to = notes.to_notes()?;
            if to == *from {
                return Ok(());
            }
            let swapped = service.swap_instance_notes(instance.id, from, &to).await;
            if swapped.map_err(|error| refusals::of_groups(operation, &error))?.is_some() {
                return Ok(());
            }
            let read = service.instance(&self.account, &instance.id.to_string()).await;
            instance = read.map_err(|error| refusals::of_groups(operation, &error))?;
        }
        Err(Refusal::of(operation, ErrorCode::OperationConflict))
    }

    /// The tags of a group; none where it is not there.
    pub(in crate::clouds::alibaba) async fn tags_of_group(&self, id: InstanceId) -> ServiceResult<Tags> {
        let starting = self.edge.cloud_state().starting.of(&self.account);
        if let Some(group) = starting.into_iter().find(|group| group.id == id) {
            return Ok(group.notes.tags);
        }
        match self.edge.service().instance(&self.account, &id.to_string()).await {
            Ok(instance) => {
                Ok(GroupNotes::of(instance.notes.as_ref()).map(|notes| notes.tags).unwrap_or_default())
            }
            Err(error) if error.kind == crate::service::ServiceErrorKind::NotFound => Ok(Tags::default()),
            Err(error) => Err(error),
        }
    }

    pub(in crate::clouds::alibaba) async fn list_tags_of_groups(
        &self,
        list: &ListTagResources,
    ) -> Result<Answer, Refusal> {
        const NAME: OperationName = OperationName::ListTagResources;
        let filter = GroupFilter {
            region: self.region_of(list)?,
            ids: (!list.ids.is_empty()).then(|| list.ids.clone()),
            tags: list.tags.clone(),
            zone_id: None,
            vswitch_id: None,
            resource_group_id: None,
            next_token: list.next_token.clone(),
        };
        let groups = self.groups(&filter).await.map_err(|error| refusals::of_groups(NAME, &error))?;
        let tagged: Vec<Group> = groups.into_iter().filter(|group| !group.notes.tags.is_empty()).collect();
        let limit = list.limit.unwrap_or(DEFAULT_PAGE).min(LONGEST_PAGE);
        let (groups, next_token) = self.cut(tagged, &filter, limit)?;
        let shown = groups.iter().flat_map(|group| {
            shown_tags(ResourceType::ContainerGroup, ids::group(group.id), &group.notes.tags)
        });
        Ok(Answer::ListTagResources(TagsOfResources { next_token, tag_resources: shown.collect() }))
    }

    /// The region that is said, or the first one.
    fn region_of(&self, list: &ListTagResources) -> Result<RegionId, Refusal> {
        let first = || self.edge.clouds().alibaba.regions.first()?.parse().ok();
        list.region.clone().or_else(first).ok_or_else(|| Refusal::missing("RegionId"))
    }
}
