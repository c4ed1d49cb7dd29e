//! Each verb as one transaction.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::{
    AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, BlobDigest, BuildFailure, BuildId, CacheId,
    CloudNotes, DiffId, Event, ExitStatus, ImageCache, ImageSnapshotId, Instance, InstanceId, PackedSummary,
    Percent, Savings, SealedSecret, SnapshotCopies, Subject, Timestamp,
};
use sqlx::PgConnection;

use super::{
    PostgresMetastore, Verb, Writing, access_keys, builds, caches, changes, credentials, events, instances,
    layers, life, requests, snapshots, tokens,
};
use crate::{
    Admission, Admitted, Beat, Build, CacheChange, CacheEdit, CacheFilter, CacheOutline, CacheRef, Change,
    ChangeNumber, CredentialOwner, InstanceFilter, InstanceRef, InstanceRemoval, LayerRecord, Metastore,
    NewBuild, Page, ProcessIdentity, ResolvedCache, Result, SealedCredential, SnapshotRecord, TokenId,
    TokenRecord, TokenUse, Turns, Usage, rules,
};

#[async_trait]
impl Metastore for PostgresMetastore {
    async fn create_cache(
        &self,
        cache: &ImageCache,
        build: &NewBuild,
        admission: &Admission,
        news: &[Event],
    ) -> Result<Admitted> {
        let verb = Verb::durable("create the cache", news, Some(build.now));
        self.write_if(verb, async |writing: &mut Writing| {
            life::create(writing, cache, build, admission).await
        })
        .await
    }

    async fn cache(&self, id: CacheId) -> Result<ImageCache> {
        self.read("read the cache", async |connection: &mut PgConnection| caches::get(connection, id).await)
            .await
    }

    async fn resolve_cache(&self, account: &AccountId, wanted: &CacheRef) -> Result<ResolvedCache> {
        self.read("find the cache", async |connection: &mut PgConnection| {
            caches::resolve(connection, account, wanted).await
        })
        .await
    }

    async fn find_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<Vec<ImageCache>> {
        self.read("find caches", async |connection: &mut PgConnection| {
            caches::find(connection, filter, page).await
        })
        .await
    }

    async fn outline_caches(&self, page: Page<CacheId>) -> Result<Vec<CacheOutline>> {
        self.read("find caches", async |connection: &mut PgConnection| {
            caches::outline(connection, page).await
        })
        .await
    }

    async fn outline_caches_and_snapshots(
        &self,
        page: Page<CacheId>,
    ) -> Result<Vec<(CacheOutline, Option<PackedSummary>)>> {
        self.read("find caches", async |connection: &mut PgConnection| {
            caches::outline_serving(connection, page).await
        })
        .await
    }

    async fn count_caches(&self, filter: &CacheFilter) -> Result<u64> {
        self.read("count caches", async |connection: &mut PgConnection| {
            caches::count(connection, filter).await
        })
        .await
    }

    async fn usage(&self, account: &AccountId) -> Result<Usage> {
        self.read("count the account's caches", async |connection: &mut PgConnection| {
            caches::usage(connection, account).await
        })
        .await
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
        let verb = Verb::durable("update the cache", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| {
            life::update(writing, id, edit, build, token, now).await
        })
        .await
    }

    async fn touch_cache_used(&self, id: CacheId, saved: Savings, now: Timestamp) -> Result<()> {
        let verb = Verb::quick("note the cache's use", &[], Some(now));
        self.write(verb, async |writing: &mut Writing| {
            life::change(writing, id, |cache| rules::used(cache, saved, now)).await
        })
        .await
    }

    async fn note_cache_checked(&self, id: CacheId, news: &[Event], now: Timestamp) -> Result<()> {
        let verb = Verb::durable("note the look at the cache's tags", news, Some(now));
        self.write(verb, async |writing: &mut Writing| {
            life::change(writing, id, |cache| rules::was_checked(cache, now)).await
        })
        .await
    }

    async fn note_copies(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        copies: SnapshotCopies,
        news: &[Event],
    ) -> Result<bool> {
        let verb = Verb::durable("note the snapshot's copies", news, None);
        self.write_if(verb, async |writing: &mut Writing| {
            let noted = life::note_copies(writing, id, snapshot, copies).await?;
            Ok((noted, noted))
        })
        .await
    }

    async fn lose_snapshot(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        failure: &BuildFailure,
        news: &[Event],
        now: Timestamp,
    ) -> Result<bool> {
        let verb = Verb::durable("note the snapshot's loss", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| {
            let noted = life::lose_snapshot(writing, id, snapshot, failure, now).await?;
            Ok((noted, noted))
        })
        .await
    }

    async fn roll_back_cache(
        &self,
        id: CacheId,
        to: ImageSnapshotId,
        kept_until: Timestamp,
        news: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache> {
        let verb = Verb::durable("roll the cache back", news, Some(now));
        self.write(verb, async |writing: &mut Writing| {
            life::roll_back(writing, id, to, kept_until, now).await
        })
        .await
    }

    async fn drop_generations(
        &self,
        id: CacheId,
        snapshots: &[ImageSnapshotId],
        news: &[Event],
    ) -> Result<CacheChange> {
        let verb = Verb::durable("drop the cache's generations", news, None);
        self.write_if(verb, async |writing: &mut Writing| {
            life::drop_generations(writing, id, snapshots).await
        })
        .await
    }

    async fn ask_deletion(&self, id: CacheId, news: &[Event], now: Timestamp) -> Result<ImageCache> {
        let verb = Verb::durable("ask for the cache's deletion", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| life::ask_deletion(writing, id, now).await).await
    }

    async fn delete_cache(&self, id: CacheId, news: &[Event]) -> Result<CacheChange> {
        let verb = Verb::durable("delete the cache", news, None);
        self.write(verb, async |writing: &mut Writing| life::delete(writing, id).await).await
    }

    async fn begin_build(&self, build: &NewBuild, news: &[Event]) -> Result<ImageCache> {
        let verb = Verb::durable("begin the build", news, Some(build.now));
        self.write(verb, async |writing: &mut Writing| builds::begin(writing, build).await).await
    }

    async fn take_queued_build(
        &self,
        owner: &ProcessIdentity,
        turns: Turns,
        now: Timestamp,
    ) -> Result<Option<Build>> {
        let waits = self.read("find the waiting builds", async |connection: &mut PgConnection| {
            builds::any_waits(connection).await
        });
        if !waits.await? {
            return Ok(None);
        }
        let verb = Verb::durable("take the build", &[], Some(now));
        self.write(verb, async |writing: &mut Writing| builds::take(writing, owner, turns, now).await).await
    }

    async fn beat_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        progress: Percent,
        now: Timestamp,
    ) -> Result<Beat> {
        let verb = Verb::quick("note the build's progress", &[], Some(now));
        self.write(verb, async |writing: &mut Writing| builds::beat(writing, id, owner, progress, now).await)
            .await
    }

    async fn cancel_build(
        &self,
        id: BuildId,
        failure: &BuildFailure,
        news: &[Event],
        now: Timestamp,
    ) -> Result<()> {
        let verb = Verb::durable("cancel the build", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| {
            Ok(((), builds::cancel(writing, id, failure, now).await?))
        })
        .await
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
        let verb = Verb::durable("finish the build", news, Some(now));
        self.write(verb, async |writing: &mut Writing| {
            builds::finish(writing, id, owner, snapshot, (copies, keep), now).await
        })
        .await
    }

    async fn fail_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        failure: &BuildFailure,
        news: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache> {
        let verb = Verb::durable("fail the build", news, Some(now));
        self.write(verb, async |writing: &mut Writing| builds::fail(writing, id, owner, failure, now).await)
            .await
    }

    async fn build(&self, id: BuildId) -> Result<Build> {
        self.read("read the build", async |connection: &mut PgConnection| builds::get(connection, id).await)
            .await
    }

    async fn build_of_cache(&self, cache: CacheId) -> Result<Option<Build>> {
        self.read("find the cache's build", async |connection: &mut PgConnection| {
            builds::unfinished_of(connection, cache).await
        })
        .await
    }

    async fn running_builds(&self, page: Page<BuildId>) -> Result<Vec<Build>> {
        self.read("find the running builds", async |connection: &mut PgConnection| {
            builds::running(connection, page).await
        })
        .await
    }

    async fn claim_build(
        &self,
        id: BuildId,
        from: &ProcessIdentity,
        to: &ProcessIdentity,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Option<Build>> {
        let verb = Verb::durable("claim the build", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| builds::claim(writing, id, from, to, now).await)
            .await
    }

    async fn retained_snapshots(&self) -> Result<Vec<ImageSnapshotId>> {
        self.read("find the retained snapshots", async |connection: &mut PgConnection| {
            snapshots::retained(connection).await
        })
        .await
    }

    async fn held_snapshots(&self) -> Result<BTreeSet<ImageSnapshotId>> {
        self.read("find the held snapshots", async |connection: &mut PgConnection| {
            snapshots::held(connection).await
        })
        .await
    }

    async fn snapshot(&self, id: ImageSnapshotId) -> Result<Option<SnapshotRecord>> {
        self.read("read the image snapshot", async |connection: &mut PgConnection| {
            snapshots::get(connection, id).await
        })
        .await
    }

    async fn find_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>> {
        self.read("find image snapshots", async |connection: &mut PgConnection| {
            snapshots::find(connection, page).await
        })
        .await
    }

    async fn find_unserved_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>> {
        self.read("find image snapshots", async |connection: &mut PgConnection| {
            snapshots::find_unserved(connection, page).await
        })
        .await
    }

    async fn record_layer(&self, layer: &LayerRecord) -> Result<()> {
        let verb = Verb::quick("record the layer", &[], None);
        self.write(verb, async |writing: &mut Writing| layers::record(writing, layer).await).await
    }

    async fn layer_by_blob(&self, blob: &BlobDigest) -> Result<Option<LayerRecord>> {
        self.read("find the layer", async |connection: &mut PgConnection| {
            layers::by_blob(connection, blob).await
        })
        .await
    }

    async fn layers_by_diff_id(&self, diff_id: &DiffId) -> Result<Vec<LayerRecord>> {
        self.read("find the layer", async |connection: &mut PgConnection| {
            layers::by_diff_id(connection, diff_id).await
        })
        .await
    }

    async fn create_instance(&self, instance: &Instance, news: &[Event]) -> Result<()> {
        let verb = Verb::quick("create the instance", news, Some(instance.created));
        self.write(verb, async |writing: &mut Writing| instances::create(writing, instance).await).await
    }

    async fn create_instance_with_snapshot(
        &self,
        instance: &Instance,
        snapshot: &SnapshotRecord,
        news: &[Event],
    ) -> Result<()> {
        let verb = Verb::quick("create the instance", news, Some(instance.created));
        self.write(verb, async |writing: &mut Writing| {
            instances::create_with_snapshot(writing, instance, snapshot).await
        })
        .await
    }

    async fn instance_started(
        &self,
        id: InstanceId,
        pid: u32,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        let verb = Verb::quick("note the instance's start", news, Some(now));
        self.write(verb, async |writing: &mut Writing| instances::started(writing, id, pid, now).await).await
    }

    async fn instance_exited(
        &self,
        id: InstanceId,
        status: ExitStatus,
        news: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        let verb = Verb::quick("note the instance's end", news, Some(now));
        self.write_if(verb, async |writing: &mut Writing| instances::exited(writing, id, status, now).await)
            .await
    }

    async fn set_instance_notes(&self, id: InstanceId, notes: &CloudNotes) -> Result<Instance> {
        let verb = Verb::durable("note what is said of the instance", &[], None);
        self.write(verb, async |writing: &mut Writing| instances::set_notes(writing, id, notes).await).await
    }

    async fn remove_instance(&self, id: InstanceId, news: &[Event]) -> Result<InstanceRemoval> {
        let verb = Verb::durable("remove the instance", news, None);
        self.write(verb, async |writing: &mut Writing| instances::remove(writing, id).await).await
    }

    async fn instance(&self, account: &AccountId, wanted: &InstanceRef) -> Result<Instance> {
        self.read("find the instance", async |connection: &mut PgConnection| {
            instances::get(connection, account, wanted).await
        })
        .await
    }

    async fn find_instances(&self, filter: &InstanceFilter, page: Page<InstanceId>) -> Result<Vec<Instance>> {
        self.read("find instances", async |connection: &mut PgConnection| {
            instances::find(connection, filter, page).await
        })
        .await
    }

    async fn append_events(&self, news: &[Event]) -> Result<()> {
        let verb = Verb::quick("append events", news, None);
        self.write(verb, async |_: &mut Writing| Ok(())).await
    }

    async fn events(&self, subject: Subject) -> Result<Vec<Event>> {
        self.read("read the events", async |connection: &mut PgConnection| {
            events::of(connection, subject).await
        })
        .await
    }

    async fn account_of(&self, subject: Subject) -> Result<Option<AccountId>> {
        self.read("find whose the record is", async |connection: &mut PgConnection| {
            events::account_of(connection, subject).await
        })
        .await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64> {
        let verb = Verb::quick("forget old events", &[], None);
        self.write(verb, async |writing: &mut Writing| events::forget(writing, before).await).await
    }

    async fn changes(&self, after: ChangeNumber, limit: u32) -> Result<Option<Vec<Change>>> {
        self.read("read the changes", async |connection: &mut PgConnection| {
            changes::after(connection, after, limit).await
        })
        .await
    }

    async fn newest_change(&self) -> Result<ChangeNumber> {
        self.read("read the changes", async |connection: &mut PgConnection| changes::newest(connection).await)
            .await
    }

    async fn forget_changes(&self, keep: u64) -> Result<()> {
        let verb = Verb::quick("forget old changes", &[], None);
        self.write(verb, async |writing: &mut Writing| changes::forget(writing, keep).await).await
    }

    async fn forget_client_tokens(&self, now: Timestamp) -> Result<u64> {
        let verb = Verb::quick("forget old client tokens", &[], None);
        self.write(verb, async |writing: &mut Writing| requests::forget(writing, now).await).await
    }

    async fn credentials(&self, owner: CredentialOwner) -> Result<Vec<SealedCredential>> {
        self.read("read the credentials", async |connection: &mut PgConnection| {
            credentials::of(connection, owner).await
        })
        .await
    }

    async fn reseal_credentials(
        &self,
        owner: CredentialOwner,
        from: &[SealedCredential],
        to: &[SealedCredential],
    ) -> Result<bool> {
        let verb = Verb::durable("reseal the credentials", &[], None);
        self.write(verb, async |writing: &mut Writing| credentials::reseal(writing, owner, from, to).await)
            .await
    }

    async fn credential_owners(
        &self,
        after: Option<CredentialOwner>,
        limit: u32,
    ) -> Result<Vec<CredentialOwner>> {
        self.read("find the owners of credentials", async |connection: &mut PgConnection| {
            credentials::owners(connection, after, limit).await
        })
        .await
    }

    async fn create_token(&self, token: &TokenRecord) -> Result<()> {
        let verb = Verb::durable("record the token", &[], None);
        self.write(verb, async |writing: &mut Writing| tokens::create(writing, token).await).await
    }

    async fn token(&self, digest: &[u8; 32]) -> Result<Option<TokenRecord>> {
        self.read("find the token", async |connection: &mut PgConnection| {
            tokens::get(connection, digest).await
        })
        .await
    }

    async fn tokens(&self, account: Option<&AccountId>) -> Result<Vec<TokenRecord>> {
        self.read("list the tokens", async |connection: &mut PgConnection| {
            tokens::all(connection, account).await
        })
        .await
    }

    async fn revoke_token(&self, id: &TokenId, now: Timestamp) -> Result<Option<TokenRecord>> {
        let verb = Verb::durable("revoke the token", &[], None);
        self.write(verb, async |writing: &mut Writing| tokens::revoke(writing, id, now).await).await
    }

    async fn touch_token(&self, id: &TokenId, now: Timestamp) -> Result<()> {
        let verb = Verb::quick("note the token's use", &[], None);
        self.write(verb, async |writing: &mut Writing| tokens::touch(writing, id, now).await).await
    }

    async fn create_account(&self, account: &Account) -> Result<()> {
        let verb = Verb::durable("record the account", &[], None);
        self.write(verb, async |writing: &mut Writing| access_keys::create_account(writing, account).await)
            .await
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        self.read("find the account", async |connection: &mut PgConnection| {
            access_keys::account(connection, id).await
        })
        .await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        self.read("list the accounts", async |connection: &mut PgConnection| {
            access_keys::accounts(connection).await
        })
        .await
    }

    async fn create_access_key(&self, key: &AccessKey) -> Result<()> {
        let verb = Verb::durable("record the access key", &[], None);
        self.write(verb, async |writing: &mut Writing| access_keys::create(writing, key).await).await
    }

    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        self.read("find the access key", async |connection: &mut PgConnection| {
            access_keys::get(connection, id).await
        })
        .await
    }

    async fn access_keys(
        &self,
        account: Option<&AccountId>,
        after: Option<&AccessKeyId>,
        limit: u32,
    ) -> Result<Vec<AccessKey>> {
        self.read("list the access keys", async |connection: &mut PgConnection| {
            access_keys::list(connection, account, after, limit).await
        })
        .await
    }

    async fn set_access_key_status(
        &self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> Result<Option<AccessKey>> {
        let verb = Verb::durable("change the access key", &[], None);
        self.write(verb, async |writing: &mut Writing| access_keys::set_status(writing, id, status).await)
            .await
    }

    async fn delete_access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        let verb = Verb::durable("delete the access key", &[], None);
        self.write(verb, async |writing: &mut Writing| access_keys::delete(writing, id).await).await
    }

    async fn reseal_access_key(
        &self,
        id: &AccessKeyId,
        from: &SealedSecret,
        to: &SealedSecret,
    ) -> Result<bool> {
        let verb = Verb::durable("seal the access key's secret anew", &[], None);
        self.write(verb, async |writing: &mut Writing| access_keys::reseal(writing, id, from, to).await).await
    }

    async fn touch_access_key(&self, id: &AccessKeyId, now: Timestamp) -> Result<()> {
        let verb = Verb::quick("note the access key's use", &[], None);
        self.write(verb, async |writing: &mut Writing| access_keys::touch(writing, id, now).await).await
    }
}
