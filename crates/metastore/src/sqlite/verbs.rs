//! Each verb as one transaction.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::{
    AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, BlobDigest, BuildFailure, BuildId, CacheId,
    CloudNotes, DiffId, Event, ExitStatus, ImageCache, ImageSnapshotId, Instance, InstanceId, PackedSummary,
    Percent, Savings, SealedSecret, SnapshotCopies, Subject, Timestamp,
};

use super::changes::Touched;
use super::{
    SqliteMetastore, access_keys, builds, caches, changes, credentials, events, find, instances, layers,
    life, quota, requests, snapshots, tokens,
};
use crate::{
    Admission, Admitted, Beat, Build, CacheChange, CacheEdit, CacheFilter, CacheOutline, CacheRef, Change,
    ChangeNumber, CredentialOwner, InstanceFilter, InstanceRef, InstanceRemoval, LayerRecord, Metastore,
    NewBuild, Page, ProcessIdentity, ResolvedCache, Result, SealedCredential, SnapshotRecord, TokenId,
    TokenRecord, TokenUse, Turns, Usage, rules,
};

fn put<'a, T>(record: &'a T) -> Option<Touched>
where
    Touched: From<&'a T>,
{
    Some(Touched::from(record))
}

#[async_trait]
impl Metastore for SqliteMetastore {
    async fn create_cache(
        &self,
        cache: &ImageCache,
        build: &NewBuild,
        admission: &Admission,
        news: &[Event],
    ) -> Result<Admitted> {
        let mut writing = self.writing("create the cache").await?;
        let admitted = life::create(&mut writing.transaction, cache, build, admission).await?;
        if let Admitted::Now(cache) = &admitted {
            writing.conclude(put(cache), news, Some(build.now)).await?;
        }
        Ok(admitted)
    }

    async fn cache(&self, id: CacheId) -> Result<ImageCache> {
        caches::get(&mut *self.reading("read the cache").await?, id).await
    }

    async fn resolve_cache(&self, account: &AccountId, wanted: &CacheRef) -> Result<ResolvedCache> {
        caches::resolve(&mut *self.reading("find the cache").await?, account, wanted).await
    }

    async fn find_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<Vec<ImageCache>> {
        find::find(&mut *self.reading("find caches").await?, filter, page).await
    }

    async fn outline_caches(&self, page: Page<CacheId>) -> Result<Vec<CacheOutline>> {
        find::outline(&mut *self.reading("find caches").await?, page).await
    }

    async fn outline_caches_and_snapshots(
        &self,
        page: Page<CacheId>,
    ) -> Result<Vec<(CacheOutline, Option<PackedSummary>)>> {
        find::outline_serving(&mut *self.reading("find caches").await?, page).await
    }

    async fn count_caches(&self, filter: &CacheFilter) -> Result<u64> {
        find::count(&mut *self.reading("count caches").await?, filter).await
    }

    async fn usage(&self, account: &AccountId) -> Result<Usage> {
        quota::usage(&mut *self.reading("count the account's caches").await?, account).await
    }

    async fn update_cache(
        &self,
        id: CacheId,
        edit: &CacheEdit,
        build: Option<&NewBuild>,
        token: Option<&TokenUse>,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Admitted> {
        let mut writing = self.writing("update the cache").await?;
        let admitted = life::update(&mut writing.transaction, id, edit, build, token, now).await?;
        if let Admitted::Now(cache) = &admitted {
            writing.conclude(put(cache), news, Some(now)).await?;
        }
        Ok(admitted)
    }

    async fn touch_cache_used(&self, id: CacheId, saved: Savings, now: Timestamp) -> Result<()> {
        let mut writing = self.writing_quickly("note the cache's use").await?;
        let cache =
            life::change(&mut writing.transaction, id, |cache| rules::used(cache, saved, now)).await?;
        writing.conclude(put(&cache), &[], Some(now)).await
    }

    async fn note_cache_checked(&self, id: CacheId, news: &[Event], now: Timestamp) -> Result<()> {
        let mut writing = self.writing("note the look at the cache's tags").await?;
        let cache =
            life::change(&mut writing.transaction, id, |cache| rules::was_checked(cache, now)).await?;
        writing.conclude(put(&cache), news, Some(now)).await
    }

    async fn note_copies(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        copies: SnapshotCopies,
        news: &[Event],
    ) -> Result<bool> {
        let mut writing = self.writing("note the snapshot's copies").await?;
        let noted = life::note_copies(&mut writing.transaction, id, snapshot, copies).await?;
        let Some(cache) = noted else { return Ok(false) };
        writing.conclude(put(&cache), news, None).await?;
        Ok(true)
    }

    async fn lose_snapshot(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        failure: &BuildFailure,
        news: &[Event],
        now: Timestamp,
    ) -> Result<bool> {
        let mut writing = self.writing("note the snapshot's loss").await?;
        let lost = life::lose_snapshot(&mut writing.transaction, id, snapshot, failure, now).await?;
        let Some(cache) = lost else { return Ok(false) };
        writing.conclude(put(&cache), news, Some(now)).await?;
        Ok(true)
    }

    async fn roll_back_cache(
        &self,
        id: CacheId,
        to: ImageSnapshotId,
        kept_until: Timestamp,
        news: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache> {
        let mut writing = self.writing("roll the cache back").await?;
        let cache = life::roll_back(&mut writing.transaction, id, to, kept_until, now).await?;
        writing.conclude(put(&cache), news, Some(now)).await?;
        Ok(cache)
    }

    async fn drop_generations(
        &self,
        id: CacheId,
        snapshots: &[ImageSnapshotId],
        news: &[Event],
    ) -> Result<CacheChange> {
        let mut writing = self.writing("drop the cache's generations").await?;
        let (change, is_news) = life::drop_generations(&mut writing.transaction, id, snapshots).await?;
        if is_news {
            writing.conclude(put(&change.cache), news, None).await?;
        }
        Ok(change)
    }

    async fn ask_deletion(&self, id: CacheId, news: &[Event], now: Timestamp) -> Result<ImageCache> {
        let mut writing = self.writing("ask for the cache's deletion").await?;
        let (cache, is_news) = life::ask_deletion(&mut writing.transaction, id, now).await?;
        if is_news {
            writing.conclude(put(&cache), news, Some(now)).await?;
        }
        Ok(cache)
    }

    async fn delete_cache(&self, id: CacheId, news: &[Event]) -> Result<CacheChange> {
        let mut writing = self.writing("delete the cache").await?;
        let change = life::delete(&mut writing.transaction, id).await?;
        writing.conclude(put(&change.cache).map(Touched::gone), news, None).await?;
        Ok(change)
    }

    async fn begin_build(&self, build: &NewBuild, news: &[Event]) -> Result<ImageCache> {
        let mut writing = self.writing("begin the build").await?;
        let cache = builds::begin(&mut writing.transaction, build).await?;
        writing.conclude(put(&cache), news, Some(build.now)).await?;
        Ok(cache)
    }

    async fn take_queued_build(
        &self,
        owner: &ProcessIdentity,
        turns: Turns,
        now: Timestamp,
    ) -> Result<Option<Build>> {
        if !builds::any_waits(&mut *self.reading("find the waiting builds").await?).await? {
            return Ok(None);
        }
        let mut writing = self.writing("take the build").await?;
        let taken = builds::take(&mut writing.transaction, owner, turns, now).await?;
        let Some((cache, build)) = taken else { return Ok(None) };
        writing.conclude(put(&cache), &[], Some(now)).await?;
        Ok(Some(build))
    }

    async fn beat_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        progress: Percent,
        now: Timestamp,
    ) -> Result<Beat> {
        let mut writing = self.writing_quickly("note the build's progress").await?;
        let (beat, cache) = builds::beat(&mut writing.transaction, id, owner, progress, now).await?;
        if beat != Beat::Lost {
            writing.conclude(cache.as_ref().and_then(put), &[], Some(now)).await?;
        }
        Ok(beat)
    }

    async fn cancel_build(
        &self,
        id: BuildId,
        failure: &BuildFailure,
        news: &[Event],
        now: Timestamp,
    ) -> Result<()> {
        let mut writing = self.writing("cancel the build").await?;
        let cancelled = builds::cancel(&mut writing.transaction, id, failure, now).await?;
        let Some(cache) = cancelled else { return Ok(()) };
        writing.conclude(put(&cache), news, Some(now)).await
    }

    async fn finish_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        snapshot: &SnapshotRecord,
        copies: SnapshotCopies,
        keep: Option<Timestamp>,
        news: &[Event],
        now: Timestamp,
    ) -> Result<CacheChange> {
        let mut writing = self.writing("finish the build").await?;
        let change =
            builds::finish(&mut writing.transaction, id, owner, snapshot, (copies, keep), now).await?;
        writing.conclude(put(&change.cache), news, Some(now)).await?;
        Ok(change)
    }

    async fn fail_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        failure: &BuildFailure,
        news: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache> {
        let mut writing = self.writing("fail the build").await?;
        let cache = builds::fail(&mut writing.transaction, id, owner, failure, now).await?;
        writing.conclude(put(&cache), news, Some(now)).await?;
        Ok(cache)
    }

    async fn build(&self, id: BuildId) -> Result<Build> {
        builds::get(&mut *self.reading("read the build").await?, id).await
    }

    async fn build_of_cache(&self, cache: CacheId) -> Result<Option<Build>> {
        builds::unfinished_of(&mut *self.reading("find the cache's build").await?, cache).await
    }

    async fn running_builds(&self, page: Page<BuildId>) -> Result<Vec<Build>> {
        builds::running(&mut *self.reading("find the running builds").await?, page).await
    }

    async fn claim_build(
        &self,
        id: BuildId,
        from: &ProcessIdentity,
        to: &ProcessIdentity,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Option<Build>> {
        let mut writing = self.writing("claim the build").await?;
        let Some(build) = builds::claim(&mut writing.transaction, id, from, to, now).await? else {
            return Ok(None);
        };
        writing.conclude(None, news, Some(now)).await?;
        Ok(Some(build))
    }

    async fn retained_snapshots(&self) -> Result<Vec<ImageSnapshotId>> {
        snapshots::retained(&mut *self.reading("find the retained snapshots").await?).await
    }

    async fn held_snapshots(&self) -> Result<BTreeSet<ImageSnapshotId>> {
        snapshots::held(&mut *self.reading("find the held snapshots").await?).await
    }

    async fn snapshot(&self, id: ImageSnapshotId) -> Result<Option<SnapshotRecord>> {
        snapshots::get(&mut *self.reading("read the image snapshot").await?, id).await
    }

    async fn find_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>> {
        snapshots::find(&mut *self.reading("find image snapshots").await?, page).await
    }

    async fn find_unserved_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>> {
        snapshots::find_unserved(&mut *self.reading("find image snapshots").await?, page).await
    }

    async fn record_layer(&self, layer: &LayerRecord) -> Result<()> {
        let mut writing = self.writing_quickly("record the layer").await?;
        layers::record(&mut writing.transaction, layer).await?;
        writing.commit().await
    }

    async fn layer_by_blob(&self, blob: &BlobDigest) -> Result<Option<LayerRecord>> {
        layers::by_blob(&mut *self.reading("find the layer").await?, blob).await
    }

    async fn layers_by_diff_id(&self, diff_id: &DiffId) -> Result<Vec<LayerRecord>> {
        layers::by_diff_id(&mut *self.reading("find the layer").await?, diff_id).await
    }

    async fn create_instance(&self, instance: &Instance, news: &[Event]) -> Result<()> {
        let mut writing = self.writing_quickly("create the instance").await?;
        instances::create(&mut writing.transaction, instance).await?;
        writing.conclude(put(instance), news, Some(instance.created)).await
    }

    async fn create_instance_with_snapshot(
        &self,
        instance: &Instance,
        snapshot: &SnapshotRecord,
        news: &[Event],
    ) -> Result<()> {
        let mut writing = self.writing_quickly("create the instance").await?;
        instances::create_with_snapshot(&mut writing.transaction, instance, snapshot).await?;
        writing.conclude(put(instance), news, Some(instance.created)).await
    }

    async fn instance_started(
        &self,
        id: InstanceId,
        pid: u32,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        let mut writing = self.writing_quickly("note the instance's start").await?;
        let instance = instances::started(&mut writing.transaction, id, pid, now).await?;
        writing.conclude(put(&instance), news, Some(now)).await?;
        Ok(instance)
    }

    async fn instance_exited(
        &self,
        id: InstanceId,
        status: ExitStatus,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        let mut writing = self.writing_quickly("note the instance's end").await?;
        let (instance, is_news) = instances::exited(&mut writing.transaction, id, status, now).await?;
        if is_news {
            writing.conclude(put(&instance), news, Some(now)).await?;
        }
        Ok(instance)
    }

    async fn set_instance_notes(&self, id: InstanceId, notes: &CloudNotes) -> Result<Instance> {
        let mut writing = self.writing("note what is said of the instance").await?;
        let instance = instances::set_notes(&mut writing.transaction, id, notes).await?;
        writing.conclude(put(&instance), &[], None).await?;
        Ok(instance)
    }

    async fn remove_instance(&self, id: InstanceId, news: &[Event]) -> Result<InstanceRemoval> {
        let mut writing = self.writing("remove the instance").await?;
        let removal = instances::remove(&mut writing.transaction, id).await?;
        writing.conclude(put(&removal.instance).map(Touched::gone), news, None).await?;
        Ok(removal)
    }

    async fn instance(&self, account: &AccountId, wanted: &InstanceRef) -> Result<Instance> {
        instances::resolve(&mut *self.reading("find the instance").await?, account, wanted).await
    }

    async fn find_instances(&self, filter: &InstanceFilter, page: Page<InstanceId>) -> Result<Vec<Instance>> {
        instances::find(&mut *self.reading("find instances").await?, filter, page).await
    }

    async fn append_events(&self, news: &[Event]) -> Result<()> {
        self.writing_quickly("append events").await?.conclude(None, news, None).await
    }

    async fn events(&self, subject: Subject) -> Result<Vec<Event>> {
        events::of(&mut *self.reading("read the events").await?, subject).await
    }

    async fn account_of(&self, subject: Subject) -> Result<Option<AccountId>> {
        changes::account_of(&mut *self.reading("find whose the record is").await?, subject).await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64> {
        let mut writing = self.writing_quickly("forget old events").await?;
        let forgotten = events::forget(&mut writing.transaction, before).await?;
        writing.commit().await?;
        Ok(forgotten)
    }

    async fn changes(&self, after: ChangeNumber, limit: u32) -> Result<Option<Vec<Change>>> {
        changes::after(&mut *self.reading("read the changes").await?, after, limit).await
    }

    async fn newest_change(&self) -> Result<ChangeNumber> {
        changes::newest(&mut *self.reading("read the changes").await?).await
    }

    async fn forget_changes(&self, keep: u64) -> Result<()> {
        let mut writing = self.writing_quickly("forget old changes").await?;
        changes::forget(&mut writing.transaction, keep).await?;
        writing.commit().await
    }

    async fn forget_client_tokens(&self, now: Timestamp) -> Result<u64> {
        let mut writing = self.writing_quickly("forget old client tokens").await?;
        let forgotten = requests::forget(&mut writing.transaction, now).await?;
        writing.commit().await?;
        Ok(forgotten)
    }

    async fn credentials(&self, owner: CredentialOwner) -> Result<Vec<SealedCredential>> {
        credentials::of(&mut *self.reading("read the credentials").await?, owner).await
    }

    async fn reseal_credentials(
        &self,
        owner: CredentialOwner,
        from: &[SealedCredential],
        to: &[SealedCredential],
    ) -> Result<bool> {
        let mut writing = self.writing("reseal the credentials").await?;
        let resealed = credentials::reseal(&mut writing.transaction, owner, from, to).await?;
        writing.commit().await?;
        Ok(resealed)
    }

    async fn credential_owners(
        &self,
        after: Option<CredentialOwner>,
        limit: u32,
    ) -> Result<Vec<CredentialOwner>> {
        credentials::owners(&mut *self.reading("find the owners of credentials").await?, after, limit).await
    }

    async fn create_token(&self, token: &TokenRecord) -> Result<()> {
        let mut writing = self.writing("record the token").await?;
        tokens::create(&mut writing.transaction, token).await?;
        writing.commit().await
    }

    async fn token(&self, digest: &[u8; 32]) -> Result<Option<TokenRecord>> {
        tokens::by_digest(&mut *self.reading("read the token").await?, digest).await
    }

    async fn tokens(&self, account: Option<&AccountId>) -> Result<Vec<TokenRecord>> {
        tokens::list(&mut *self.reading("list the tokens").await?, account).await
    }

    async fn revoke_token(&self, id: &TokenId, now: Timestamp) -> Result<Option<TokenRecord>> {
        let mut writing = self.writing("revoke the token").await?;
        let token = tokens::revoke(&mut writing.transaction, id, now).await?;
        writing.commit().await?;
        Ok(token)
    }

    async fn touch_token(&self, id: &TokenId, now: Timestamp) -> Result<()> {
        let mut writing = self.writing_quickly("note the token's use").await?;
        tokens::touch(&mut writing.transaction, id, now).await?;
        writing.commit().await
    }

    async fn create_account(&self, account: &Account) -> Result<()> {
        let mut writing = self.writing("record the account").await?;
        access_keys::create_account(&mut writing.transaction, account).await?;
        writing.commit().await
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        access_keys::account(&mut *self.reading("find the account").await?, id).await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        access_keys::accounts(&mut *self.reading("list the accounts").await?).await
    }

    async fn create_access_key(&self, key: &AccessKey) -> Result<()> {
        let mut writing = self.writing("record the access key").await?;
        access_keys::create(&mut writing.transaction, key).await?;
        writing.commit().await
    }

    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        access_keys::get(&mut *self.reading("find the access key").await?, id).await
    }

    async fn access_keys(
        &self,
        account: Option<&AccountId>,
        after: Option<&AccessKeyId>,
        limit: u32,
    ) -> Result<Vec<AccessKey>> {
        access_keys::list(&mut *self.reading("list the access keys").await?, account, after, limit).await
    }

    async fn set_access_key_status(
        &self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> Result<Option<AccessKey>> {
        let mut writing = self.writing("change the access key").await?;
        let key = access_keys::set_status(&mut writing.transaction, id, status).await?;
        writing.commit().await?;
        Ok(key)
    }

    async fn delete_access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        let mut writing = self.writing("delete the access key").await?;
        let key = access_keys::delete(&mut writing.transaction, id).await?;
        writing.commit().await?;
        Ok(key)
    }

    async fn reseal_access_key(
        &self,
        id: &AccessKeyId,
        from: &SealedSecret,
        to: &SealedSecret,
    ) -> Result<bool> {
        let mut writing = self.writing("seal the access key's secret anew").await?;
        let is_done = access_keys::reseal(&mut writing.transaction, id, from, to).await?;
        writing.commit().await?;
        Ok(is_done)
    }

    async fn touch_access_key(&self, id: &AccessKeyId, now: Timestamp) -> Result<()> {
        let mut writing = self.writing_quickly("note the access key's use").await?;
        access_keys::touch(&mut writing.transaction, id, now).await?;
        writing.commit().await
    }
}
