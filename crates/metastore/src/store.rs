//! The contract of every metastore: domain verbs, one transaction each.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::{
    AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, BlobDigest, BuildFailure, BuildId, CacheId,
    CloudNotes, DiffId, Event, ExitStatus, ImageCache, ImageSnapshotId, Instance, InstanceId, Percent,
    Savings, SealedSecret, SnapshotCopies, Subject, Timestamp,
};

use crate::{
    Admission, Admitted, Beat, Build, CacheChange, CacheEdit, CacheFilter, CacheOutline, CacheRef, Change,
    ChangeNumber, CredentialOwner, GroupStore, InstanceFilter, InstanceRef, InstanceRemoval, LayerRecord,
    NewBuild, OutlineAndSummary, Page, ProcessIdentity, ResolvedCache, Result, SealedCredential,
    SnapshotRecord, TokenId, TokenRecord, TokenUse, Turns, Usage,
};

/// The records of one data directory or of any number of servers.
///
/// Each verb is one transaction: after an error nothing of it happened. Each may fail with kind `Busy`, `NoSpace`
/// or `Io` beside what it names. Times are the caller's. Verbs that carry events write them in the same transaction, and each
/// record that a verb writes, or writes an event about, leaves a [`Change`].
///
/// Durable when they return: the verbs that create or change caches and builds, and those that may release a snapshot. The
/// others (starts and ends of instances, uses, signs of life, layers, lone events) are atomic and seen by everyone at once, but
/// a power loss may undo the last of them: no instance survives it either, and what was learned is learned again.
///
/// Verbs by id do not ask whose the record is: whoever acts for an account looks first. Those by name take the account.
#[async_trait]
pub trait Metastore: GroupStore + Send + Sync {
    /// Records a cache and asks for its first build, in one: no crash leaves a cache that nobody builds.
    ///
    /// The cache is `Preparing` while its build waits for an owner, and `Creating` as soon as it has one. A client token that
    /// was used before for the same gives that cache back, and nothing is recorded.
    ///
    /// # Errors
    /// [`TokenMismatch`](crate::Error::TokenMismatch); [`QuotaReached`](crate::Error::QuotaReached), naming the cache that
    /// may be deleted for it; [`Conflict`](crate::Error::Conflict) where an id is taken, or the cache is not new.
    async fn create_cache(
        &self,
        cache: &ImageCache,
        build: &NewBuild,
        admission: &Admission,
        events: &[Event],
    ) -> Result<Admitted>;

    /// The cache of this id.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache).
    async fn cache(&self, id: CacheId) -> Result<ImageCache>;

    /// The account's cache that the user means; the rule is at [`ResolvedCache`]. An id of another account is as if unknown.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache), [`NoCacheOfName`](crate::Error::NoCacheOfName).
    async fn resolve_cache(&self, account: &AccountId, wanted: &CacheRef) -> Result<ResolvedCache>;

    /// One page of the caches that the filter lets through, in order of creation.
    ///
    /// # Errors
    /// Only the common ones.
    async fn find_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<Vec<ImageCache>>;

    /// One page of all caches, each with what an index in memory keeps of it. Errors: only the common ones.
    async fn outline_caches(&self, page: Page<CacheId>) -> Result<Vec<CacheOutline>>;

    /// One page of all caches, each with what is indexed of the snapshot that it serves. Errors: only the common ones.
    async fn outline_caches_and_snapshots(&self, page: Page<CacheId>) -> Result<Vec<OutlineAndSummary>>;

    /// How many caches the filter lets through.
    ///
    /// # Errors
    /// Only the common ones.
    async fn count_caches(&self, filter: &CacheFilter) -> Result<u64>;

    /// How many caches count against an account's quotas.
    ///
    /// # Errors
    /// Only the common ones.
    async fn usage(&self, account: &AccountId) -> Result<Usage>;

    /// Changes what is said of a cache at once, and asks for a further build where one is given (it steps to `Updating` then).
    /// A client token that was used before for the same gives the cache back, and nothing is changed.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache); [`TokenMismatch`](crate::Error::TokenMismatch);
    /// [`CacheDeleting`](crate::Error::CacheDeleting); with a build those of [`begin_build`](Self::begin_build).
    async fn update_cache(
        &self,
        id: CacheId,
        edit: &CacheEdit,
        build: Option<&NewBuild>,
        token: Option<&TokenUse>,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Admitted>;

    /// Notes that an instance started from the cache and what that spared; the time never moves back.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache).
    async fn touch_cache_used(&self, id: CacheId, saved: Savings, now: Timestamp) -> Result<()>;

    /// Notes that the tags of a cache were compared with the registry.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache).
    async fn note_cache_checked(&self, id: CacheId, events: &[Event], now: Timestamp) -> Result<()>;

    /// Notes where the copies of a snapshot are; `false` where the cache no longer serves that snapshot, or is gone.
    ///
    /// # Errors
    /// Only the common ones.
    async fn note_copies(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        copies: SnapshotCopies,
        events: &[Event],
    ) -> Result<bool>;

    /// Makes a cache `Failed` whose snapshot is gone from the store; its generations stay. `false` where it serves another one by
    /// now, or is gone.
    ///
    /// # Errors
    /// [`CacheBuilding`](crate::Error::CacheBuilding): the build brings another.
    async fn lose_snapshot(
        &self,
        id: CacheId,
        snapshot: ImageSnapshotId,
        failure: &BuildFailure,
        events: &[Event],
        now: Timestamp,
    ) -> Result<bool>;

    /// Makes a cache serve an earlier snapshot again; the present one becomes a generation, kept until then. The cache is `Ready`
    /// afterwards, also after an update that failed or a snapshot that was lost. Where the copies of the earlier one are is not
    /// known: note them.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache); [`NoGeneration`](crate::Error::NoGeneration);
    /// [`CacheBuilding`](crate::Error::CacheBuilding); [`CacheDeleting`](crate::Error::CacheDeleting).
    async fn roll_back_cache(
        &self,
        id: CacheId,
        to: ImageSnapshotId,
        kept_until: Timestamp,
        events: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache>;

    /// Lets generations of a cache go; those that it does not have are passed over.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache).
    async fn drop_generations(
        &self,
        id: CacheId,
        snapshots: &[ImageSnapshotId],
        events: &[Event],
    ) -> Result<CacheChange>;

    /// Asks for a cache's deletion as soon as nothing uses it. It serves no new start from now on, its waiting build is
    /// failed and its running one asked to end. Asking again changes nothing.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache).
    async fn ask_deletion(&self, id: CacheId, events: &[Event], now: Timestamp) -> Result<ImageCache>;

    /// Deletes a cache with its builds, generations and credentials. Its events stay until
    /// [`forget_events`](Self::forget_events). A build that still waits for an owner is no hindrance.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache); [`CacheInUse`](crate::Error::CacheInUse), naming the instances that hold its
    /// snapshot or one of its generations; [`CacheBuilding`](crate::Error::CacheBuilding).
    async fn delete_cache(&self, id: CacheId, events: &[Event]) -> Result<CacheChange>;

    /// Asks for a further build, or begins it where it has an owner: the cache steps to `Updating` (or, never built, to
    /// `Creating` with its owner), and its former failure is cleared. The records of its builds that have ended go: of each cache
    /// the last one that ended is kept, and that until the next.
    ///
    /// # Errors
    /// [`NoCache`](crate::Error::NoCache); [`CacheBuilding`](crate::Error::CacheBuilding) where one waits or runs;
    /// [`CacheDeleting`](crate::Error::CacheDeleting);
    /// [`Transition`](crate::Error::Transition) where the cache's state does not allow it.
    async fn begin_build(&self, build: &NewBuild, events: &[Event]) -> Result<ImageCache>;

    /// Takes the build whose turn it is: of the accounts with builds waiting and fewer running than `turns` allows, that with
    /// the fewest running (of equals, the one that has waited longest), and its oldest. The cache steps to `Creating` where it
    /// was `Preparing`. `None` where nobody's turn it is. Any number of processes may ask at once; each build goes to one.
    ///
    /// # Errors
    /// Only the common ones.
    async fn take_queued_build(
        &self,
        owner: &ProcessIdentity,
        turns: Turns,
        now: Timestamp,
    ) -> Result<Option<Build>>;

    /// Notes that a build's owner works on it and how far it is. It leaves a change only where the progress is another.
    ///
    /// # Errors
    /// Only the common ones.
    async fn beat_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        progress: Percent,
        now: Timestamp,
    ) -> Result<Beat>;

    /// Asks a running build to end; its owner is told with its next [`beat_build`](Self::beat_build). One that waits is
    /// failed at once. One that has ended, or is unknown, is left.
    ///
    /// # Errors
    /// Only the common ones.
    async fn cancel_build(
        &self,
        id: BuildId,
        failure: &BuildFailure,
        events: &[Event],
        now: Timestamp,
    ) -> Result<()>;

    /// Ends a build well: the snapshot is indexed and becomes the cache's, its plan becomes the cache's as well, and the cache
    /// steps to `Ready`. The snapshot before it becomes a generation until `keep`, or is let go where that is `None`. Call it
    /// after the store has committed the snapshot's document. `owner` must be the build's: who lost it to a claim may not.
    ///
    /// # Errors
    /// [`NoBuild`](crate::Error::NoBuild); [`BuildEnded`](crate::Error::BuildEnded);
    /// [`BuildLost`](crate::Error::BuildLost); [`Conflict`](crate::Error::Conflict) where the snapshot is not the build's.
    #[allow(clippy::too_many_arguments, reason = "one transaction says all of it")]
    async fn finish_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        snapshot: &SnapshotRecord,
        copies: SnapshotCopies,
        keep: Option<Timestamp>,
        events: &[Event],
        now: Timestamp,
    ) -> Result<CacheChange>;

    /// Ends a build badly (cancelled too): the cache steps to `Failed` or `UpdateFailed` and keeps the reason.
    ///
    /// # Errors
    /// [`NoBuild`](crate::Error::NoBuild); [`BuildEnded`](crate::Error::BuildEnded); [`BuildLost`](crate::Error::BuildLost).
    async fn fail_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        failure: &BuildFailure,
        events: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache>;

    /// The build of this id. One that has ended is there until [a further one](Self::begin_build) of its cache is asked for.
    ///
    /// # Errors
    /// [`NoBuild`](crate::Error::NoBuild).
    async fn build(&self, id: BuildId) -> Result<Build>;

    /// The build of a cache that waits or runs; `None` where none does.
    ///
    /// # Errors
    /// Only the common ones.
    async fn build_of_cache(&self, cache: CacheId) -> Result<Option<Build>>;

    /// One page of the builds in state `Running`, whether their owners live or not.
    ///
    /// # Errors
    /// Only the common ones.
    async fn running_builds(&self, page: Page<BuildId>) -> Result<Vec<Build>>;

    /// Takes a running build over from an owner that died; `None` where it ended, is gone with its cache, or somebody else
    /// took it first. See [`claim_interrupted_builds`](crate::claim_interrupted_builds) for all of them.
    ///
    /// # Errors
    /// Only the common ones.
    async fn claim_build(
        &self,
        id: BuildId,
        from: &ProcessIdentity,
        to: &ProcessIdentity,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Option<Build>>;

    /// Every snapshot that a cache, a generation or an instance names or that a waiting or running build will commit, in
    /// order. Documents in the store that were listed *before* this call and are not in the answer belong to nobody and may be
    /// deleted.
    ///
    /// # Errors
    /// Only the common ones.
    async fn retained_snapshots(&self) -> Result<Vec<ImageSnapshotId>>;

    /// The snapshots that instances hold.
    ///
    /// # Errors
    /// Only the common ones.
    async fn held_snapshots(&self) -> Result<BTreeSet<ImageSnapshotId>>;

    /// What is indexed of a snapshot; `None` where nothing is.
    ///
    /// # Errors
    /// Only the common ones.
    async fn snapshot(&self, id: ImageSnapshotId) -> Result<Option<SnapshotRecord>>;

    /// One page of the indexed snapshots.
    ///
    /// # Errors
    /// Only the common ones.
    async fn find_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>>;

    /// One page of the indexed snapshots that no cache serves: earlier ones, and those of instances alone.
    ///
    /// # Errors
    /// Only the common ones.
    async fn find_unserved_snapshots(&self, page: Page<ImageSnapshotId>) -> Result<Vec<SnapshotRecord>>;

    /// Records what a served layer is. Recording the same again is no error.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) where the served digest is recorded with another diff id: one of them lies.
    async fn record_layer(&self, layer: &LayerRecord) -> Result<()>;

    /// The layer that a registry serves under this digest, where it was fetched before.
    ///
    /// # Errors
    /// Only the common ones.
    async fn layer_by_blob(&self, blob: &BlobDigest) -> Result<Option<LayerRecord>>;

    /// Every recorded way in which a layer is served (at most 100).
    ///
    /// # Errors
    /// Only the common ones.
    async fn layers_by_diff_id(&self, diff_id: &DiffId) -> Result<Vec<LayerRecord>>;

    /// Records an instance, `Creating`. It holds its snapshot from now on.
    ///
    /// # Errors
    /// [`NameTaken`](crate::Error::NameTaken) by another of the same account; [`NoSnapshot`](crate::Error::NoSnapshot) where
    /// no cache, generation or instance names its snapshot (any more); [`Conflict`](crate::Error::Conflict) where the id is
    /// taken or it is in another state.
    async fn create_instance(&self, instance: &Instance, events: &[Event]) -> Result<()>;

    /// Records an instance, `Creating`, together with a snapshot that was made for it alone. The snapshot is indexed from now
    /// on and is let go with the instance. Its document may follow: until it is in the store, the caller's lease keeps the blobs.
    ///
    /// # Errors
    /// Those of [`create_instance`](Self::create_instance), [`NoSnapshot`](crate::Error::NoSnapshot) excepted;
    /// [`Conflict`](crate::Error::Conflict) where the snapshot is indexed already, or is not the instance's.
    async fn create_instance_with_snapshot(
        &self,
        instance: &Instance,
        snapshot: &SnapshotRecord,
        events: &[Event],
    ) -> Result<()>;

    /// Notes that the instance's first process runs; also of one that was taken for ended and whose end nobody saw.
    ///
    /// # Errors
    /// [`NoInstance`](crate::Error::NoInstance); [`InstanceState`](crate::Error::InstanceState) unless it is `Creating`
    /// or `Exited` in an unknown way.
    async fn instance_started(
        &self,
        id: InstanceId,
        pid: u32,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Instance>;

    /// Notes how the instance ended. Where that is known already, the first observer's word stays, no event is written,
    /// and the record is returned as it is; only `Unknown` gives way to a known status.
    ///
    /// # Errors
    /// [`NoInstance`](crate::Error::NoInstance).
    async fn instance_exited(
        &self,
        id: InstanceId,
        status: ExitStatus,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Instance>;

    /// Notes something else in a cloud's words of an instance, in place of what is known.
    ///
    /// # Errors
    /// [`NoInstance`](crate::Error::NoInstance).
    async fn set_instance_notes(&self, id: InstanceId, notes: &CloudNotes) -> Result<Instance>;

    /// Removes an instance that has ended. Its events stay until [`forget_events`](Self::forget_events).
    ///
    /// # Errors
    /// [`NoInstance`](crate::Error::NoInstance); [`InstanceState`](crate::Error::InstanceState) unless it is `Exited`.
    async fn remove_instance(&self, id: InstanceId, events: &[Event]) -> Result<InstanceRemoval>;

    /// The account's instance that the user means. An id of another account is as if unknown.
    ///
    /// # Errors
    /// [`NoInstance`](crate::Error::NoInstance), [`NoInstanceOfName`](crate::Error::NoInstanceOfName).
    async fn instance(&self, account: &AccountId, wanted: &InstanceRef) -> Result<Instance>;

    /// One page of the instances that the filter lets through, in order of creation.
    ///
    /// # Errors
    /// Only the common ones.
    async fn find_instances(&self, filter: &InstanceFilter, page: Page<InstanceId>) -> Result<Vec<Instance>>;

    /// Writes events. An event equal to one of the same subject (kind, reason, message) is counted there; over
    /// [`EVENTS_PER_SUBJECT`](crate::EVENTS_PER_SUBJECT) the subject's oldest go, those of single layers
    /// ([`EventReason::is_of_a_layer`](model::EventReason::is_of_a_layer)) before all others.
    ///
    /// # Errors
    /// Only the common ones.
    async fn append_events(&self, events: &[Event]) -> Result<()>;

    /// The events of a subject, by when they last happened.
    ///
    /// # Errors
    /// Only the common ones.
    async fn events(&self, subject: Subject) -> Result<Vec<Event>>;

    /// Whose a subject is or was, as long as anything is recorded of it; `None` afterwards.
    ///
    /// # Errors
    /// Only the common ones.
    async fn account_of(&self, subject: Subject) -> Result<Option<AccountId>>;

    /// Drops the events of deleted caches and removed instances that last happened before that instant; returns how many.
    ///
    /// # Errors
    /// Only the common ones.
    async fn forget_events(&self, before: Timestamp) -> Result<u64>;

    /// Up to `limit` changes (at most [`PAGE_LIMIT`](crate::PAGE_LIMIT)) behind that number, in order. Where some of them were
    /// dropped already ([`forget_changes`](Self::forget_changes)), or the number was never given, so that it is of other records
    /// than these, `None`: read all records anew.
    ///
    /// # Errors
    /// Only the common ones.
    async fn changes(&self, after: ChangeNumber, limit: u32) -> Result<Option<Vec<Change>>>;

    /// The number of the newest change; 0 before the first. Taken *before* records are read, it is where to go on from.
    ///
    /// # Errors
    /// Only the common ones.
    async fn newest_change(&self) -> Result<ChangeNumber>;

    /// Drops all but the newest `keep` changes.
    ///
    /// # Errors
    /// Only the common ones.
    async fn forget_changes(&self, keep: u64) -> Result<()>;

    /// Drops client tokens whose time is over; returns how many.
    ///
    /// # Errors
    /// Only the common ones.
    async fn forget_client_tokens(&self, now: Timestamp) -> Result<u64>;

    /// The sealed credentials of an owner, by registry.
    ///
    /// # Errors
    /// Only the common ones.
    async fn credentials(&self, owner: CredentialOwner) -> Result<Vec<SealedCredential>>;

    /// Puts freshly sealed credentials in the place of those that the owner has; `false`, and nothing is done, where they are
    /// no longer `from`.
    ///
    /// # Errors
    /// Only the common ones.
    async fn reseal_credentials(
        &self,
        owner: CredentialOwner,
        from: &[SealedCredential],
        to: &[SealedCredential],
    ) -> Result<bool>;

    /// Up to `limit` owners of credentials behind that one, in order.
    ///
    /// # Errors
    /// Only the common ones.
    async fn credential_owners(
        &self,
        after: Option<CredentialOwner>,
        limit: u32,
    ) -> Result<Vec<CredentialOwner>>;

    /// Records a bearer token.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) where its id is taken.
    async fn create_token(&self, token: &TokenRecord) -> Result<()>;

    /// The token of that digest, valid or not; `None` where there is none.
    ///
    /// # Errors
    /// Only the common ones.
    async fn token(&self, digest: &[u8; 32]) -> Result<Option<TokenRecord>>;

    /// Every token, or those of one account, in order of creation (at most 1000).
    ///
    /// # Errors
    /// Only the common ones.
    async fn tokens(&self, account: Option<&AccountId>) -> Result<Vec<TokenRecord>>;

    /// Revokes a token; `None` where there is none of that id. Revoking again changes nothing.
    ///
    /// # Errors
    /// Only the common ones.
    async fn revoke_token(&self, id: &TokenId, now: Timestamp) -> Result<Option<TokenRecord>>;

    /// Notes that a request came with a token, to the hour; the time never moves back. It takes its turn among the verbs that
    /// write: ask only where the hour is not noted yet.
    ///
    /// # Errors
    /// Only the common ones.
    async fn touch_token(&self, id: &TokenId, now: Timestamp) -> Result<()>;

    /// Records an account.
    ///
    /// # Errors
    /// [`AccountTaken`](crate::Error::AccountTaken). `local` is always there.
    async fn create_account(&self, account: &Account) -> Result<()>;

    /// The account of that id; `None` where there is none.
    ///
    /// # Errors
    /// Only the common ones.
    async fn account(&self, id: &AccountId) -> Result<Option<Account>>;

    /// Every account, in order of its id.
    ///
    /// # Errors
    /// Only the common ones.
    async fn accounts(&self) -> Result<Vec<Account>>;

    /// Records an access key.
    ///
    /// # Errors
    /// [`NoAccount`](crate::Error::NoAccount); [`Conflict`](crate::Error::Conflict) where its id is taken.
    async fn create_access_key(&self, key: &AccessKey) -> Result<()>;

    /// The access key of that id, enabled or not; `None` where there is none.
    ///
    /// # Errors
    /// Only the common ones.
    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>>;

    /// Up to `limit` access keys, of all or of one account, behind that id, in order of their ids.
    ///
    /// # Errors
    /// Only the common ones.
    async fn access_keys(
        &self,
        account: Option<&AccountId>,
        after: Option<&AccessKeyId>,
        limit: u32,
    ) -> Result<Vec<AccessKey>>;

    /// Lets an access key sign or not, and gives it as it is now; `None` where there is none of that id.
    ///
    /// # Errors
    /// Only the common ones.
    async fn set_access_key_status(
        &self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> Result<Option<AccessKey>>;

    /// Deletes an access key, and gives it as it was last; `None` where there is none of that id.
    ///
    /// # Errors
    /// Only the common ones.
    async fn delete_access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>>;

    /// Puts a freshly sealed secret in the place of that which the access key has; `false`, and nothing is done, where it is no
    /// longer `from`.
    ///
    /// # Errors
    /// Only the common ones.
    async fn reseal_access_key(
        &self,
        id: &AccessKeyId,
        from: &SealedSecret,
        to: &SealedSecret,
    ) -> Result<bool>;

    /// Notes that a request came that an access key had signed, to the hour, as [`touch_token`](Self::touch_token) does.
    ///
    /// # Errors
    /// Only the common ones.
    async fn touch_access_key(&self, id: &AccessKeyId, now: Timestamp) -> Result<()>;
}
