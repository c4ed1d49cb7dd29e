//! Each verb on a copy of the records.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::{
    AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, BlobDigest, BuildFailure, BuildId, CacheId,
    CloudNotes, DiffId, Event, ExitStatus, ImageCache, ImageSnapshotId, Instance, InstanceId, Percent,
    Savings, SealedSecret, SnapshotCopies, SnapshotSummary, Subject, Timestamp,
};

use super::MemoryMetastore;
use super::find::{is_wanted_cache, is_wanted_instance, page_of};
use crate::{
    Admission, Admitted, Beat, Build, BuildState, CacheChange, CacheEdit, CacheFilter, CacheOutline,
    CacheRef, Change, ChangeNumber, CredentialOwner, InstanceFilter, InstanceRef, InstanceRemoval,
    LayerRecord, Metastore, NewBuild, OTHERS_LIMIT, PAGE_LIMIT, Page, ProcessIdentity, ResolvedCache, Result,
    SealedCredential, SnapshotRecord, TokenId, TokenRecord, TokenUse, Turns, Usage, rules,
};

#[async_trait]
impl Metastore for MemoryMetastore {
    async fn create_cache(
        &self,
        cache: &ImageCache,
        build: &NewBuild,
        admission: &Admission,
        events: &[Event],
    ) -> Result<Admitted> {
        self.write_if(events, Some(build.now), |records| records.create_cache(cache, build, admission))
    }

    async fn cache(&self, id: CacheId) -> Result<ImageCache> {
        self.records().cache(id).cloned()
    }

    async fn resolve_cache(&self, account: &AccountId, wanted: &CacheRef) -> Result<ResolvedCache> {
        self.records().resolve(account, wanted)
    }

    async fn find_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<Vec<ImageCache>> {
        Ok(page_of(&self.records().caches, page, |cache| is_wanted_cache(filter, cache)))
    }

    async fn outline_caches(&self, page: Page<CacheId>) -> Result<Vec<CacheOutline>> {
        let caches = page_of(&self.records().caches, page, |_| true);
        Ok(caches.iter().map(CacheOutline::from).collect())
    }

    async fn outline_caches_and_snapshots(
        &self,
        page: Page<CacheId>,
    ) -> Result<Vec<(CacheOutline, Option<SnapshotSummary>)>> {
        let records = self.records();
        let summary = |cache: &ImageCache| Some(records.snapshots.get(&cache.snapshot?)?.summary.clone());
        let caches = page_of(&records.caches, page, |_| true);
        Ok(caches.iter().map(|cache| (CacheOutline::from(cache), summary(cache))).collect())
    }

    async fn count_caches(&self, filter: &CacheFilter) -> Result<u64> {
        let records = self.records();
        Ok(records.caches.values().filter(|cache| is_wanted_cache(filter, cache)).count() as u64)
    }

    async fn usage(&self, account: &AccountId) -> Result<Usage> {
        Ok(self.records().usage(account))
    }

    async fn update_cache(
        &self,
        id: CacheId,
        edit: &CacheEdit,
        build: Option<&NewBuild>,
        token: Option<&TokenUse>,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Admitted> {
        self.write_if(events, Some(now), |records| records.update_cache(id, edit, build, token, now))
    }

    async fn touch_cache_used(&self, id: CacheId, saved: Savings, now: Timestamp) -> Result<()> {
        self.write(&[], Some(now), |records| {
            records.change_cache(id, |cache| Ok((rules::used(cache, saved, now), ())))
        })
    }

    async fn note_cache_checked(&self, id: CacheId, events: &[Event], now: Timestamp) -> Result<()> {
        self.write(events, Some(now), |records| {
            records.change_cache(id, |cache| Ok((rules::was_checked(cache, now), ())))
        })
    }

    async fn note_copies(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        copies: SnapshotCopies,
        events: &[Event],
    ) -> Result<bool> {
        self.write_if(events, None, |records| {
            let known = records.caches.get(&id).cloned();
            let changed = known.and_then(|cache| rules::has_copies(cache, snapshot, copies));
            let is_served = changed.is_some();
            if let Some(cache) = changed {
                records.put_cache(&cache);
            }
            Ok((is_served, is_served))
        })
    }

    async fn lose_snapshot(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        failure: &BuildFailure,
        events: &[Event],
        now: Timestamp,
    ) -> Result<bool> {
        self.write_if(events, Some(now), |records| {
            records.lose_snapshot(id, snapshot, failure, now).map(|lost| (lost, lost))
        })
    }

    async fn roll_back_cache(
        &self,
        id: CacheId,
        to: ImageSnapshotId,
        kept_until: Timestamp,
        events: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache> {
        self.write(events, Some(now), |records| records.roll_back(id, to, kept_until, now))
    }

    async fn drop_generations(
        &self,
        id: CacheId,
        snapshots: &[ImageSnapshotId],
        events: &[Event],
    ) -> Result<CacheChange> {
        self.write_if(events, None, |records| records.drop_generations(id, snapshots))
    }

    async fn ask_deletion(&self, id: CacheId, events: &[Event], now: Timestamp) -> Result<ImageCache> {
        self.write_if(events, Some(now), |records| records.ask_deletion(id, now))
    }

    async fn delete_cache(&self, id: CacheId, events: &[Event]) -> Result<CacheChange> {
        self.write(events, None, |records| records.delete_cache(id))
    }

    async fn begin_build(&self, build: &NewBuild, events: &[Event]) -> Result<ImageCache> {
        self.write(events, Some(build.now), |records| records.begin_build(build))
    }

    async fn take_queued_build(
        &self,
        owner: &ProcessIdentity,
        turns: Turns,
        now: Timestamp,
    ) -> Result<Option<Build>> {
        self.write(&[], Some(now), |records| records.take_build(owner, turns, now))
    }

    async fn beat_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        progress: Percent,
        now: Timestamp,
    ) -> Result<Beat> {
        self.write(&[], Some(now), |records| records.beat(id, owner, progress, now))
    }

    async fn cancel_build(
        &self,
        id: BuildId,
        failure: &BuildFailure,
        events: &[Event],
        now: Timestamp,
    ) -> Result<()> {
        self.write_if(events, Some(now), |records| {
            records.cancel_build(id, failure, now).map(|is_news| ((), is_news))
        })
    }

    async fn finish_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        snapshot: &SnapshotRecord,
        copies: SnapshotCopies,
        keep: Option<Timestamp>,
        events: &[Event],
        now: Timestamp,
    ) -> Result<CacheChange> {
        self.write(events, Some(now), |records| {
            records.finish_build(id, owner, snapshot, (copies, keep), now)
        })
    }

    async fn fail_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        failure: &BuildFailure,
        events: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache> {
        self.write(events, Some(now), |records| records.fail_build(id, owner, failure, now))
    }

    async fn build(&self, id: BuildId) -> Result<Build> {
        self.records().build(id).cloned()
    }

    async fn build_of_cache(&self, cache: CacheId) -> Result<Option<Build>> {
        Ok(self.records().unfinished_build(cache).cloned())
    }

    async fn running_builds(&self, page: Page<BuildId>) -> Result<Vec<Build>> {
        Ok(page_of(&self.records().builds, page, |build| build.state == BuildState::Running))
    }

    async fn claim_build(
        &self,
        id: BuildId,
        from: &ProcessIdentity,
        to: &ProcessIdentity,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Option<Build>> {
        self.write_if(events, Some(now), |records| {
            let claimed = records.claim_build(id, from, to, now);
            let is_news = claimed.is_some();
            Ok((claimed, is_news))
        })
    }

    async fn retained_snapshots(&self) -> Result<Vec<ImageSnapshotId>> {
        Ok(self.records().retained())
    }

    async fn held_snapshots(&self) -> Result<BTreeSet<ImageSnapshotId>> {
        let records = self.records();
        let of_groups = records.groups.values().filter_map(|group| rules::snapshot_of(&group.status));
        Ok(records.instances.values().map(|instance| instance.snapshot).chain(of_groups).collect())
    }

    async fn snapshot(&self, id: ImageSnapshotId) -> Result<Option<SnapshotRecord>> {
        Ok(self.records().snapshots.get(&id).cloned())
    }

    async fn find_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>> {
        Ok(page_of(&self.records().snapshots, page, |_| true))
    }

    async fn find_unserved_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>> {
        let records = self.records();
        let served: BTreeSet<_> = records.caches.values().filter_map(|cache| cache.snapshot).collect();
        Ok(page_of(&records.snapshots, page, |snapshot| !served.contains(&snapshot.id)))
    }

    async fn record_layer(&self, layer: &LayerRecord) -> Result<()> {
        self.write(&[], None, |records| {
            if let Some(known) = records.layers.get(&layer.blob) {
                rules::check_layer(known, layer)?;
            }
            records.layers.insert(layer.blob, *layer);
            Ok(())
        })
    }

    async fn layer_by_blob(&self, blob: &BlobDigest) -> Result<Option<LayerRecord>> {
        Ok(self.records().layers.get(blob).copied())
    }

    async fn layers_by_diff_id(&self, diff_id: &DiffId) -> Result<Vec<LayerRecord>> {
        let records = self.records();
        let layers = records.layers.values().filter(|layer| layer.diff_id == *diff_id);
        Ok(layers.take(OTHERS_LIMIT as usize).copied().collect())
    }

    async fn create_instance(&self, instance: &Instance, events: &[Event]) -> Result<()> {
        self.write(events, Some(instance.created), |records| records.create_instance(instance))
    }

    async fn create_instance_with_snapshot(
        &self,
        instance: &Instance,
        snapshot: &SnapshotRecord,
        events: &[Event],
    ) -> Result<()> {
        self.write(events, Some(instance.created), |records| {
            records.create_instance_with_snapshot(instance, snapshot)
        })
    }

    async fn instance_started(
        &self,
        id: InstanceId,
        pid: u32,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        self.write(events, Some(now), |records| records.instance_started(id, pid, now))
    }

    async fn instance_exited(
        &self,
        id: InstanceId,
        status: ExitStatus,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        self.write_if(events, Some(now), |records| records.instance_exited(id, status, now))
    }

    async fn set_instance_notes(&self, id: InstanceId, notes: &CloudNotes) -> Result<Instance> {
        self.write(&[], None, |records| records.set_instance_notes(id, notes))
    }

    async fn remove_instance(&self, id: InstanceId, events: &[Event]) -> Result<InstanceRemoval> {
        self.write(events, None, |records| records.remove_instance(id))
    }

    async fn instance(&self, account: &AccountId, wanted: &InstanceRef) -> Result<Instance> {
        self.records().find_instance(account, wanted)
    }

    async fn find_instances(&self, filter: &InstanceFilter, page: Page<InstanceId>) -> Result<Vec<Instance>> {
        Ok(page_of(&self.records().instances, page, |instance| is_wanted_instance(filter, instance)))
    }

    async fn append_events(&self, events: &[Event]) -> Result<()> {
        self.write(events, None, |_| Ok(()))
    }

    async fn events(&self, subject: Subject) -> Result<Vec<Event>> {
        let mut events = self.records().events.get(&subject).cloned().unwrap_or_default();
        events.sort_by_key(|event| event.last);
        Ok(events)
    }

    async fn account_of(&self, subject: Subject) -> Result<Option<AccountId>> {
        Ok(self.records().account_of(subject))
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64> {
        self.write(&[], None, |records| Ok(records.forget_events(before)))
    }

    async fn changes(&self, after: ChangeNumber, limit: u32) -> Result<Option<Vec<Change>>> {
        Ok(self.records().changes(after, limit))
    }

    async fn newest_change(&self) -> Result<ChangeNumber> {
        Ok(self.records().newest_change)
    }

    async fn forget_changes(&self, keep: u64) -> Result<()> {
        self.records().forget_changes(keep);
        Ok(())
    }

    async fn forget_client_tokens(&self, now: Timestamp) -> Result<u64> {
        Ok(self.records().forget_requests(now))
    }

    async fn credentials(&self, owner: CredentialOwner) -> Result<Vec<SealedCredential>> {
        Ok(self.records().credentials(owner))
    }

    async fn reseal_credentials(
        &self,
        owner: CredentialOwner,
        from: &[SealedCredential],
        to: &[SealedCredential],
    ) -> Result<bool> {
        Ok(self.records().reseal(owner, from, to))
    }

    async fn credential_owners(
        &self,
        after: Option<CredentialOwner>,
        limit: u32,
    ) -> Result<Vec<CredentialOwner>> {
        let records = self.records();
        let owners = records.credentials.keys().filter(|owner| after.is_none_or(|after| **owner > after));
        Ok(owners.copied().take(limit.min(PAGE_LIMIT) as usize).collect())
    }

    async fn create_token(&self, token: &TokenRecord) -> Result<()> {
        self.write(&[], None, |records| records.create_token(token))
    }

    async fn token(&self, digest: &[u8; 32]) -> Result<Option<TokenRecord>> {
        Ok(self.records().token(digest))
    }

    async fn tokens(&self, account: Option<&AccountId>) -> Result<Vec<TokenRecord>> {
        Ok(self.records().tokens(account))
    }

    async fn revoke_token(&self, id: &TokenId, now: Timestamp) -> Result<Option<TokenRecord>> {
        Ok(self.records().revoke_token(id, now))
    }

    async fn touch_token(&self, id: &TokenId, now: Timestamp) -> Result<()> {
        self.records().touch_token(id, now);
        Ok(())
    }

    async fn create_account(&self, account: &Account) -> Result<()> {
        self.write(&[], None, |records| records.create_account(account))
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        Ok(self.records().account(id))
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        Ok(self.records().accounts())
    }

    async fn create_access_key(&self, key: &AccessKey) -> Result<()> {
        self.write(&[], None, |records| records.create_access_key(key))
    }

    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        Ok(self.records().access_keys.get(id).cloned())
    }

    async fn access_keys(
        &self,
        account: Option<&AccountId>,
        after: Option<&AccessKeyId>,
        limit: u32,
    ) -> Result<Vec<AccessKey>> {
        Ok(self.records().access_keys(account, after, limit))
    }

    async fn set_access_key_status(
        &self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> Result<Option<AccessKey>> {
        Ok(self.records().set_access_key_status(id, status))
    }

    async fn delete_access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        Ok(self.records().access_keys.remove(id))
    }

    async fn reseal_access_key(
        &self,
        id: &AccessKeyId,
        from: &SealedSecret,
        to: &SealedSecret,
    ) -> Result<bool> {
        Ok(self.records().reseal_access_key(id, from, to))
    }

    async fn touch_access_key(&self, id: &AccessKeyId, now: Timestamp) -> Result<()> {
        self.records().touch_access_key(id, now);
        Ok(())
    }
}
