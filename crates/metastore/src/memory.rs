//! Records in memory, for tests of what uses a metastore.

mod access_keys;
mod builds;
mod caches;
mod changes;
mod credentials;
mod events;
mod find;
mod instances;
mod tokens;
mod verbs;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{
    AccessKey, AccessKeyId, Account, AccountId, BlobDigest, BuildId, CacheId, Event, Group, GroupId,
    ImageCache, ImageSnapshotId, Instance, InstanceId, RegistryHost, SealedSecret, StoreId, Subject,
    Timestamp,
};

use self::changes::Touch;
use crate::rules::{RememberedAnswer, RememberedRequest};
use crate::{
    AnswerKey, Build, Change, ChangeNumber, ClientToken, CredentialOwner, LayerRecord, Operation, Result,
    SnapshotRecord, TokenId, TokenRecord,
};

/// Records in memory. They go with the value.
#[derive(Debug, Default)]
pub struct MemoryMetastore(Mutex<Records>);

/// All records. A verb works on a copy, which replaces them when it ends well: tests have few.
#[derive(Clone, Debug, Default)]
struct Records {
    caches: BTreeMap<CacheId, ImageCache>,
    builds: BTreeMap<BuildId, Build>,
    snapshots: BTreeMap<ImageSnapshotId, SnapshotRecord>,
    layers: BTreeMap<BlobDigest, LayerRecord>,
    store: Option<StoreId>,
    instances: BTreeMap<InstanceId, Instance>,
    groups: BTreeMap<GroupId, Group>,
    group_secrets: BTreeMap<GroupId, Vec<SealedSecret>>,
    /// Of each subject in the order in which they first happened.
    events: BTreeMap<Subject, Vec<Event>>,
    /// Whose the subjects were that are gone and have events still.
    departed: BTreeMap<Subject, AccountId>,
    requests: BTreeMap<(AccountId, Operation, ClientToken), RememberedRequest>,
    answers: BTreeMap<AnswerKey, RememberedAnswer>,
    credentials: BTreeMap<CredentialOwner, BTreeMap<RegistryHost, Vec<u8>>>,
    tokens: BTreeMap<TokenId, TokenRecord>,
    /// Beside `local`, which is always there.
    accounts: BTreeMap<AccountId, Account>,
    access_keys: BTreeMap<AccessKeyId, AccessKey>,
    changes: BTreeMap<ChangeNumber, Change>,
    newest_change: ChangeNumber,
    forgotten_changes: ChangeNumber,
    /// What the verb has written so far.
    touched: BTreeMap<Subject, Touch>,
}

impl MemoryMetastore {
    fn records(&self) -> MutexGuard<'_, Records> {
        // A panicking verb leaves the records as they were: it worked on a copy.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T>(
        &self,
        events: &[Event],
        now: Option<Timestamp>,
        verb: impl FnOnce(&mut Records) -> Result<T>,
    ) -> Result<T> {
        self.write_if(events, now, |records| verb(records).map(|answer| (answer, true)))
    }

    /// As [`write`](Self::write), for verbs that say whether anything changed: only then is anything written.
    fn write_if<T>(
        &self,
        events: &[Event],
        now: Option<Timestamp>,
        verb: impl FnOnce(&mut Records) -> Result<(T, bool)>,
    ) -> Result<T> {
        let mut records = self.records();
        let mut copy = records.clone();
        let (answer, is_news) = verb(&mut copy)?;
        if is_news {
            copy.append(events);
            copy.note_changes(events, now);
            *records = copy;
        }
        Ok(answer)
    }
}
