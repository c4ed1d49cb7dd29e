//! Caches in memory.

use model::{AccountId, CacheId, ImageCache, ImageSnapshotId, Origin, Subject, Timestamp};

use super::Records;
use super::changes::Touch;
use crate::error::taken;
use crate::{
    Admission, Admitted, CacheChange, CacheEdit, CacheRef, ChangeKind, CredentialOwner, Error, NewBuild,
    OTHERS_LIMIT, ResolvedCache, Result, TokenUse, Usage, rules,
};

impl Records {
    pub(super) fn cache(&self, id: CacheId) -> Result<&ImageCache> {
        self.caches.get(&id).ok_or(Error::NoCache(id))
    }

    /// Writes a cache, new or changed.
    pub(super) fn put_cache(&mut self, cache: &ImageCache) {
        self.touch_cache(cache, ChangeKind::Put);
        self.caches.insert(cache.id, cache.clone());
    }

    fn touch_cache(&mut self, cache: &ImageCache, kind: ChangeKind) {
        let touch = Touch { account: cache.account.clone(), kind, at: cache.updated };
        self.touched.insert(Subject::Cache(cache.id), touch);
    }

    pub(super) fn create_cache(
        &mut self,
        cache: &ImageCache,
        build: &NewBuild,
        admission: &Admission,
    ) -> Result<(Admitted, bool)> {
        rules::check_new_cache(cache, build)?;
        if let Some(token) = &admission.token
            && let Some(before) = self.before(&cache.account, token, None, build.now)?
        {
            return Ok((Admitted::Before(before), false));
        }
        self.check_quota(cache, admission)?;
        if self.caches.contains_key(&cache.id) {
            return Err(taken("cache", cache.id));
        }
        self.put_cache(cache);
        self.put_credentials(CredentialOwner::Cache(cache.id), &admission.credentials);
        let cache = self.begin_build(build)?;
        if let Some(token) = &admission.token {
            self.remember(&cache, token);
        }
        Ok((Admitted::Now(cache), true))
    }

    pub(super) fn usage(&self, account: &AccountId) -> Usage {
        let count = |origin: Origin| {
            let counted = self.caches.values().filter(|cache| {
                cache.account == *account && cache.origin == origin && cache.deleting.is_none()
            });
            counted.count() as u64
        };
        Usage { manual: count(Origin::Manual), automatic: count(Origin::Automatic) }
    }

    fn check_quota(&self, cache: &ImageCache, admission: &Admission) -> Result<()> {
        let usage = self.usage(&cache.account);
        let counted = match cache.origin {
            Origin::Manual => usage.manual,
            Origin::Automatic => usage.automatic,
        };
        let candidates: Vec<ImageCache> = self
            .caches
            .values()
            .filter(|other| other.account == cache.account && other.origin == cache.origin)
            .filter(|other| rules::could_make_room(other) && self.holders(other).is_empty())
            .cloned()
            .collect();
        rules::room(cache, admission, counted, &candidates)
    }

    pub(super) fn update_cache(
        &mut self,
        id: CacheId,
        edit: &CacheEdit,
        build: Option<&NewBuild>,
        token: Option<&TokenUse>,
        now: Timestamp,
    ) -> Result<(Admitted, bool)> {
        let account = self.account_of(Subject::Cache(id)).ok_or(Error::NoCache(id))?;
        if let Some(token) = token
            && let Some(before) = self.before(&account, token, Some(id), now)?
        {
            return Ok((Admitted::Before(before), false));
        }
        let building = self.unfinished_build(id).map(|build| build.id);
        let mut cache = rules::edited(self.cache(id)?.clone(), edit, building, now)?;
        rules::check_build_of(id, build)?;
        self.put_cache(&cache);
        if let Some(credentials) = &edit.credentials {
            self.put_credentials(CredentialOwner::Cache(id), credentials);
        }
        if let Some(build) = build {
            cache = self.begin_build(build)?;
        }
        if let Some(token) = token {
            self.remember(&cache, token);
        }
        Ok((Admitted::Now(cache), true))
    }

    /// Changes a cache where the rule says so.
    pub(super) fn change_cache<T>(
        &mut self,
        id: CacheId,
        rule: impl FnOnce(ImageCache) -> Result<(ImageCache, T)>,
    ) -> Result<T> {
        let (cache, answer) = rule(self.cache(id)?.clone())?;
        self.put_cache(&cache);
        Ok(answer)
    }

    pub(super) fn lose_snapshot(
        &mut self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        failure: &model::BuildFailure,
        now: Timestamp,
    ) -> Result<bool> {
        let Some(cache) = self.caches.get(&id).cloned() else { return Ok(false) };
        let building = self.unfinished_build(id).map(|build| build.id);
        let Some(cache) = rules::lost(cache, snapshot, failure, building, now)? else { return Ok(false) };
        self.put_cache(&cache);
        // The document is gone already.
        self.release(&[snapshot]);
        Ok(true)
    }

    pub(super) fn roll_back(
        &mut self,
        id: CacheId,
        to: ImageSnapshotId,
        kept_until: Timestamp,
        now: Timestamp,
    ) -> Result<ImageCache> {
        let building = self.unfinished_build(id).map(|build| build.id);
        let cache = rules::rolled_back(self.cache(id)?.clone(), to, kept_until, building, now)?;
        self.put_cache(&cache);
        Ok(cache)
    }

    pub(super) fn drop_generations(
        &mut self,
        id: CacheId,
        snapshots: &[ImageSnapshotId],
    ) -> Result<(CacheChange, bool)> {
        let (cache, gone) = rules::without_generations(self.cache(id)?.clone(), snapshots);
        if gone.is_empty() {
            return Ok((CacheChange { cache, released: Vec::new() }, false));
        }
        self.put_cache(&cache);
        let released = self.release(&gone);
        Ok((CacheChange { cache, released }, true))
    }

    pub(super) fn ask_deletion(&mut self, id: CacheId, now: Timestamp) -> Result<(ImageCache, bool)> {
        let known = self.cache(id)?.clone();
        let Some(cache) = rules::deletion_asked(known.clone(), now) else { return Ok((known, false)) };
        self.put_cache(&cache);
        if let Some(build) = self.unfinished_build(id).cloned() {
            self.stop_build(build, &rules::unwanted(), now)?;
        }
        Ok((self.cache(id)?.clone(), true))
    }

    pub(super) fn delete_cache(&mut self, id: CacheId) -> Result<CacheChange> {
        let cache = self.cache(id)?.clone();
        if let Some(build) = self.unfinished_build(id).filter(|build| build.owner.is_some()) {
            return Err(Error::CacheBuilding { cache: id, build: build.id });
        }
        let instances = self.holders(&cache);
        if !instances.is_empty() {
            return Err(Error::CacheInUse { cache: id, instances });
        }
        self.touch_cache(&cache, ChangeKind::Gone);
        self.departed.insert(Subject::Cache(id), cache.account.clone());
        self.caches.remove(&id);
        self.builds.retain(|_, build| build.cache != id);
        self.credentials.remove(&CredentialOwner::Cache(id));
        let released = self.release(&rules::named_snapshots(&cache));
        Ok(CacheChange { cache, released })
    }

    /// Instances that hold a snapshot that the cache names, some of them.
    fn holders(&self, cache: &ImageCache) -> Vec<model::InstanceName> {
        let named = rules::named_snapshots(cache);
        let holders = self.instances.values().filter(|instance| named.contains(&instance.snapshot));
        let mut names: Vec<_> = holders.map(|instance| instance.name.clone()).collect();
        names.sort_unstable();
        names.truncate(OTHERS_LIMIT as usize);
        names
    }

    /// Drops those of the snapshots from the index that nobody names any more.
    pub(super) fn release(&mut self, snapshots: &[ImageSnapshotId]) -> Vec<ImageSnapshotId> {
        let mut released = Vec::new();
        for id in snapshots {
            let named = self.caches.values().any(|cache| rules::named_snapshots(cache).contains(id))
                || self.instances.values().any(|instance| instance.snapshot == *id)
                || self.groups.values().any(|group| rules::snapshot_of(&group.status) == Some(*id));
            if !named && self.snapshots.remove(id).is_some() {
                released.push(*id);
            }
        }
        released
    }

    pub(super) fn resolve(&self, account: &AccountId, wanted: &CacheRef) -> Result<ResolvedCache> {
        let name = match wanted {
            CacheRef::Id(id) => {
                let cache = self.cache(*id)?;
                let is_theirs = cache.account == *account;
                let found = is_theirs.then(|| ResolvedCache { cache: cache.clone(), others: Vec::new() });
                return found.ok_or(Error::NoCache(*id));
            }
            CacheRef::Name(name) => name,
        };
        let theirs = self.caches.values().filter(|cache| cache.account == *account);
        let mut named: Vec<&ImageCache> = theirs.filter(|cache| cache.name == *name).collect();
        if named.is_empty() {
            return Err(Error::NoCacheOfName(name.clone()));
        }
        named.sort_by_key(|cache| std::cmp::Reverse((cache.created, cache.id)));
        let usable = named.iter().position(|cache| cache.is_usable()).unwrap_or(0);
        let cache = named.remove(usable).clone();
        let others = named.iter().map(|cache| cache.id).take(OTHERS_LIMIT as usize).collect();
        Ok(ResolvedCache { cache, others })
    }
}
