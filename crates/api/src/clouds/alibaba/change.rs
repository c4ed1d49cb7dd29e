//! Caches changed.

use clouds::alibaba::answer::Done;
use clouds::alibaba::request::UpdateImageCache;
use clouds::alibaba::{Answer, ErrorCode, OperationName, Refusal};
use model::{ByteSize, CacheState, Cloud, ImageCache, PolicyEdit};

use super::caches::{keep_network, notes, sources};
use super::once::Turn;
use super::{Caller, ids, refusals};
use crate::clouds::recorded::Recorded;
use crate::service::CacheUpdate;

const NAME: OperationName = OperationName::UpdateImageCache;

/// What of an update would change something of the cache.
fn changes(update: &UpdateImageCache, cache: &ImageCache) -> Result<CacheUpdate, Refusal> {
    let given = &update.parameters;
    let shown = ids::cache_name(&cache.name);
    let name = update.name.as_ref().filter(|name| name.as_str() != shown).map(|name| name.as_str().parse());
    let policy = &cache.policy;
    Ok(CacheUpdate {
        name: name.transpose().map_err(|_| Refusal::invalid("ImageCacheName"))?.filter(|n| *n != cache.name),
        // With images the data is made anew, also where they are the same.
        images: (!update.images.is_empty()).then(|| sources(&update.images)),
        size_limit: given.size_gib.map(|size| ByteSize::gib(size.into())).filter(|s| *s != cache.size_limit),
        policy: PolicyEdit {
            retention: given.retention.filter(|days| Some(*days) != policy.retention).map(Some),
            elimination: given.elimination.filter(|strategy| *strategy != policy.elimination),
            flash: given.flash.filter(|flash| *flash != policy.copies.flash),
            flash_copies: given.flash_copies.filter(|copies| *copies != policy.copies.flash_copies),
            standard_copies: given.standard_copies.filter(|copies| *copies != policy.copies.standard_copies),
            reuse_layers: given.reuse_layers.filter(|reuse| *reuse != policy.reuse_layers),
            tags: given.tags.clone().filter(|tags| *tags != policy.tags),
            ..PolicyEdit::default()
        },
        ..CacheUpdate::default()
    })
}

fn recorded(update: &UpdateImageCache, cache: &ImageCache) -> Recorded {
    let mut recorded = Recorded::of(cache.notes.as_ref());
    recorded.add_images(update.images.iter().map(|image| image.text.as_str()));
    keep_network(&mut recorded, &update.network);
    if let Some(group) = &update.parameters.resource_group_id {
        recorded.resource_group = Some(group.to_string());
    }
    // A cache that was not made by such a call is in a region from now on.
    recorded.put_into(Cloud::Alibaba, update.region.as_str());
    recorded
}

/// Whether that state allows it.
fn check_state(cache: &ImageCache) -> Result<(), Refusal> {
    if matches!(cache.state, CacheState::Ready | CacheState::UpdateFailed) {
        return Ok(());
    }
    let message = format!(
        "The image cache {} is {}: it must be Ready or UpdateFailed to be updated.",
        cache.id, cache.state
    );
    Err(Refusal::of(NAME, ErrorCode::ImageCacheIncorrectStatus).saying(&message))
}

impl Caller {
    pub(super) async fn update_cache(&self, update: &UpdateImageCache) -> Result<Answer, Refusal> {
        let update_in = |turn: Turn| self.update_in(turn, update);
        self.once(NAME, update.client_token.as_ref(), update, String::new(), update_in).await?;
        Ok(Answer::UpdateImageCache(Done {}))
    }

    async fn update_in(&self, turn: Turn, update: &UpdateImageCache) -> Result<String, Refusal> {
        let text = update.id.as_str();
        let view = self.find(NAME, &update.region, text).await?;
        let cache = view.ok_or_else(|| refusals::unknown_cache(text))?.cache;
        check_state(&cache)?;
        let mut changes = changes(update, &cache)?;
        let logins = self.logins(&update.credentials, &update.acr)?;
        changes.credentials = (!logins.is_empty()).then_some(logins);
        let before = Recorded::of(cache.notes.as_ref());
        let after = recorded(update, &cache);
        if changes == CacheUpdate::default() && without_region(&before) == without_region(&after) {
            // Whoever had begun it has done it.
            return if turn.is_again {
                Ok(String::new())
            } else {
                Err(Refusal::of(NAME, ErrorCode::NoNeedUpdate))
            };
        }
        if before != after {
            changes.notes = Some(notes(after)?);
        }
        let id = cache.id.to_string();
        let admitted = self.edge.service().update_cache(&self.account, &id, changes, None).await;
        admitted.map_err(|error| refusals::of_caches(NAME, text, &error))?;
        Ok(String::new())
    }
}

fn without_region(recorded: &Recorded) -> Recorded {
    Recorded { regions: std::collections::BTreeMap::new(), ..recorded.clone() }
}
