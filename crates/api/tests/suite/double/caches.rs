//! The double's caches.

use api::service::{
    Admitted, CacheUpdate, CacheView, DeleteMode, Deletion, NewCache, ServiceError, ServiceErrorKind,
    ServiceResult,
};
use model::{AccountId, ByteSize, Event, EventKind, EventReason, ImageCache, NewImageCache, Subject};
use wire::{IdempotencyKey, Progress};

use super::{State, now};

pub(super) fn view(cache: &ImageCache) -> CacheView {
    CacheView { cache: cache.clone(), expires: None, interrupted: false, fewer_copies: None }
}

impl State {
    pub(super) fn create_cache(
        &mut self,
        account: &AccountId,
        new: NewCache,
        key: Option<&IdempotencyKey>,
    ) -> ServiceResult<Admitted> {
        let key = key.map(|key| (account.clone(), key.to_string()));
        if let Some((before, id)) = key.as_ref().and_then(|key| self.requests.get(key)) {
            let cache = self.caches.iter().find(|cache| cache.id == *id).unwrap();
            return match *before == new {
                true => Ok(Admitted { view: view(cache), before: true }),
                false => Err(ServiceError::new(ServiceErrorKind::KeyReused, "it was another request")),
            };
        }
        let wanted = NewImageCache {
            account: account.clone(),
            name: new.name.clone(),
            origin: new.origin,
            images: new.images.clone(),
            platform: new.platform.clone(),
            size_limit: new.size_limit.unwrap_or(ByteSize::gib(20)),
            policy: new.policy.clone(),
            access: new.access.clone(),
            notes: new.notes.clone(),
        };
        let cache = ImageCache::asked_for(wanted, now());
        let subject = Subject::Cache(cache.id);
        let event = Event::once(subject, EventKind::Normal, EventReason::Created, "by the test", now());
        self.events.push((account.clone(), event));
        self.write(account, subject, false);
        if let Some(key) = key {
            self.requests.insert(key, (new, cache.id));
        }
        self.caches.push(cache.clone());
        Ok(Admitted { view: view(&cache), before: false })
    }

    pub(super) fn progress(&self, account: &AccountId, word: &str) -> ServiceResult<Progress> {
        let cache = &self.caches[self.cache(account, word)?];
        Ok(Progress {
            id: cache.id,
            state: cache.state.into(),
            progress_percent: cache.progress.get(),
            failure: None,
            copies: cache.copies.into(),
            is_settled: !cache.state.is_building(),
            layers: Vec::new(),
        })
    }

    pub(super) fn update_cache(
        &mut self,
        account: &AccountId,
        word: &str,
        update: CacheUpdate,
    ) -> ServiceResult<Admitted> {
        let index = self.cache(account, word)?;
        let cache = &mut self.caches[index];
        if let Some(name) = update.name {
            cache.name = name;
        }
        if let Some(retention) = update.policy.retention {
            cache.policy.retention = retention;
        }
        if update.notes.is_some() {
            cache.notes = update.notes;
        }
        if let Some(tags) = update.policy.tags {
            cache.policy.tags = tags;
        }
        if let Some(change) = update.policy.retag {
            cache.policy.tags = change.over(&cache.policy.tags).unwrap();
        }
        Ok(Admitted { view: view(cache), before: false })
    }

    pub(super) fn delete_cache(
        &mut self,
        account: &AccountId,
        word: &str,
        mode: DeleteMode,
    ) -> ServiceResult<Deletion> {
        let index = self.cache(account, word)?;
        let id = self.caches[index].id;
        let is_used = self.instances.iter().any(|instance| instance.cache == Some(id));
        match (is_used, mode) {
            (true, DeleteMode::Refuse) => {
                Err(ServiceError::new(ServiceErrorKind::InUse, "an instance uses it"))
            }
            (true, DeleteMode::WhenUnused) => {
                self.caches[index].deleting = Some(now());
                Ok(Deletion::Asked(view(&self.caches[index])))
            }
            (false, _) => {
                let cache = self.caches.remove(index);
                self.write(account, Subject::Cache(id), true);
                Ok(Deletion::Done(view(&cache)))
            }
        }
    }
}
