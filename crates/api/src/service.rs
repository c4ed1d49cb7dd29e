//! The port: the use-cases that the edge calls, and nothing else.
//!
//! Whoever joins the edge to the rest of the program implements [`Service`]. Each method takes the account that asks; what is
//! another account's is as if it were not there. Answers are the types of `model`, and where that has no word for a thing, the
//! document itself.

mod answers;
mod error;
mod groups;
mod keys;
mod request;

pub use answers::{Answers, Once, OnceTurn};
pub use error::{ServiceError, ServiceErrorKind};
pub use groups::{GroupService, GroupView, NewGroup};
pub use keys::{KnownKey, NewAccessKey};
pub use request::{
    Admitted, CacheDetails, CacheFilter, CachePage, CacheUpdate, CacheView, Changes, DeleteMode, Deletion,
    Feed, Figures, InstancePage, LogRequest, NewCache, NewInstance, NumberedChange, Page, PredictRequest,
    StartedInstance, TokenRecord,
};

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use model::{
    AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, CacheId, Event, ImageSnapshotId, Instance,
    InstanceId,
};
use wire::{
    Collection, Exec, ExecEvent, FindMatches, IdempotencyKey, LogLine, Prediction, Progress, Ranking, Usage,
};

/// A result of a use-case.
pub type ServiceResult<T> = Result<T, ServiceError>;

/// The use-cases.
#[async_trait]
pub trait Service: Answers + GroupService {
    /// Records a cache and asks for its build; returns at once.
    async fn request_cache(
        &self,
        account: &AccountId,
        new: NewCache,
        key: Option<&IdempotencyKey>,
    ) -> ServiceResult<Admitted>;

    /// One page of the account's caches.
    async fn describe_caches(
        &self,
        account: &AccountId,
        filter: &CacheFilter,
        page: Page<CacheId>,
    ) -> ServiceResult<CachePage>;

    /// The cache that a word (id or name) means, with what is known of it beyond its record.
    async fn cache_details(&self, account: &AccountId, word: &str) -> ServiceResult<CacheDetails>;

    /// What happened to a cache, also to one that is gone, by its id.
    async fn cache_events(&self, account: &AccountId, word: &str) -> ServiceResult<Vec<Event>>;

    /// What happened to those of these caches that are the account's, without what happened to single layers.
    async fn events_of_caches(
        &self,
        account: &AccountId,
        caches: &[CacheId],
    ) -> ServiceResult<BTreeMap<CacheId, Vec<Event>>>;

    /// How far a cache is.
    async fn cache_progress(&self, account: &AccountId, word: &str) -> ServiceResult<Progress>;

    /// Changes a cache.
    async fn update_cache(
        &self,
        account: &AccountId,
        word: &str,
        update: CacheUpdate,
        key: Option<&IdempotencyKey>,
    ) -> ServiceResult<Admitted>;

    /// Deletes a cache, at once or when nothing uses it any more.
    async fn delete_cache(
        &self,
        account: &AccountId,
        word: &str,
        mode: DeleteMode,
    ) -> ServiceResult<Deletion>;

    /// Cancels the build of a cache that waits or runs.
    async fn cancel_build(&self, account: &AccountId, word: &str) -> ServiceResult<()>;

    /// Makes a cache serve an earlier image snapshot again.
    async fn roll_back(
        &self,
        account: &AccountId,
        word: &str,
        to: Option<ImageSnapshotId>,
    ) -> ServiceResult<CacheView>;

    /// How much of its quotas the account uses.
    async fn usage(&self, account: &AccountId) -> ServiceResult<Usage>;

    /// How large a cache would be.
    async fn predict(&self, account: &AccountId, request: PredictRequest) -> ServiceResult<Prediction>;

    /// Which of the account's caches would serve some images.
    async fn match_images(&self, account: &AccountId, request: &FindMatches) -> ServiceResult<Ranking>;

    /// Notes that a match picked a cache for a start that is made elsewhere: it counts as a use of it.
    async fn note_match(&self, account: &AccountId, cache: CacheId) -> ServiceResult<()>;

    /// Starts an instance.
    async fn create_instance(&self, account: &AccountId, new: NewInstance) -> ServiceResult<StartedInstance>;

    /// One page of the account's instances; `unfinished`: only those that have not ended.
    async fn list_instances(
        &self,
        account: &AccountId,
        unfinished: bool,
        page: Page<InstanceId>,
    ) -> ServiceResult<InstancePage>;

    /// The instance that a word (id or name) means.
    async fn instance(&self, account: &AccountId, word: &str) -> ServiceResult<Instance>;

    /// Deletes an instance; `force`: stops it first.
    async fn delete_instance(&self, account: &AccountId, word: &str, force: bool) -> ServiceResult<Instance>;

    /// Asks an instance to end, and ends it after that long.
    async fn stop_instance(
        &self,
        account: &AccountId,
        word: &str,
        patience: Duration,
    ) -> ServiceResult<Instance>;

    /// What happened to an instance, also to one that is gone, by its id.
    async fn instance_events(&self, account: &AccountId, word: &str) -> ServiceResult<Vec<Event>>;

    /// The lines that an instance wrote. The feed ends where they end, or with the instance where they are followed; it is
    /// let go as soon as the reader is gone, and waits for a slow one.
    async fn instance_logs(
        &self,
        account: &AccountId,
        word: &str,
        request: LogRequest,
    ) -> ServiceResult<Feed<LogLine>>;

    /// Runs a command in an instance. The feed ends with how it ended; where it is let go before, the command is killed.
    async fn exec(&self, account: &AccountId, word: &str, exec: Exec) -> ServiceResult<Feed<ExecEvent>>;

    /// Gives back the space of what nothing names.
    async fn collect(&self, dry_run: bool) -> ServiceResult<Collection>;

    /// The number of the newest change of any account.
    async fn newest_change(&self) -> ServiceResult<u64>;

    /// Up to `limit` changes of the account behind that number. Changes of others may lie between: `seen` says how far was
    /// looked.
    async fn changes(&self, account: &AccountId, after: u64, limit: u32) -> ServiceResult<Changes>;

    /// Returns when there may be changes behind that number, of whatever account; also once in a while without any.
    async fn changed(&self, after: u64);

    /// Records a token.
    async fn create_token(&self, token: TokenRecord) -> ServiceResult<()>;

    /// The token of that digest, valid or not.
    async fn token(&self, digest: &[u8; 32]) -> ServiceResult<Option<TokenRecord>>;

    /// Every token, or those of one account, in order of creation.
    async fn tokens(&self, account: Option<&AccountId>) -> ServiceResult<Vec<TokenRecord>>;

    /// Revokes the token of that id.
    async fn revoke_token(&self, id: &str) -> ServiceResult<TokenRecord>;

    /// Notes that a request came with a token.
    async fn touch_token(&self, digest: &[u8; 32]) -> ServiceResult<()>;

    /// Every account, in order of its id.
    async fn accounts(&self) -> ServiceResult<Vec<Account>>;

    /// Records an account.
    async fn create_account(&self, id: &AccountId, label: &str) -> ServiceResult<Account>;

    /// Records an access key of an account that is there.
    async fn create_access_key(&self, new: NewAccessKey) -> ServiceResult<AccessKey>;

    /// Every access key, or those of one account, in order of creation.
    async fn access_keys(&self, account: Option<&AccountId>) -> ServiceResult<Vec<AccessKey>>;

    /// Lets an access key sign, or not.
    async fn set_access_key_status(
        &self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> ServiceResult<AccessKey>;

    /// Deletes an access key, and gives it as it was last.
    async fn delete_access_key(&self, id: &AccessKeyId) -> ServiceResult<AccessKey>;

    /// The access key of that id with what it signs, enabled or not.
    async fn access_key(&self, id: &AccessKeyId) -> ServiceResult<Option<KnownKey>>;

    /// Notes that a request came that an access key had signed.
    async fn note_key_used(&self, id: &AccessKeyId) -> ServiceResult<()>;

    /// What is missing for the server to serve; nothing where it is ready.
    async fn missing(&self) -> Vec<String>;

    /// Numbers of the whole server, for its metrics.
    async fn figures(&self) -> ServiceResult<Figures>;
}
