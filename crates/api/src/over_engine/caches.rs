//! Caches: asked for, described, changed, deleted, watched.

use engine::NewCacheRequest;
use model::{AccountId, CacheId, CopyState, Event, ImageCache, Subject};
use wire::{Build, Cost, Failure, IdempotencyKey, Progress, Sizes};

use super::{OverEngine, client_token, credentials, page};
use crate::service::{
    Admitted, CacheDetails, CacheFilter, CachePage, CacheUpdate, CacheView, DeleteMode, Deletion, NewCache,
    Page, ServiceError, ServiceErrorKind, ServiceResult,
};

impl From<engine::CacheView> for CacheView {
    fn from(view: engine::CacheView) -> Self {
        Self {
            cache: view.cache,
            expires: view.expires,
            interrupted: view.interrupted,
            fewer_copies: view.fewer_copies,
        }
    }
}

impl OverEngine {
    /// A cache whose build nobody left in the middle: it was asked for, or ended, just now.
    pub(super) fn view(&self, cache: ImageCache) -> CacheView {
        let expires = model::rules::expires(&cache, &self.retention);
        let fewer_copies = self.engine.fewer_copies(&cache.policy.copies);
        CacheView { cache, expires, interrupted: false, fewer_copies }
    }

    fn admitted(&self, admitted: metastore::Admitted) -> Admitted {
        let before = matches!(admitted, metastore::Admitted::Before(_));
        Admitted { view: self.view(admitted.into_cache()), before }
    }

    pub(super) async fn request(
        &self,
        account: &AccountId,
        new: NewCache,
        key: Option<&IdempotencyKey>,
    ) -> ServiceResult<Admitted> {
        let request = NewCacheRequest {
            account: account.clone(),
            name: new.name,
            images: new.images,
            platform: new.platform,
            size_limit: new.size_limit,
            policy: new.policy,
            access: new.access,
            credentials: credentials(new.credentials),
            origin: new.origin,
            notes: new.notes,
            token: client_token(key)?,
        };
        let Some(here) = &self.here else {
            return Ok(self.admitted(self.engine.request_cache(request).await?));
        };
        let (admitted, build) = self.engine.create_here(request).await?;
        here.keep(build);
        Ok(self.admitted(admitted))
    }

    pub(super) async fn describe(
        &self,
        account: &AccountId,
        filter: &CacheFilter,
        wanted: Page<CacheId>,
    ) -> ServiceResult<CachePage> {
        let filter = filter.clone();
        let filter = metastore::CacheFilter {
            account: Some(account.clone()),
            ids: filter.ids,
            names: filter.names,
            states: filter.states,
            origin: filter.origin,
            snapshot: filter.snapshot,
            image: filter.image,
            repository: filter.repository,
            tags: filter.tags,
            labels: filter.labels,
        };
        let found = self.engine.describe_caches(account, &filter, page(wanted)).await?;
        let caches = found.caches.into_iter().map(CacheView::from).collect();
        Ok(CachePage { caches, next: found.next, total: found.total })
    }

    pub(super) async fn details(&self, account: &AccountId, word: &str) -> ServiceResult<CacheDetails> {
        let found = self.engine.cache_details(account, word).await?;
        let serves = found.snapshot.is_some();
        let sizes = Sizes {
            unpacked_bytes: found.sizes.unpacked(),
            exclusive_bytes: found.sizes.exclusive,
            shared_bytes: found.sizes.shared,
            generations_bytes: found.sizes.generations,
            compressed_bytes: found.sizes.compressed,
        };
        let build = |build: metastore::Build| Build {
            id: build.id,
            state: build.state.as_str().to_owned(),
            attempts: build.attempts,
            queued: build.queued,
            started: build.started,
        };
        Ok(CacheDetails {
            view: found.view.into(),
            snapshot: found.snapshot,
            sizes: serves.then_some(sizes),
            cost: serves.then(|| Cost::new(found.cost, self.currency.clone())),
            build: found.build.map(build),
            others_of_name: found.others.len() as u64,
        })
    }

    pub(super) async fn update(
        &self,
        account: &AccountId,
        word: &str,
        update: CacheUpdate,
        key: Option<&IdempotencyKey>,
    ) -> ServiceResult<Admitted> {
        let update = engine::CacheUpdate {
            name: update.name,
            policy: update.policy,
            images: update.images,
            size_limit: update.size_limit,
            credentials: update.credentials.map(credentials),
            notes: update.notes,
        };
        let token = client_token(key)?;
        let Some(here) = &self.here else {
            return Ok(self.admitted(self.engine.update_cache(account, word, &update, token).await?));
        };
        let (admitted, build) = self.engine.update_here(account, word, &update, token).await?;
        here.keep(build);
        Ok(self.admitted(admitted))
    }

    pub(super) async fn delete(
        &self,
        account: &AccountId,
        word: &str,
        mode: DeleteMode,
    ) -> ServiceResult<Deletion> {
        let mode = match mode {
            DeleteMode::Refuse => engine::DeleteMode::Refuse,
            DeleteMode::WhenUnused => engine::DeleteMode::WhenUnused,
        };
        Ok(match self.engine.delete_cache(account, word, mode).await? {
            engine::Deletion::Done(cache) => Deletion::Done(self.view(cache)),
            engine::Deletion::Asked(cache) => Deletion::Asked(self.view(cache)),
        })
    }

    pub(super) async fn progress(&self, account: &AccountId, word: &str) -> ServiceResult<Progress> {
        let cache = self.engine.find_cache(account, word).await?.cache;
        let running = self.engine.build_progress(&cache).await?;
        let layers = running.as_ref().map(super::layers);
        // What runs here is seen at once; the record follows within a second.
        let percent =
            running.map_or(cache.progress.get(), |running| running.percent().max(cache.progress.get()));
        let failure = cache.failure.as_ref();
        Ok(Progress {
            id: cache.id,
            state: cache.state.into(),
            progress_percent: percent,
            failure: failure.map(|f| Failure { reason: f.reason.clone(), message: f.message.clone() }),
            copies: cache.copies.into(),
            is_settled: is_settled(&cache, self.here.is_none()),
            layers: layers.unwrap_or_default(),
        })
    }

    /// The events of what is there or was; what nothing is known of, or is another's, is not there.
    pub(super) async fn events_of(
        &self,
        account: &AccountId,
        subject: Subject,
        word: &str,
    ) -> ServiceResult<Vec<Event>> {
        if self.records.account_of(subject).await?.as_ref() != Some(account) {
            let message = format!("failed to find `{word}`: there is nothing of that name or id");
            return Err(ServiceError::new(ServiceErrorKind::NotFound, message));
        }
        Ok(self.engine.events(account, subject).await?)
    }
}

/// Whether nothing more will come. The standard copy of what is usable follows, also where nothing of it is made yet, or making
/// it failed and comes again: where a server cares for it.
fn is_settled(cache: &ImageCache, copies_follow: bool) -> bool {
    let follows = copies_follow && cache.is_usable() && cache.copies.standard != CopyState::Complete;
    !cache.state.is_building() && !follows
}

#[cfg(test)]
mod tests {
    use model::{
        ByteSize, CachePolicy, CacheState, ImageSnapshotId, NewImageCache, Origin, Percent, RegistryAccess,
        SnapshotCopies, Timestamp,
    };

    use super::*;

    fn cache(state: CacheState, standard: CopyState) -> ImageCache {
        let new = NewImageCache {
            account: AccountId::local(),
            name: "web".parse().unwrap(),
            origin: Origin::Manual,
            images: Vec::new(),
            platform: "linux/amd64".parse().unwrap(),
            size_limit: ByteSize::gib(1),
            policy: CachePolicy::default(),
            access: RegistryAccess::default(),
            notes: None,
        };
        let snapshot = state.is_usable().then(ImageSnapshotId::generate);
        let copies = SnapshotCopies { flash: CopyState::Complete, standard };
        ImageCache { state, snapshot, copies, ..ImageCache::asked_for(new, Timestamp::from_micros(0)) }
    }

    #[test]
    fn a_usable_cache_is_settled_with_its_standard_copies_and_one_that_failed_at_once() {
        use CacheState::{Creating, Failed, Preparing, Ready, UpdateFailed, Updating};
        let copying = CopyState::Copying { progress: Percent::of(1, 2) };
        for state in CacheState::ALL {
            for standard in [CopyState::Absent, copying, CopyState::Complete] {
                let cache = cache(state, standard);
                let expected = match state {
                    Preparing | Creating | Updating => false,
                    Failed => true,
                    Ready | UpdateFailed => standard == CopyState::Complete,
                };
                assert_eq!(is_settled(&cache, true), expected, "{state} {standard:?}");
                // Where no server is, nobody makes copies.
                assert_eq!(is_settled(&cache, false), !state.is_building(), "{state} {standard:?}");
            }
        }
        let deleting = Some(Timestamp::from_micros(1));
        let going = ImageCache { deleting, ..cache(CacheState::Ready, CopyState::Absent) };
        assert!(is_settled(&going, true));
    }
}
