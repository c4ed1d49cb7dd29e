//! Caches created, changed and deleted.

use clouds::tencent::{
    Answer, Code, CreateImageCache, DeleteImageCaches, Error, ImageRegistryCredential, UpdateImageCache,
    translate,
};
use model::{CacheName, Cloud, CloudNotes, ImageCache, Origin, Platform, PolicyEdit};
use serde_json::json;
use wire::Login;

use super::{Caller, refusals};
use crate::clouds::listing;
use crate::clouds::recorded::{Recorded, RecordedLogin, is_in_region};
use crate::service::{CacheUpdate, CacheView, DeleteMode, NewCache};

/// The name of a cache of which none is said, until its id is known.
const NAMELESS: &str = "imc";

fn logins(given: &[ImageRegistryCredential]) -> Vec<Login> {
    let login = |credential: &ImageRegistryCredential| {
        Some(Login {
            registry: credential.server.clone()?,
            username: credential.username.clone(),
            password: credential.password.expose().to_owned(),
        })
    };
    given.iter().filter_map(login).collect()
}

fn recorded_logins(given: &[ImageRegistryCredential]) -> Vec<RecordedLogin> {
    let login = |credential: &ImageRegistryCredential| RecordedLogin {
        server: credential.server.as_ref().map(ToString::to_string).unwrap_or_default(),
        username: credential.username.clone(),
        name: credential.name.clone(),
    };
    given.iter().map(login).collect()
}

fn notes(recorded: Recorded) -> Result<CloudNotes, Error> {
    recorded
        .into_notes(Cloud::Tencent)
        .map_err(|error| Error::saying(Code::InvalidParameterValue, error.to_string()))
}

fn recorded(create: &CreateImageCache, region: &str) -> Recorded {
    let logins = recorded_logins(&create.image_registry_credentials);
    let mut recorded = Recorded { logins, ..Recorded::default() };
    recorded.put_into(Cloud::Tencent, region);
    recorded.add_images(create.images.iter().map(|image| image.text.as_str()));
    recorded.keep("VpcId", Some(&create.vpc_id));
    recorded.keep("SubnetId", Some(&create.subnet_id));
    let groups = &create.security_group_ids;
    recorded.keep("SecurityGroupIds", Some(groups).filter(|groups| !groups.is_empty()));
    recorded.keep("ExistedEipId", create.existed_eip_id.as_ref());
    recorded.keep("AutoCreateEip", create.auto_create_eip.then_some(true));
    let attribute = create.auto_create_eip_attribute.map(|attribute| {
        json!({
            "DeletePolicy": format!("{:?}", attribute.delete_policy),
            "InternetServiceProvider": format!("{:?}", attribute.internet_service_provider).to_uppercase(),
            "InternetMaxBandwidthOut": attribute.internet_max_bandwidth_out,
        })
    });
    recorded.keep("AutoCreateEipAttribute", attribute);
    recorded.keep("ResolveConfig", create.resolve_config.as_ref());
    recorded
}

impl Caller {
    pub(super) async fn create_cache(&self, create: CreateImageCache) -> Result<Answer, Error> {
        let nameless = || NAMELESS.parse::<CacheName>().expect("letters are a name");
        let new = NewCache {
            name: create.image_cache_name.clone().unwrap_or_else(nameless),
            origin: Origin::Manual,
            images: unique(translate::sources(&create.images)),
            platform: Platform::linux_amd64(),
            size_limit: Some(create.image_cache_size),
            policy: translate::policy(&create),
            access: translate::access(&create),
            credentials: logins(&create.image_registry_credentials),
            notes: Some(notes(recorded(&create, &self.region))?),
        };
        let admitted = self.edge.service().request_cache(&self.account, new, None).await;
        let cache = admitted.map_err(|error| refusals::of_caches("", &error))?.view.cache;
        if create.image_cache_name.is_none() {
            self.name_by_id(&cache).await?;
        }
        Ok(Answer::CreateImageCache { image_cache_id: cache.id.to_string() })
    }

    /// A cache of which no name is said has its id for one.
    async fn name_by_id(&self, cache: &ImageCache) -> Result<(), Error> {
        let id = cache.id.to_string();
        let update = CacheUpdate { name: id.parse().ok(), ..CacheUpdate::default() };
        let named = self.edge.service().update_cache(&self.account, &id, update, None).await;
        named.map(|_| ()).map_err(|error| refusals::of_caches(&id, &error))
    }

    pub(super) async fn update_cache(&self, update: UpdateImageCache) -> Result<Answer, Error> {
        let text = &update.image_cache_id.text;
        let view = match update.image_cache_id.id {
            Some(id) => self.find(id, text).await?,
            None => return Err(translate::unknown_cache(text)),
        };
        let cache = view.cache;
        if !translate::may_update(cache.state) {
            return Err(translate::wrong_state(cache.id, cache.state));
        }
        let mut recorded = Recorded::of(cache.notes.as_ref());
        recorded.add_images(update.images.iter().flatten().map(|image| image.text.as_str()));
        recorded.keep("SecurityGroupIds", update.security_group_ids.as_ref());
        if let Some(given) = &update.image_registry_credentials {
            recorded.logins = recorded_logins(given);
        }
        recorded.put_into(Cloud::Tencent, &self.region);
        let images = update.images.as_deref().map(|images| unique(translate::sources(images)));
        let changes = CacheUpdate {
            name: update.image_cache_name.clone(),
            images,
            size_limit: update.image_cache_size,
            policy: PolicyEdit {
                retention: update.retention.map(clouds::tencent::Retention::days),
                tags: update.tags.clone(),
                ..PolicyEdit::default()
            },
            credentials: update.image_registry_credentials.as_deref().map(logins),
            notes: Some(notes(recorded)?),
        };
        let id = cache.id.to_string();
        let updated = self.edge.service().update_cache(&self.account, &id, changes, None).await;
        updated.map_err(|error| refusals::of_caches(text, &error))?;
        Ok(Answer::UpdateImageCache {})
    }

    /// All of them, or where one is unknown none.
    pub(super) async fn delete_caches(&self, delete: &DeleteImageCaches) -> Result<Answer, Error> {
        let ids = translate::ids(&delete.image_cache_ids)?;
        for id in &ids {
            self.find(*id, &id.to_string()).await?;
        }
        for id in ids {
            let id = id.to_string();
            let deleted = self.edge.service().delete_cache(&self.account, &id, DeleteMode::WhenUnused).await;
            deleted.map_err(|error| refusals::of_caches(&id, &error))?;
        }
        Ok(Answer::DeleteImageCaches {})
    }

    /// The cache of that id, if it is in the region.
    async fn find(&self, id: model::CacheId, text: &str) -> Result<CacheView, Error> {
        let view = listing::cache(&self.edge, &self.account, id).await;
        let view = view.map_err(|error| refusals::of_caches(text, &error))?;
        view.filter(|view| self.is_here(view)).ok_or_else(|| translate::unknown_cache(text))
    }

    /// Whether a cache is in the region.
    pub(super) fn is_here(&self, view: &CacheView) -> bool {
        let settings = &self.edge.clouds().tencent;
        is_in_region(view.cache.notes.as_ref(), Cloud::Tencent, &self.region, settings)
    }
}

/// Each once.
fn unique(sources: Vec<model::ImageSource>) -> Vec<model::ImageSource> {
    let mut known = std::collections::BTreeSet::new();
    sources.into_iter().filter(|source| known.insert(source.clone())).collect()
}
