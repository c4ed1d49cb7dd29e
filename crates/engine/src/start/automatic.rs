//! The automatic cache: made beside a start that no cache fully matched, once however many ask.

use std::collections::BTreeMap;

use metastore::{Admitted, CacheFilter, Operation, Order, Page};
use model::{
    AccountId, ByteSize, CacheName, CachePolicy, CacheState, CloudNotes, CopyPlan, Digest, Event, EventKind,
    EventReason, ImageCache, ImageSource, Origin, Platform, Subject,
};
use serde::Serialize;

use super::StartChoice;
use super::fetch::SPACE;
use crate::build::BuildOrder;
use crate::caches::{Draft, created};
use crate::fingerprint::fingerprint;
use crate::{Engine, Error, NewCacheRequest, chain};

/// How long a second automatic cache of the same images is not even tried after a first one, in microseconds: that one may
/// be on its way in another process, or may have failed and would fail again.
const PATIENCE_MICROS: i64 = 10 * 60 * 1_000_000;

/// Automatic caches of an image that are looked through for one of the same images.
const LOOKED_THROUGH: u32 = 100;

impl Engine {
    /// Makes the automatic cache that a start left to be made, from what it fetched: no registry is asked. `None` where none
    /// is to be made, or somebody else makes it. Call it once that is recorded and before the choice is released. A
    /// failure is an event of it, no failure of the start. It is in the region that the starter's `notes` name, if any.
    pub async fn create_automatic_cache(
        &self,
        account: &AccountId,
        starter: Subject,
        notes: Option<&CloudNotes>,
        choice: &StartChoice,
    ) -> Option<ImageCache> {
        if !choice.is_automatic {
            return None;
        }
        let made = self.try_automatic_cache(account, starter, notes, choice).await;
        let (kind, message) = match &made {
            Ok(None) => return None,
            Ok(Some(cache)) => {
                (EventKind::Normal, format!("the cache `{}` ({}) was created for it", cache.name, cache.id))
            }
            Err(error) => (EventKind::Warning, format!("no cache could be created for it: {}", chain(error))),
        };
        let now = self.clock().now();
        let event = Event::once(starter, kind, EventReason::AutoCreated, message, now);
        if let Err(error) = self.records().append_events(&[event]).await {
            tracing::warn!(%starter, error = chain(&error), "failed to record an event");
        }
        made.ok().flatten()
    }

    async fn try_automatic_cache(
        &self,
        account: &AccountId,
        starter: Subject,
        notes: Option<&CloudNotes>,
        choice: &StartChoice,
    ) -> Result<Option<ImageCache>, Error> {
        let images = distinct(choice);
        if self.has_automatic_cache(account, &images, &choice.platform).await? {
            return Ok(None);
        }
        let name = format!("auto-create-for-{starter}").parse().expect("an id is letters and digits");
        let notes = notes.and_then(CloudNotes::of_region);
        let draft = self.automatic(account, name, notes, choice, images)?;
        let now = self.clock().now();
        let message = format!("no cache had everything that {starter} wanted");
        let subject = Subject::Cache(draft.cache.id);
        let events = [
            created(&self.workshop, &draft.cache),
            Event::once(subject, EventKind::Normal, EventReason::AutoCreated, message, now),
        ];
        let cache = match self.admit(&draft, &events).await? {
            Admitted::Before(_) => return Ok(None),
            Admitted::Now(cache) => cache,
        };
        let order = BuildOrder::first(cache, &draft.build);
        let cache = self.workshop.adopt(&order, choice.images.clone()).await?;
        self.workshop.signals.changes.notify_one();
        Ok(Some(cache))
    }

    fn automatic(
        &self,
        account: &AccountId,
        name: CacheName,
        notes: Option<CloudNotes>,
        choice: &StartChoice,
        images: Vec<ImageSource>,
    ) -> Result<Draft, Error> {
        let unpacked = choice.own.as_ref().map_or(ByteSize::ZERO, model::ImageSnapshot::unpacked_size);
        let (fingerprint, platform) = (fingerprint_of(&images, &choice.platform), choice.platform.clone());
        // What was fetched is on this machine: a standard snapshot follows, where these are kept elsewhere.
        let copies = CopyPlan { flash: self.workshop.parts.standard.is_some(), ..CopyPlan::default() };
        // Without a vault nothing can be kept of them; what is here needs none.
        let credentials = match &self.workshop.parts.vault {
            Some(_) => choice.credentials.clone(),
            None => BTreeMap::new(),
        };
        let new = NewCacheRequest {
            access: choice.access.clone(),
            credentials,
            origin: Origin::Automatic,
            policy: CachePolicy { copies, ..CachePolicy::default() },
            notes,
            size_limit: Some(SPACE.max(ByteSize::gib(unpacked.gib_rounded_up()))),
            ..NewCacheRequest::new(account.clone(), name, images, platform)
        };
        let mut draft = self.draft(new, true)?;
        // The word is made of the images: of all processes that ask at once, one is answered by `Now`.
        let word =
            Digest::Sha256(fingerprint).hex().parse().expect("64 visible characters are a client token");
        let mut token = self.token_use(word, Operation::CreateAutomaticCache, fingerprint);
        token.kept_until = draft.cache.created.plus_micros(PATIENCE_MICROS);
        draft.admission.token = Some(token);
        Ok(draft)
    }

    /// Whether an automatic cache of just these images is there or on its way.
    async fn has_automatic_cache(
        &self,
        account: &AccountId,
        images: &[ImageSource],
        platform: &Platform,
    ) -> Result<bool, Error> {
        let living = CacheState::ALL.into_iter().filter(|state| *state != CacheState::Failed).collect();
        let filter = CacheFilter {
            account: Some(account.clone()),
            origin: Some(Origin::Automatic),
            states: Some(living),
            image: images.first().cloned(),
            ..CacheFilter::default()
        };
        let page = Page { limit: LOOKED_THROUGH, order: Order::NewestFirst, ..Page::first() };
        let found = self.records().find_caches(&filter, page).await?;
        let is_same = |cache: &ImageCache| {
            cache.platform == *platform
                && cache.deleting.is_none()
                && fingerprint_of(&cache.images, platform) == fingerprint_of(images, platform)
        };
        // One whose tags were pinned to other images than those that started is refreshed, not doubled.
        Ok(found.iter().any(is_same))
    }
}

fn distinct(choice: &StartChoice) -> Vec<ImageSource> {
    let mut images: Vec<ImageSource> = Vec::new();
    for image in &choice.images {
        if !images.contains(&image.source) {
            images.push(image.source.clone());
        }
    }
    images
}

/// The same for the same set of images, in whatever order.
fn fingerprint_of(images: &[ImageSource], platform: &Platform) -> [u8; 32] {
    #[derive(Serialize)]
    struct Wanted<'a> {
        images: Vec<String>,
        platform: &'a Platform,
    }
    let mut images: Vec<String> = images.iter().map(ToString::to_string).collect();
    images.sort_unstable();
    fingerprint(&Wanted { images, platform })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_images_has_one_fingerprint() {
        let platform = Platform::linux_amd64();
        let images =
            |words: &[&str]| -> Vec<ImageSource> { words.iter().map(|word| word.parse().unwrap()).collect() };
        let one = fingerprint_of(&images(&["a:1", "b:1"]), &platform);
        assert_eq!(one, fingerprint_of(&images(&["b:1", "a:1"]), &platform));
        assert_ne!(one, fingerprint_of(&images(&["a:1", "b:2"]), &platform));
        assert_ne!(one, fingerprint_of(&images(&["a:1", "b:1"]), &"linux/arm64".parse().unwrap()));
    }
}
