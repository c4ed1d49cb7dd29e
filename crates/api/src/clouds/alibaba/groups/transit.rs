//! The transit instance of a build, which pulls a cache's images, as a group of its own while the build runs.
//!
//! Nothing runs under its name here: it is how the build is seen, and ended, in the words of groups. It has the cache's events.

use std::collections::BTreeSet;

use clouds::alibaba::answer::CacheEvent;
use clouds::alibaba::request::{DeleteContainerGroup, GroupFilter, ResourceId};
use clouds::alibaba::{OperationName, Refusal};
use model::matching::MatchPolicy;
use model::{
    CacheId, CacheState, Cloud, ContainerSpec, GroupNetwork, GroupPhase, GroupSpec, ImageCache, ImageSource,
    RestartPolicy,
};

use super::Group;
use super::notes::{ContainerNotes, GroupNotes};
use crate::clouds::alibaba::{Caller, ids, refusals, shown};
use crate::clouds::listing::{self, Start, Wanted};
use crate::clouds::recorded::{Recorded, labels};
use crate::service::{CacheFilter, CacheView, GroupView, ServiceError, ServiceErrorKind};

/// The most builds of an account that are shown at once.
const MOST_BUILDS: u32 = 1000;

/// A record needs a name that fits; what is shown is the cache's.
const NOBODYS_NAME: &str = "transit";

/// The build of a cache as a group of one container for each image.
fn group(view: CacheView) -> Option<Group> {
    let cache = view.cache;
    let recorded = Recorded::of(cache.notes.as_ref());
    let said = |name: &str| Some(recorded.parameters.get(name)?.as_str()?.to_owned());
    let texts = recorded.texts_of(&cache.images).into_iter();
    let notes = GroupNotes {
        region: recorded.region(Cloud::Alibaba).map(ToOwned::to_owned),
        zone: said("ZoneId"),
        vswitch: said("VSwitchId"),
        security_group: said("SecurityGroupId"),
        resource_group: recorded.resource_group.clone(),
        containers: texts.map(|image| ContainerNotes { image, ..ContainerNotes::default() }).collect(),
        ..GroupNotes::default()
    };
    let created = if cache.state == CacheState::Updating { cache.updated } else { cache.created };
    // The digits are the cache's, as they are in the name that creating it answers with.
    let id = ids::group_of(&ids::transit(cache.id))?;
    let nobodys = NOBODYS_NAME.parse().expect("letters are a name of a group");
    let mut known = model::Group::asked_for(id, nobodys, cache.account.clone(), spec(&cache)?, created);
    known.status.phase = GroupPhase::Pending;
    let view = GroupView { group: known, instances: Vec::new() };
    Some(Group { view, notes, name: ids::cache_name(&cache.name), transit: Some(Box::new(cache)) })
}

fn spec(cache: &ImageCache) -> Option<GroupSpec> {
    let container = |(number, image): (usize, &ImageSource)| {
        Some(ContainerSpec {
            name: format!("image-{}", number + 1).parse().ok()?,
            image: image.clone(),
            entrypoint: None,
            command: Vec::new(),
            address_variables: BTreeSet::new(),
            working_dir: None,
            user: None,
            milli_cpus: None,
            memory: None,
            mounts: Vec::new(),
        })
    };
    Some(GroupSpec {
        platform: cache.platform.clone(),
        init_containers: Vec::new(),
        containers: cache.images.iter().enumerate().map(container).collect::<Option<_>>()?,
        volumes: Vec::new(),
        restart_policy: RestartPolicy::Never,
        cache: None,
        match_cache: false,
        policy: MatchPolicy::Alibaba,
        space: None,
        access: cache.access.clone(),
        hostname: cache.name.to_string(),
        network: GroupNetwork::Host,
        deadline_seconds: None,
        grace_seconds: 0,
        milli_cpus: None,
        memory: None,
    })
}

impl Caller {
    /// The account's builds in the region, as groups; only those of the ids where some are named.
    pub(super) async fn transits(&self, filter: &GroupFilter) -> Result<Vec<Group>, ServiceError> {
        let of_ids = |named: &Vec<ResourceId>| -> Vec<CacheId> {
            named.iter().filter_map(|id| ids::cache_of_transit(id.as_str())).collect()
        };
        let settings = &self.edge.clouds().alibaba;
        let building = CacheFilter {
            ids: filter.ids.as_ref().map(of_ids),
            states: Some(CacheState::ALL.into_iter().filter(|state| state.is_building()).collect()),
            labels: labels(Cloud::Alibaba, filter.region.as_str(), None, settings),
            ..CacheFilter::default()
        };
        let wanted = Wanted { start: Start::Behind(None), limit: MOST_BUILDS, fits: None };
        let page = listing::page(&self.edge, &self.account, &building, wanted).await?;
        Ok(page.caches.into_iter().filter_map(group).collect())
    }

    /// What happened to the cache that a build is for.
    pub(super) async fn transit_events(&self, cache: &ImageCache) -> Result<Vec<CacheEvent>, ServiceError> {
        let events = match self.edge.service().cache_events(&self.account, &cache.id.to_string()).await {
            Ok(events) => events,
            // It went in between.
            Err(error) if error.kind == ServiceErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let images = Recorded::of(cache.notes.as_ref()).texts_of(&cache.images);
        Ok(shown::events(cache, &images, &events))
    }

    /// Deletes the transit instance of a build, which fails by it; whether there is one.
    pub(super) async fn delete_transit(&self, delete: &DeleteContainerGroup) -> Result<bool, Refusal> {
        const NAME: OperationName = OperationName::DeleteContainerGroup;
        let Some(cache) = ids::cache_of_transit(delete.id.as_str()) else { return Ok(false) };
        let view = self.find(NAME, &delete.region, &cache.to_string()).await?;
        let Some(view) = view.filter(|view| view.cache.state.is_building()) else { return Ok(false) };
        // Of a cache that it may delete, as of a group.
        let resource = format!("acs:eci:{}:{}:imagecache/{cache}", delete.region, self.account);
        self.policy
            .decide("eci:DeleteImageCache", &resource, &view.cache.policy.tags)
            .map_err(Refusal::denied)?;
        let cancelled = self.edge.service().cancel_build(&self.account, &cache.to_string()).await;
        cancelled.map_err(|error| refusals::of_groups(NAME, &error))?;
        Ok(true)
    }
}
