//! Caches created and deleted.

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use clouds::alibaba::answer::{CreatedImageCache, Done};
use clouds::alibaba::request::{
    CacheParameters, ClientToken, CreateImageCache, DeleteImageCache, GivenImage, NetworkPlace, OsType,
    RegionId,
};
use clouds::alibaba::{Answer, ErrorCode, OperationName, Refusal};
use model::{
    ByteSize, CacheId, CachePolicy, Cloud, CloudNotes, CopyCount, CopyPlan, ImageSource, Origin, Platform,
};
use wire::IdempotencyKey;

use super::once::Turn;
use super::{Caller, ids, refusals, registries};
use crate::clouds::listing;
use crate::clouds::recorded::{Recorded, is_in_region};
use crate::service::{CacheView, DeleteMode, NewCache, ServiceErrorKind};

/// The size of a cache of which no size is said.
const DEFAULT_GIB: u32 = 20;

/// What makes a repeated request one, as the port takes it: a token may have spaces, which a key has not.
pub(super) fn key(token: Option<&ClientToken>) -> Option<IdempotencyKey> {
    let token = token?.as_str();
    let hashed = || {
        let hash = digest::digest(&digest::SHA256, token.as_bytes());
        hex::encode(hash).parse().expect("64 digits")
    };
    Some(token.parse().unwrap_or_else(|_| hashed()))
}

/// The images, each once.
pub(super) fn sources(images: &[GivenImage]) -> Vec<ImageSource> {
    let mut known = BTreeSet::new();
    let sources = images.iter().map(|image| ImageSource::Registry(image.reference.clone()));
    sources.filter(|source| known.insert(source.clone())).collect()
}

/// To be kept beside the record.
pub(super) fn notes(recorded: Recorded) -> Result<CloudNotes, Refusal> {
    recorded.into_notes(Cloud::Alibaba).map_err(|_| {
        let message =
            format!("The parameters that are kept are longer than {} bytes.", CloudNotes::MOST_BYTES);
        Refusal::new(ErrorCode::InvalidParameterLengthExceeded).saying(&message)
    })
}

/// What means nothing here of where images are pulled.
pub(super) fn keep_network(recorded: &mut Recorded, network: &NetworkPlace) {
    let text = |id: &Option<clouds::alibaba::request::ResourceId>| id.as_ref().map(ToString::to_string);
    let switches = network.vswitch_ids.as_ref();
    let switches = switches.map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    recorded.keep("SecurityGroupId", text(&network.security_group_id));
    recorded.keep("VSwitchId", switches);
    recorded.keep("ZoneId", text(&network.zone_id));
    recorded.keep("EipInstanceId", text(&network.eip_instance_id));
}

fn policy(parameters: &CacheParameters) -> CachePolicy {
    CachePolicy {
        retention: parameters.retention,
        elimination: parameters.elimination.unwrap_or_default(),
        copies: CopyPlan {
            flash: parameters.flash.unwrap_or_default(),
            flash_copies: parameters.flash_copies.unwrap_or(CopyCount::ONE),
            standard_copies: parameters.standard_copies.unwrap_or(CopyCount::ONE),
        },
        reuse_layers: parameters.reuse_layers.unwrap_or_default(),
        tags: parameters.tags.clone().unwrap_or_default(),
        ..CachePolicy::default()
    }
}

fn platform(os: Option<OsType>) -> Platform {
    match os {
        None | Some(OsType::Linux) => Platform::linux_amd64(),
        Some(OsType::Windows) => Platform { os: "windows".to_owned(), ..Platform::linux_amd64() },
    }
}

fn recorded(create: &CreateImageCache) -> Recorded {
    let mut recorded = Recorded {
        resource_group: create.parameters.resource_group_id.as_ref().map(ToString::to_string),
        ..Recorded::default()
    };
    recorded.put_into(Cloud::Alibaba, create.region.as_str());
    recorded.add_images(create.images.iter().map(|image| image.text.as_str()));
    keep_network(&mut recorded, &create.network);
    recorded.keep("Annotations", create.annotations.as_ref());
    let role = |of: fn(&clouds::alibaba::request::AcrRegistryInfo) -> Option<String>| {
        let roles: Vec<_> = create.access.acr.iter().filter_map(of).collect();
        (!roles.is_empty()).then_some(roles)
    };
    recorded.keep("ArnService", role(|acr| acr.arn_service.as_ref().map(ToString::to_string)));
    recorded.keep("ArnUser", role(|acr| acr.arn_user.as_ref().map(ToString::to_string)));
    recorded
}

impl Caller {
    pub(super) async fn create_cache(&self, create: CreateImageCache) -> Result<Answer, Refusal> {
        let name = create.name.as_str().parse().map_err(|_| Refusal::invalid("ImageCacheName"))?;
        let size = create.parameters.size_gib.unwrap_or(DEFAULT_GIB);
        let new = NewCache {
            name,
            origin: Origin::Manual,
            images: sources(&create.images),
            platform: platform(create.os_type),
            size_limit: Some(ByteSize::gib(size.into())),
            policy: policy(&create.parameters),
            access: registries::spoken_to(&create.access),
            credentials: self.logins(&create.access.credentials, &create.access.acr)?,
            notes: Some(notes(recorded(&create))?),
        };
        let key = key(create.client_token.as_ref());
        let admitted = self.edge.service().request_cache(&self.account, new, key.as_ref()).await;
        let admitted =
            admitted.map_err(|error| refusals::of_caches(OperationName::CreateImageCache, "", &error))?;
        let id = admitted.view.cache.id;
        Ok(Answer::CreateImageCache(CreatedImageCache {
            image_cache_id: id.to_string(),
            container_group_id: ids::transit(id),
        }))
    }

    pub(super) async fn delete_cache(&self, delete: &DeleteImageCache) -> Result<Answer, Refusal> {
        const NAME: OperationName = OperationName::DeleteImageCache;
        let delete_in = |turn: Turn| self.delete_in(turn, delete);
        self.once(NAME, delete.client_token.as_ref(), delete, String::new(), delete_in).await?;
        Ok(Answer::DeleteImageCache(Done {}))
    }

    async fn delete_in(&self, turn: Turn, delete: &DeleteImageCache) -> Result<String, Refusal> {
        const NAME: OperationName = OperationName::DeleteImageCache;
        let text = delete.id.as_str();
        let Some(view) = self.find(NAME, &delete.region, text).await? else {
            return match turn.is_again && self.was_there(text).await? {
                true => Ok(String::new()),
                false => Err(refusals::unknown_cache(text)),
            };
        };
        let id = view.cache.id.to_string();
        let deleted = self.edge.service().delete_cache(&self.account, &id, DeleteMode::WhenUnused).await;
        deleted.map_err(|error| refusals::of_caches(NAME, text, &error))?;
        Ok(String::new())
    }

    /// Whether the account has had a cache of that id, which is still known by its events.
    async fn was_there(&self, text: &str) -> Result<bool, Refusal> {
        let Ok(id) = text.parse::<CacheId>() else { return Ok(false) };
        match self.edge.service().cache_events(&self.account, &id.to_string()).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == ServiceErrorKind::NotFound => Ok(false),
            Err(error) => Err(refusals::of_caches(OperationName::DeleteImageCache, text, &error)),
        }
    }

    /// The cache of that id, if it is in the region.
    pub(super) async fn find(
        &self,
        operation: OperationName,
        region: &RegionId,
        text: &str,
    ) -> Result<Option<CacheView>, Refusal> {
        let Ok(id) = text.parse() else { return Ok(None) };
        let view = listing::cache(&self.edge, &self.account, id).await;
        let view = view.map_err(|error| refusals::of_caches(operation, text, &error))?;
        Ok(view.filter(|view| self.is_here(view, region)))
    }

    /// Whether a cache is in the region.
    pub(super) fn is_here(&self, view: &CacheView, region: &RegionId) -> bool {
        let settings = &self.edge.clouds().alibaba;
        is_in_region(view.cache.notes.as_ref(), Cloud::Alibaba, region.as_str(), settings)
    }
}
