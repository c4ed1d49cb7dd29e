//! A metastore that fails by plan, for tests of what uses one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use model::{
    AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, BlobDigest, BuildFailure, BuildId, CacheId,
    CloudNotes, DiffId, Event, ExitStatus, Group, GroupId, ImageCache, ImageSnapshotId, Instance, InstanceId,
    PackedSummary, Percent, Savings, SealedSecret, SnapshotCopies, Subject, Timestamp,
};

use crate::{
    Admission, Admitted, AnswerKey, AnswerRequest, AnswerTurn, AnswerVerbs, Beat, Build, BuildVerbs,
    CacheChange, CacheEdit, CacheFilter, CacheListing, CacheOutline, CacheRef, CacheVerbs, Change,
    ChangeNumber, CredentialOwner, Error, ErrorKind, EventVerbs, GroupChange, GroupFilter, GroupStep,
    GroupVerbs, InstanceFilter, InstanceRef, InstanceRemoval, InstanceVerbs, KeyVerbs, LayerRecord,
    Metastore, NewBuild, Page, ProcessIdentity, ResolvedCache, Result, SealedCredential, SnapshotRecord,
    SnapshotVerbs, TokenId, TokenRecord, TokenUse, Turns, Usage,
};

/// Which call fails, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultPlan {
    /// The number of the call, counted from 0 over all verbs.
    pub call: u64,
    /// Whether the verb was done all the same and only its answer got lost.
    pub is_done: bool,
    /// What kind of failure it is.
    pub kind: ErrorKind,
}

/// A metastore that passes every call on but the planned one.
#[derive(Debug)]
pub struct FaultMetastore<M> {
    inner: M,
    plan: Mutex<Option<FaultPlan>>,
    calls: AtomicU64,
}

impl<M> FaultMetastore<M> {
    /// Fails by this plan; `None` never fails.
    pub fn new(inner: M, plan: Option<FaultPlan>) -> Self {
        Self { inner, plan: Mutex::new(plan), calls: AtomicU64::new(0) }
    }

    /// Fails the call that comes after so many others from now on.
    pub fn fail_after(&self, others: u64, kind: ErrorKind) {
        let call = self.calls() + others;
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(FaultPlan { call, is_done: false, kind });
    }

    /// The metastore behind, which does not fail.
    pub fn inner(&self) -> &M {
        &self.inner
    }

    /// How many calls there have been.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// The plan, where it is this call's turn.
    fn due(&self) -> Option<FaultPlan> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let plan = *self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.filter(|plan| plan.call == call)
    }
}

macro_rules! delegate {
    ($($verbs:ident { $($verb:ident($($name:ident: $type:ty),*) -> $answer:ty;)+ })+) => {
        $(#[async_trait]
        impl<M: Metastore> $verbs for FaultMetastore<M> {
            $(async fn $verb(&self, $($name: $type),*) -> Result<$answer> {
                let Some(plan) = self.due() else { return self.inner.$verb($($name),*).await };
                if plan.is_done {
                    self.inner.$verb($($name),*).await?;
                }
                Err(Error::Injected { action: stringify!($verb), kind: plan.kind })
            })+
        })+
    };
}

delegate! {
    CacheVerbs {
        create_cache(cache: &ImageCache, build: &NewBuild, admission: &Admission, events: &[Event]) -> Admitted;
        cache(id: CacheId) -> ImageCache;
        resolve_cache(account: &AccountId, wanted: &CacheRef) -> ResolvedCache;
        find_caches(filter: &CacheFilter, page: Page<CacheId>) -> Vec<ImageCache>;
        list_caches(filter: &CacheFilter, page: Page<CacheId>) -> CacheListing;
        outline_caches(page: Page<CacheId>) -> Vec<CacheOutline>;
        outline_caches_and_snapshots(page: Page<CacheId>) -> Vec<(CacheOutline, Option<PackedSummary>)>;
        count_caches(filter: &CacheFilter) -> u64;
        usage(account: &AccountId) -> Usage;
        update_cache(
            id: CacheId, edit: &CacheEdit, build: Option<&NewBuild>, token: Option<&TokenUse>, events: &[Event],
            now: Timestamp
        ) -> Admitted;
        touch_cache_used(id: CacheId, saved: Savings, now: Timestamp) -> ();
        note_cache_checked(id: CacheId, events: &[Event], now: Timestamp) -> ();
        note_copies(id: CacheId, snapshot: ImageSnapshotId, copies: SnapshotCopies, events: &[Event]) -> bool;
        lose_snapshot(
            id: CacheId, snapshot: ImageSnapshotId, failure: &BuildFailure, events: &[Event], now: Timestamp
        ) -> bool;
        roll_back_cache(
            id: CacheId, to: ImageSnapshotId, kept_until: Timestamp, events: &[Event], now: Timestamp
        ) -> ImageCache;
        drop_generations(id: CacheId, snapshots: &[ImageSnapshotId], events: &[Event]) -> CacheChange;
        ask_deletion(id: CacheId, events: &[Event], now: Timestamp) -> ImageCache;
        delete_cache(id: CacheId, events: &[Event]) -> CacheChange;
        forget_client_tokens(now: Timestamp) -> u64;
    }
    BuildVerbs {
        begin_build(build: &NewBuild, events: &[Event]) -> ImageCache;
        take_queued_build(owner: &ProcessIdentity, turns: Turns, now: Timestamp) -> Option<Build>;
        beat_build(id: BuildId, owner: &ProcessIdentity, progress: Percent, now: Timestamp) -> Beat;
        cancel_build(id: BuildId, failure: &BuildFailure, events: &[Event], now: Timestamp) -> ();
        finish_build(
            id: BuildId, owner: &ProcessIdentity, snapshot: &SnapshotRecord, copies: SnapshotCopies,
            keep: Option<Timestamp>, events: &[Event], now: Timestamp
        ) -> CacheChange;
        fail_build(
            id: BuildId, owner: &ProcessIdentity, failure: &BuildFailure, events: &[Event], now: Timestamp
        ) -> ImageCache;
        build(id: BuildId) -> Build;
        build_of_cache(cache: CacheId) -> Option<Build>;
        unfinished_builds(caches: &[CacheId]) -> Vec<Build>;
        running_builds(page: Page<BuildId>) -> Vec<Build>;
        count_running_builds() -> u64;
        claim_build(
            id: BuildId, from: &ProcessIdentity, to: &ProcessIdentity, events: &[Event], now: Timestamp
        ) -> Option<Build>;
    }
    SnapshotVerbs {
        retained_snapshots() -> Vec<ImageSnapshotId>;
        held_snapshots() -> BTreeSet<ImageSnapshotId>;
        snapshot(id: ImageSnapshotId) -> Option<SnapshotRecord>;
        find_snapshots(page: Page<ImageSnapshotId>) -> Vec<SnapshotRecord>;
        find_unserved_snapshots(page: Page<ImageSnapshotId>) -> Vec<SnapshotRecord>;
        record_layer(layer: &LayerRecord) -> ();
        layer_by_blob(blob: &BlobDigest) -> Option<LayerRecord>;
        layers_by_diff_id(diff_id: &DiffId) -> Vec<LayerRecord>;
    }
    InstanceVerbs {
        create_instance(instance: &Instance, events: &[Event]) -> ();
        create_instance_with_snapshot(instance: &Instance, snapshot: &SnapshotRecord, events: &[Event]) -> ();
        instance_started(id: InstanceId, pid: u32, events: &[Event], now: Timestamp) -> Instance;
        instance_exited(id: InstanceId, status: ExitStatus, events: &[Event], now: Timestamp) -> Instance;
        remove_instance(id: InstanceId, events: &[Event]) -> InstanceRemoval;
        instance(account: &AccountId, wanted: &InstanceRef) -> Instance;
        find_instances(filter: &InstanceFilter, page: Page<InstanceId>) -> Vec<Instance>;
        count_instances(filter: &InstanceFilter) -> u64;
    }
    EventVerbs {
        append_events(events: &[Event]) -> ();
        events(subject: Subject) -> Vec<Event>;
        events_of_caches(account: &AccountId, caches: &[CacheId]) -> BTreeMap<CacheId, Vec<Event>>;
        account_of(subject: Subject) -> Option<AccountId>;
        forget_events(before: Timestamp) -> u64;
        changes(after: ChangeNumber, limit: u32) -> Option<Vec<Change>>;
        newest_change() -> ChangeNumber;
        forget_changes(keep: u64) -> ();
    }
    AnswerVerbs {
        begin_answer(request: &AnswerRequest, lost: Option<u32>, now: Timestamp) -> AnswerTurn;
        beat_answer(key: &AnswerKey, turn: u32, now: Timestamp) -> bool;
        put_answer(key: &AnswerKey, turn: u32, answer: &[u8]) -> bool;
        give_up_answer(key: &AnswerKey, turn: u32) -> ();
        forget_answers(now: Timestamp) -> u64;
    }
    GroupVerbs {
        create_group(group: &Group, secrets: &[SealedSecret], events: &[Event]) -> ();
        group(account: &AccountId, id: GroupId) -> Group;
        find_groups(filter: &GroupFilter, page: Page<GroupId>) -> Vec<Group>;
        step_group(step: &GroupStep, events: &[Event], now: Timestamp) -> Option<GroupChange>;
        ask_group_deletion(id: GroupId, force: bool, events: &[Event], now: Timestamp) -> Group;
        swap_group_notes(id: GroupId, from: &CloudNotes, to: &CloudNotes) -> Option<Group>;
        remove_group(id: GroupId, events: &[Event]) -> GroupChange;
        group_secrets(id: GroupId) -> Vec<SealedSecret>;
        reseal_group(id: GroupId, from: &[SealedSecret], to: &[SealedSecret]) -> bool;
    }
    KeyVerbs {
        credentials(owner: CredentialOwner) -> Vec<SealedCredential>;
        reseal_credentials(owner: CredentialOwner, from: &[SealedCredential], to: &[SealedCredential]) -> bool;
        credential_owners(after: Option<CredentialOwner>, limit: u32) -> Vec<CredentialOwner>;
        create_token(token: &TokenRecord) -> ();
        token(digest: &[u8; 32]) -> Option<TokenRecord>;
        tokens(account: Option<&AccountId>) -> Vec<TokenRecord>;
        revoke_token(id: &TokenId, now: Timestamp) -> Option<TokenRecord>;
        touch_token(id: &TokenId, now: Timestamp) -> ();
        create_account(account: &Account) -> ();
        account(id: &AccountId) -> Option<Account>;
        accounts() -> Vec<Account>;
        create_access_key(key: &AccessKey) -> ();
        access_key(id: &AccessKeyId) -> Option<AccessKey>;
        access_keys(account: Option<&AccountId>, after: Option<&AccessKeyId>, limit: u32) -> Vec<AccessKey>;
        set_access_key_status(id: &AccessKeyId, status: AccessKeyStatus) -> Option<AccessKey>;
        delete_access_key(id: &AccessKeyId) -> Option<AccessKey>;
        reseal_access_key(id: &AccessKeyId, from: &SealedSecret, to: &SealedSecret) -> bool;
        touch_access_key(id: &AccessKeyId, now: Timestamp) -> ();
    }
}
